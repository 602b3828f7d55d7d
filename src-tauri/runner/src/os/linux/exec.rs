//! From the runner to the program: the few steps between `fork` and `execve`.
//!
//! The environment, the arguments and the program are passed to `execve` as they are. `execvp` is not used
//! because it reads *our* `PATH`, and because some C libraries hand a file that the kernel does not recognize
//! to `/bin/sh`, which turns a program for another processor into a page of syntax errors.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, execve, getpid, getppid, setsid};

use super::Fence;

/// Largest number of a signal, real-time ones included.
const LAST_SIGNAL: libc::c_int = 64;

/// A program with all that `execve` takes.
pub(crate) struct Exec {
    /// Files to try in this order, never empty.
    pub(crate) paths: Vec<CString>,
    /// Arguments, the program's own name first.
    pub(crate) argv: Vec<CString>,
    /// The whole environment, as `name=value`.
    pub(crate) env: Vec<CString>,
}

impl Exec {
    /// Becomes the first of the files that can be executed; returns why none could.
    fn become_program(&self) -> Errno {
        let mut reason = Errno::ENOENT;
        for path in &self.paths {
            match execve(path, &self.argv, &self.env) {
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                // As a shell does: a later folder may have one that is allowed.
                Err(Errno::EACCES) => reason = Errno::EACCES,
                Err(other) => return other,
            }
        }
        reason
    }
}

/// Starts a program in a session of its own, whose controlling terminal is its standard output if `on_terminal`.
///
/// The program is killed when the runner dies; what the program starts is not, by this means.
pub(crate) fn execute(
    exec: Exec,
    streams: [Stdio; 3],
    on_terminal: bool,
    fence: Option<Fence>,
) -> io::Result<Pid> {
    let [stdin, stdout, stderr] = streams;
    let runner = getpid();
    let mut command = Command::new(OsStr::from_bytes(exec.paths[0].as_bytes()));
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    let mut fence = fence;
    let enter = move || {
        setsid()?;
        if on_terminal {
            // SAFETY: no memory is passed. Descriptor 1 is the terminal, and this session has none yet.
            Errno::result(unsafe { libc::ioctl(1, libc::TIOCSCTTY, 0) })?;
        }
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        if getppid() != runner {
            return Err(Errno::ESRCH.into()); // the runner died before the line above could see it
        }
        forget_signals()?;
        close_others_on_exec();
        if let Some(fence) = fence.take() {
            fence.enter()?;
        }
        Err(exec.become_program().into())
    };
    // SAFETY: the runner has one thread, so between fork and exec nothing is locked and memory can be allocated.
    unsafe { command.pre_exec(enter) };
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok(Pid::from_raw(pid))
}

/// Gives back what a program expects: no signal blocked, none ignored.
fn forget_signals() -> nix::Result<()> {
    for signal in 1..=LAST_SIGNAL {
        // SAFETY: no handler is installed. Fails for signals that cannot be changed, which is as good.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    SigSet::empty().thread_set_mask()
}

/// Our own descriptors close themselves; this is for those that whoever started the runner left open in it.
fn close_others_on_exec() {
    // SAFETY: no memory is passed. Kernels before 5.11 refuse, and leave what was inherited as it is.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}
