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
    /// Longest time without a request.
    silence: Option<Duration>,
    /// When the last request came.
    heard: Instant,
    /// Since when nobody talks to the run.
    alone_since: Option<Instant>,
}

impl Kept {
    /// Listens. Fails where something is at this path, which is each run's own: however often a start arrives, the run begins
    /// once.
    pub(crate) fn open(keep: &Keep) -> io::Result<Self> {
        let path = Path::new(std::ffi::OsStr::from_bytes(&keep.socket)).to_owned();
        let listener = UnixListener::bind(&path)?;
        // Whose user calls is a matter of the folder: the caller's need not be ours.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        listener.set_nonblocking(true)?;
        let linger = Duration::from_millis(keep.linger_ms.into());
        let silence = (keep.silence_ms > 0).then(|| Duration::from_millis(keep.silence_ms.into()));
        Ok(Self { listener, path, linger, silence, heard: Instant::now(), alone_since: None })
    }

    /// The engine said something.
    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// When an engine that goes on saying nothing counts as gone.
    pub(crate) fn silent_at(&self) -> Option<Instant> {
        self.silence.filter(|_| !self.is_alone()).map(|silence| self.heard + silence)
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
                self.heard = Instant::now();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_begins_the_silence_anew_and_where_nobody_is_there_is_none() {
        let folder = std::env::temp_dir().join(format!("stigmer-silence-{}", std::process::id()));
        let socket = folder.as_os_str().as_bytes().to_vec().into();
        let mut kept = Kept::open(&Keep { socket, linger_ms: 1, silence_ms: 5 }).unwrap();
        let heard = Instant::now() + Duration::from_secs(7);
        kept.hear(heard);
        assert_eq!(kept.silent_at(), Some(heard + Duration::from_millis(5)));
        kept.alone_since = Some(heard);
        assert_eq!(kept.silent_at(), None);
        drop(kept);
        let path = folder.as_os_str().as_bytes().to_vec().into();
        assert_eq!(
            Kept::open(&Keep { socket: path, linger_ms: 1, silence_ms: 0 }).unwrap().silent_at(),
            None
        );
    }
}
