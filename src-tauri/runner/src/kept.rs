//! A run that goes on without its engine, for a while: where an engine that comes back finds it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::{dup2_stdin, dup2_stdout};
use stigmer_runner::Keep;

/// The door at which an engine may come back.
pub(crate) struct Kept {
    listener: UnixListener,
    path: PathBuf,
    linger: Duration,
    /// Since when nobody talks to the run.
    alone_since: Option<Instant>,
}

impl Kept {
    /// Listens. What was left at this path by an earlier run goes.
    pub(crate) fn open(keep: &Keep) -> io::Result<Self> {
        let path = Path::new(std::ffi::OsStr::from_bytes(&keep.socket)).to_owned();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        // Whose user calls is a matter of the folder: the caller's need not be ours.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        listener.set_nonblocking(true)?;
        let linger = Duration::from_millis(keep.linger_ms.into());
        Ok(Self { listener, path, linger, alone_since: None })
    }

    /// Nobody talks to the run any more: its streams lead nowhere, so that whoever was there learns it.
    pub(crate) fn part(&mut self, now: Instant) -> io::Result<()> {
        self.alone_since.get_or_insert(now);
        let nowhere = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&nowhere)?;
        dup2_stdout(&nowhere)?;
        Ok(())
    }

    /// Whoever knocks gets the streams. Whether anybody did.
    pub(crate) fn admit(&mut self) -> io::Result<bool> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                dup2_stdin(&stream)?;
                dup2_stdout(&stream)?;
                self.alone_since = None;
                Ok(true)
            }
            // Gone again.
            Err(_) => Ok(false),
        }
    }

    pub(crate) fn is_alone(&self) -> bool {
        self.alone_since.is_some()
    }

    /// When nobody is expected any more.
    pub(crate) fn given_up_at(&self) -> Option<Instant> {
        self.alone_since.map(|since| since + self.linger)
    }
}

impl AsFd for Kept {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Whoever knocks in vain learns the same.
        let _ = fs::remove_file(&self.path);
    }
}
