//! A program on a pseudo-terminal, which several may look at.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::sync::{broadcast, watch};

use super::{Toolbox, execute};
use crate::cloud::lock;

nix::ioctl_write_ptr_bad!(tiocswinsz, libc::TIOCSWINSZ, Winsize);

/// Pieces of output that may wait for somebody slow.
const BACKLOG: usize = 256;

/// What is to be started.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) id: String,
    /// Absolute.
    pub(super) cwd: String,
    pub(super) envs: BTreeMap<String, String>,
    pub(super) cols: u16,
    pub(super) rows: u16,
    pub(super) created: String,
}

/// How the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exit {
    pub(super) code: i32,
    pub(super) reason: Option<&'static str>,
}

impl Exit {
    pub(super) fn json(&self) -> Value {
        let mut value = json!({ "exitCode": self.code });
        if let Some(reason) = self.reason {
            value["exitReason"] = json!(reason);
        }
        value
    }
}

/// A terminal with a login shell on it.
#[derive(Debug)]
pub(super) struct Terminal {
    wanted: Wanted,
    size: Mutex<(u16, u16)>,
    master: AsyncFd<std::fs::File>,
    leader: Option<Pid>,
    /// Output before somebody looks.
    early: Mutex<Vec<u8>>,
    output: broadcast::Sender<Bytes>,
    exit: watch::Sender<Option<Exit>>,
}

impl Terminal {
    pub(super) async fn start(toolbox: &Toolbox, wanted: Wanted) -> io::Result<Arc<Self>> {
        let size = Winsize { ws_row: wanted.rows, ws_col: wanted.cols, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None)?;
        fcntl(&master, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut envs = toolbox.env(wanted.envs.clone());
        envs.entry("TERM".to_owned()).or_insert_with(|| "xterm-256color".to_owned());
        let mut command = toolbox.place.command(&wanted.cwd, envs, true);
        command.args([execute::SHELL, "--login", "-i"]);
        command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
        let child = command.spawn()?;
        // SAFETY: the file owns the descriptor, and is neither replaced nor closed before it is deregistered.
        let master = unsafe { AsyncFd::register(std::fs::File::from(master)) }?;
        // It holds the other end, and the output would never end.
        drop(command);
        let terminal = Arc::new(Self {
            size: Mutex::new((wanted.cols, wanted.rows)),
            wanted,
            master,
            leader: execute::leader(&child).await,
            early: Mutex::default(),
            output: broadcast::Sender::new(BACKLOG),
            exit: watch::Sender::new(None),
        });
        tokio::spawn(Arc::clone(&terminal).read(child));
        Ok(terminal)
    }

    async fn read(self: Arc<Self>, mut child: Child) {
        let mut buffer = vec![0; 16 << 10];
        loop {
            match self.master.async_io(Interest::READABLE, |mut file| file.read(&mut buffer)).await {
                Ok(0) => break,
                Ok(read) => self.tell(&buffer[..read]),
                // What a terminal says when nobody has it any more.
                Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => break,
                Err(_) => break,
            }
        }
        let status = child.wait().await;
        let exit = match status.map(|status| (status.code(), status.signal())) {
            Ok((Some(code), _)) if code < 128 => Exit { code, reason: None },
            Ok((Some(code), _)) => Exit { code, reason: Some("killed") },
            Ok((None, Some(signal))) => Exit { code: 128 + signal, reason: Some("killed") },
            Ok((None, None)) | Err(_) => Exit { code: -1, reason: Some("lost") },
        };
        self.exit.send_replace(Some(exit));
    }

    fn tell(&self, bytes: &[u8]) {
        let mut early = lock(&self.early);
        if self.output.send(Bytes::copy_from_slice(bytes)).is_err() {
            early.extend_from_slice(bytes);
        }
    }

    /// What was said before anybody looked, and what comes from now on.
    pub(super) fn look(&self) -> (Vec<u8>, broadcast::Receiver<Bytes>) {
        let mut early = lock(&self.early);
        (std::mem::take(&mut *early), self.output.subscribe())
    }

    pub(super) fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.subscribe()
    }

    pub(super) fn is_active(&self) -> bool {
        self.exit.borrow().is_none()
    }

    pub(super) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.master.async_io(Interest::WRITABLE, |mut file| file.write(bytes)).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    pub(super) fn resize(&self, cols: u16, rows: u16) -> io::Result<()> {
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the descriptor is open as long as `self`, and the kernel only reads the size.
        unsafe { tiocswinsz(self.master.as_raw_fd(), &raw const size) }?;
        *lock(&self.size) = (cols, rows);
        Ok(())
    }

    /// Kills the shell; what it started on the terminal is hung up on.
    pub(super) fn kill(&self) {
        if let Some(leader) = self.leader.filter(|_| self.is_active()) {
            let _ = kill(leader, Signal::SIGKILL);
        }
    }

    pub(super) fn json(&self) -> Value {
        let (cols, rows) = *lock(&self.size);
        let Wanted { id, cwd, envs, created, .. } = &self.wanted;
        json!({
            "id": id, "cwd": cwd, "envs": envs, "cols": cols, "rows": rows, "createdAt": created,
            "active": self.is_active(), "lazyStart": false,
        })
    }
}
