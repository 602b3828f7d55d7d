//! The first process of a sandbox: listens on a socket and holds each conversation in a process of its own.
//!
//! A conversation's process is what the runner is anywhere else, so what one command starts is told from what
//! another does. What outlives its conversation becomes a child of this process and ends with the sandbox.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read as _};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{ForkResult, Pid, dup2_stdin, dup2_stdout};
use stigmer_runner::Exit;

use crate::os::{self, Reaped, Signals};

/// What the process of a conversation exits with that does not count: nothing was started.
pub(crate) const UNUSED: u8 = 3;

/// Shortest time for the first conversation to begin.
const FIRST: Duration = Duration::from_secs(30);

/// Longest time for the end of the only conversation to be read.
const SEEING_OUT: Duration = Duration::from_secs(2);

/// When a sandbox ends by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lifetime {
    /// After nobody had anything to say for so long.
    pub(crate) idle: Option<Duration>,
    /// After its first conversation.
    pub(crate) once: bool,
}

/// Listens until it is told to end or its time is over. In the process of a conversation it returns `true`: the caller
/// then holds it over standard input and output.
pub(crate) fn serve(socket: &Path, lifetime: Lifetime) -> io::Result<bool> {
    let signals = os::prepare()?;
    // Left by the first process of this container before it was stopped.
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    // Whose user calls is a matter of the folder: the caller's need not be ours.
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666))?;
    listener.set_nonblocking(true)?;
    let (conversations, idle_since) = (HashSet::new(), Instant::now());
    let mut sandbox = Sandbox { signals, listener, conversations, idle_since, is_used: false };
    loop {
        if lifetime.once && sandbox.is_used && sandbox.conversations.is_empty() {
            return Ok(false);
        }
        // Whoever made the sandbox has to find the way to it.
        let idle = lifetime.idle.map(|idle| if sandbox.is_used { idle } else { idle.max(FIRST) });
        let idle = idle.filter(|_| sandbox.conversations.is_empty());
        let due = idle.map(|idle| sandbox.idle_since + idle);
        if due.is_some_and(|due| due <= Instant::now()) {
            return Ok(false);
        }
        sandbox.wait(due)?;
        if sandbox.signals.take() {
            return Ok(false);
        }
        sandbox.reap();
        if sandbox.accept()? {
            return Ok(true);
        }
    }
}

struct Sandbox {
    signals: Signals,
    listener: UnixListener,
    conversations: HashSet<Pid>,
    /// When the last conversation ended.
    idle_since: Instant,
    /// Whether there was any conversation that counts.
    is_used: bool,
}

impl Sandbox {
    fn wait(&self, due: Option<Instant>) -> io::Result<()> {
        let mut fds = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
        ];
        let wait = due.map(|due| due.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
        let timeout =
            wait.map_or(PollTimeout::NONE, |wait| PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes ended conversations, and what they left behind when it ends.
    fn reap(&mut self) {
        while let Reaped::Child(pid, exit) = os::reap() {
            if self.conversations.remove(&pid) && exit != Exit::Code(UNUSED.into()) {
                self.idle_since = Instant::now();
                self.is_used = true;
            }
        }
    }

    /// Begins the conversations that are waiting. True in the process of one.
    fn accept(&mut self) -> io::Result<bool> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                // Whoever called is gone again, or there are too many: the next one may find room.
                Err(_) => return Ok(false),
            };
            match os::fork() {
                Ok(ForkResult::Parent { child }) => {
                    self.conversations.insert(child);
                }
                Ok(ForkResult::Child) => {
                    dup2_stdin(&stream)?;
                    dup2_stdout(&stream)?;
                    return Ok(true);
                }
                // No room for another process: the caller learns it by the end of the stream.
                Err(_) => {}
            }
        }
    }
}

/// Waits until whoever carries the conversation has read its end, and left. A sandbox that ends with it takes everything that
/// runs there along at once, also who carries.
pub(crate) fn see_out() {
    let Ok(stream) = io::stdout().as_fd().try_clone_to_owned().map(UnixStream::from) else { return };
    // What is at an end already has nobody to wait for.
    if stream.shutdown(Shutdown::Write).is_err() || stream.set_nonblocking(false).is_err() {
        return;
    }
    let (until, mut rest) = (Instant::now() + SEEING_OUT, [0; 4096]);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        if !os::is_readable_within(&stream, left).unwrap_or(false) {
            return;
        }
        // What is still said is nobody's.
        if (&stream).read(&mut rest).unwrap_or(0) == 0 {
            return;
        }
    }
}

/// Sees to a home folder that can be written to. The one that the image has for this user, else `instead`, which is
/// made: a user whom the image does not know has none.
pub(crate) fn settle_in(instead: &Path) {
    let is_writable = |home: &Path| {
        nix::unistd::access(home, nix::unistd::AccessFlags::W_OK).is_ok()
            && home.is_dir()
            && home != Path::new("/")
    };
    let given = std::env::var_os("HOME");
    if given.is_some_and(|home| is_writable(Path::new(&home))) {
        return;
    }
    // Without it a program complains by itself, which is better than no program.
    let _ = fs::create_dir_all(instead);
    // SAFETY: there is one thread.
    unsafe { std::env::set_var("HOME", instead) };
}
