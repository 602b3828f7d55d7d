//! The terminal that we were started from.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

nix::ioctl_read_bad!(read_size, nix::libc::TIOCGWINSZ, nix::libc::winsize);

/// Columns and rows of our terminal; 80 × 24 where there is none.
pub(crate) fn size() -> (u16, u16) {
    let mut size = nix::libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    for stream in [0, 1, 2] {
        // SAFETY: the pointer is to a `winsize` of ours, which is what the request fills in.
        let known = unsafe { read_size(stream, &raw mut size) }.is_ok();
        if known && size.ws_col > 0 && size.ws_row > 0 {
            return (size.ws_col, size.ws_row);
        }
    }
    (80, 24)
}

/// Keys go through as they are while this lives; the terminal is as before afterwards.
pub(crate) struct RawMode {
    before: Option<Termios>,
}

impl RawMode {
    /// Does nothing where standard input is no terminal.
    pub(crate) fn enter() -> Self {
        let stdin = io::stdin();
        let before = stdin.is_terminal().then(|| tcgetattr(stdin.as_fd()).ok()).flatten();
        if let Some(before) = &before {
            let mut raw = before.clone();
            cfmakeraw(&mut raw);
            // A terminal that refuses stays as it is; the run works all the same.
            let _ = tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &raw);
        }
        Self { before }
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, before);
        }
    }
}

/// Asks for a line that does not appear while it is typed.
pub(crate) fn hidden_line(prompt: &str) -> io::Result<Vec<u8>> {
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    let mut quiet = tcgetattr(stdin.as_fd())?;
    let before = RawMode { before: Some(quiet.clone()) };
    quiet.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(stdin.as_fd(), SetArg::TCSAFLUSH, &quiet)?;
    write!(stderr, "{prompt}")?;
    let mut line = Vec::new();
    for byte in stdin.lock().bytes() {
        line.push(byte?);
        if line.last() == Some(&b'\n') {
            break;
        }
    }
    drop(before);
    writeln!(stderr)?;
    Ok(line)
}

/// Waits until there is something to read on a standard input that does not block.
pub(crate) fn until_readable() -> io::Result<()> {
    let stdin = io::stdin();
    wait_for(stdin.as_fd(), PollFlags::POLLIN)
}

/// Writes everything, also to a stream that whoever gave it to us does not let block.
pub(crate) fn write(to: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait_for(to.as_fd(), PollFlags::POLLOUT)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_for(stream: BorrowedFd<'_>, what: PollFlags) -> io::Result<()> {
    poll(&mut [PollFd::new(stream, what)], PollTimeout::NONE).map(drop).map_err(Into::into)
}
