//! The command of a run that an interpreter carries out: lends it its streams, and ends as its script does.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};

use stigmer_runner::protocol::RUN_ID;

use super::{ASK, EXITED, GONE, INTERRUPT, KILLED, WAITING};
use crate::os::{self, Signals};

/// Has the interpreter that listens at `socket` run a script with these arguments.
pub(crate) fn call(socket: &Path, arguments: &[&OsStr]) -> io::Result<ExitCode> {
    let signals = os::listen_to_signals()?;
    let stream = UnixStream::connect(socket)?;
    ask(&stream, &request(arguments)?)?;
    loop {
        match wait(&stream, &signals)? {
            Some([EXITED, code @ ..]) => return Ok(exit_code(code)),
            Some([GONE, code @ ..]) => {
                complain("the interpreter has ended itself, and its variables are gone");
                return Ok(exit_code(code));
            }
            Some([KILLED, signal @ ..]) => {
                complain("the interpreter was ended, and its variables are gone");
                return Ok(os::end_by(i32::from_le_bytes(signal)));
            }
            Some([WAITING, ..]) => complain("waiting for another run of this session to end"),
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
            None => {
                complain("the interpreter was ended from elsewhere, and its variables are gone");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}

fn exit_code(code: [u8; 4]) -> ExitCode {
    ExitCode::from(u8::try_from(i32::from_le_bytes(code) & 0xff).unwrap_or(1))
}

/// A line of ours in what the run prints.
fn complain(what: &str) {
    // Whoever does not read it knows by the exit code.
    let _ = writeln!(io::stderr(), "stigmer: {what}");
}

/// What is asked for, in a file without a name: a number of arguments and these, the folder, the variables. Each has its length
/// before it.
fn request(arguments: &[&OsStr]) -> io::Result<File> {
    let mut fields = vec![OsString::from(arguments.len().to_string())];
    fields.extend(arguments.iter().map(OsString::from));
    fields.push(std::env::current_dir()?.into());
    fields.extend(std::env::vars_os().flat_map(|(name, value)| [name, value]));
    let mut file = File::from(memfd_create(c"request", MFdFlags::MFD_CLOEXEC)?);
    for field in fields {
        let length = u32::try_from(field.len()).map_err(io::Error::other)?;
        file.write_all(&length.to_le_bytes())?;
        file.write_all(field.as_bytes())?;
    }
    Ok(file)
}

fn ask(stream: &UnixStream, request: &File) -> io::Result<()> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let run = std::env::var_os(RUN_ID).unwrap_or_default();
    let words = [&[ASK], RUN_ID.as_bytes(), b"=", run.as_bytes()].concat();
    Ok(os::lend(stream, &words, &[stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), request.as_fd()])?)
}

/// The next word of the keeper, and every wish to end passed on to it meanwhile. `None` when it is gone.
fn wait(mut stream: &UnixStream, signals: &Signals) -> io::Result<Option<[u8; 5]>> {
    loop {
        let mut fds =
            [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_readable = fds[1].any() == Some(true);
        if signals.take() {
            // A keeper that is gone is told of by the end of what it says.
            let _ = stream.write_all(&[INTERRUPT]);
        }
        if is_readable {
            let mut word = [0; 5];
            return match stream.read_exact(&mut word) {
                Ok(()) => Ok(Some(word)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
                Err(error) => Err(error),
            };
        }
    }
}
