//! Linux: child subreaper, signalfd, pseudo-terminals, pipes.
//!
//! Holds every `unsafe` line of the runner together with `linux/exec.rs`. Nothing here decides anything: the
//! functions do one thing to the system and say how it went.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, SpliceFFlags, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::termios::{SetArg, SpecialCharacterIndices, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, setsid};
use stigmer_runner::{Exit, Size};

#[path = "linux/exec.rs"]
mod exec;
#[path = "linux/fence.rs"]
mod fence;
#[path = "linux/processes.rs"]
mod processes;

pub(crate) use exec::{Exec, execute};
pub(crate) use fence::Fence;
pub(crate) use processes::{Process, descendants, end_descendants_with, end_processes_with, name};

/// Buffer that is asked for pipes, in bytes: what an unprivileged process may have by default.
const PIPE_SIZE: i32 = 1 << 20;

/// Most that is said with descriptors, in bytes.
const WORDS: usize = 128;

/// Detaches this process from the terminal and session that it was started in, makes it the parent of every
/// orphan below it, and turns signals into something to poll.
pub(crate) fn prepare() -> nix::Result<Signals> {
    // Fails for the leader of a process group, which a shell may have made of us; then there is no need either.
    let _ = setsid();
    prctl::set_child_subreaper(true)?;
    listen_to_signals()
}

/// Turns signals into something to poll.
pub(crate) fn listen_to_signals() -> nix::Result<Signals> {
    // SIGPIPE is ignored already, by Rust's own start: a closed stream is an error of the write.
    let mut mask = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        mask.add(signal);
    }
    mask.thread_block()?;
    Ok(Signals(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
}

/// The signals that this process waits for. Readable when one came.
pub(crate) struct Signals(SignalFd);

impl Signals {
    /// Takes all signals that came: whether one of them asks the runner to end. The others say that a child
    /// ended, which [`reap`] finds out by itself.
    pub(crate) fn take(&self) -> bool {
        let mut end = false;
        while let Ok(Some(signal)) = self.0.read_signal() {
            end |= signal.ssi_signo != libc::SIGCHLD as u32;
        }
        end
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What [`reap`] found.
pub(crate) enum Reaped {
    /// This child ended.
    Child(Pid, Exit),
    /// There are children, none of them ended.
    StillRunning,
    /// There is no child. As every orphan becomes a child of the runner, nothing below it lives.
    Nobody,
}

/// Takes the next ended child without waiting.
pub(crate) fn reap() -> Reaped {
    let mut status = 0;
    // SAFETY: `status` outlives the call. Not nix's `waitpid`, which fails on real-time signals.
    match Errno::result(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }) {
        Ok(0) | Err(Errno::EINTR) => Reaped::StillRunning,
        Ok(pid) if libc::WIFSIGNALED(status) => {
            Reaped::Child(Pid::from_raw(pid), Exit::Signal(libc::WTERMSIG(status)))
        }
        Ok(pid) => Reaped::Child(Pid::from_raw(pid), Exit::Code(libc::WEXITSTATUS(status))),
        Err(_) => Reaped::Nobody,
    }
}

/// Makes a second process of this one.
pub(crate) fn fork() -> nix::Result<ForkResult> {
    // SAFETY: the runner has one thread, so nothing is locked in the child.
    unsafe { nix::unistd::fork() }
}

/// How many processes of this control group the kernel killed for want of memory. Inside a container that is the
/// container's own group, in both versions of control groups.
pub(crate) fn oom_kills() -> Option<u32> {
    ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"].into_iter().find_map(
        |path| {
            let counters = std::fs::read_to_string(path).ok()?;
            counters.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        },
    )
}

/// Gives a pipe the buffer that [`PIPE_SIZE`] asks for, or leaves it when a limit forbids that. False for
/// anything else than a pipe.
pub(crate) fn widen(pipe: impl AsFd) -> bool {
    let _ = fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(PIPE_SIZE));
    fcntl(&pipe, FcntlArg::F_GETPIPE_SZ).is_ok()
}

/// How many bytes a pipe holds.
pub(crate) fn available(pipe: impl AsFd) -> usize {
    let mut length = 0;
    // SAFETY: the request writes one `int`, which outlives the call.
    let result = unsafe { fionread(pipe.as_fd().as_raw_fd(), &raw mut length) };
    result.ok().and_then(|_| usize::try_from(length).ok()).unwrap_or(0)
}

/// Moves up to `length` bytes from one pipe to another, by reference: how many. Never waits.
pub(crate) fn splice(from: impl AsFd, to: impl AsFd, length: usize) -> nix::Result<usize> {
    nix::fcntl::splice(from, None, to, None, length, SpliceFFlags::SPLICE_F_NONBLOCK)
}

nix::ioctl_read_bad!(fionread, libc::FIONREAD, libc::c_int);

/// A new pseudo-terminal: our side, and the side of the command.
pub(crate) fn open_terminal(size: Size) -> nix::Result<(OwnedFd, OwnedFd)> {
    let pair = openpty(&window(size), None)?;
    for side in [&pair.master, &pair.slave] {
        fcntl(side, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
    Ok((pair.master, pair.slave))
}

/// Sets the size of a terminal; the kernel tells its foreground processes.
pub(crate) fn resize(terminal: BorrowedFd<'_>, size: Size) {
    let size = window(size);
    // SAFETY: the request reads one `winsize`, which outlives the call. Fails only when nobody could see it.
    let _ = unsafe { tiocswinsz(terminal.as_raw_fd(), &raw const size) };
}

nix::ioctl_write_ptr_bad!(tiocswinsz, libc::TIOCSWINSZ, Winsize);

fn window(size: Size) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.cols, ws_xpixel: 0, ws_ypixel: 0 }
}

/// The character that a program's terminal takes for the end of the file: Ctrl-D unless it chose another.
pub(crate) fn end_of_file(terminal: BorrowedFd<'_>) -> u8 {
    const CTRL_D: u8 = 4;
    tcgetattr(terminal).map_or(CTRL_D, |set| set.control_chars[SpecialCharacterIndices::VEOF as usize])
}

/// Has a terminal carry bytes as they are. What is no terminal does so already.
pub(crate) fn carry_bytes(terminal: impl AsFd) -> std::io::Result<()> {
    match tcgetattr(&terminal) {
        Ok(mut settings) => {
            cfmakeraw(&mut settings);
            Ok(tcsetattr(&terminal, SetArg::TCSANOW, &settings)?)
        }
        Err(Errno::ENOTTY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is something to read, or the end, before the time is over.
pub(crate) fn is_readable_within(from: impl AsFd, time: std::time::Duration) -> std::io::Result<bool> {
    let mut fds = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
    let time = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    loop {
        match poll(&mut fds, time) {
            Err(Errno::EINTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// Ends this process as a signal ends one; the exit code for where that does not.
pub(crate) fn end_by(signal: i32) -> std::process::ExitCode {
    // SAFETY: no handler is installed, and no memory is passed.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    std::process::ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}

/// Has standard input, output and errors lead nowhere.
pub(crate) fn let_go_of_streams() -> std::io::Result<()> {
    let nowhere = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nowhere)?;
    dup2_stdout(&nowhere)?;
    Ok(dup2_stderr(&nowhere)?)
}

/// [`start_apart`] for what is no part of a run: nor of this process's tree.
pub(crate) fn start_outside(become_it: impl FnOnce() -> std::io::Error) -> std::io::Result<()> {
    // There is no child yet that could be lost meanwhile.
    prctl::set_child_subreaper(false)?;
    let started = start_apart(become_it);
    prctl::set_child_subreaper(true)?;
    started
}

/// Says something, and passes descriptors on with it.
pub(crate) fn lend(to: &UnixStream, words: &[u8], descriptors: &[BorrowedFd<'_>]) -> nix::Result<()> {
    let lent: Vec<_> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&lent)];
    sendmsg::<()>(to.as_raw_fd(), &[IoSlice::new(words)], &rights, MsgFlags::empty(), None).map(drop)
}

/// What is said next, cut at [`WORDS`], and up to four descriptors that came with it.
pub(crate) fn borrow(from: &UnixStream) -> nix::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let (mut words, mut room) = (vec![0; WORDS], nix::cmsg_space!([RawFd; 4]));
    let mut into = [IoSliceMut::new(&mut words)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(from.as_raw_fd(), &mut into, Some(&mut room), flags)?;
    let (length, mut lent) = (message.bytes, Vec::new());
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = part {
            // SAFETY: the system has just made them for us.
            lent.extend(descriptors.into_iter().map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }));
        }
    }
    words.truncate(length);
    if length == 0 { Err(Errno::ECONNRESET) } else { Ok((words, lent)) }
}

/// Becomes something else, which only returns why it could not, in a process that is nobody's child and has no terminal.
pub(crate) fn start_apart(become_it: impl FnOnce() -> std::io::Error) -> std::io::Result<()> {
    // SAFETY: there is one thread, and the children of these forks only go on to execute something.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(nix::sys::wait::waitpid(child, None).map(drop)?),
        ForkResult::Child => {
            let _ = setsid();
            // SAFETY: as above.
            if let Ok(ForkResult::Child) = unsafe { nix::unistd::fork() } {
                become_it();
            }
            std::process::exit(0)
        }
    }
}
