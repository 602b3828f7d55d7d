//! From a `Start` to a running program, or to the reason why there is none.
//!
//! The runner enters the command's working directory itself: relative programs and a relative `PATH` are then
//! looked up where they mean something, and a directory that cannot be entered is told from a program that
//! cannot be executed.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Stdio;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Pid, pipe2};
use stigmer_runner::protocol::RUN_ID;
use stigmer_runner::{Refusal, Size, Start, Stream};

use crate::input::Sink;
use crate::os::{self, Exec, Fence};
use crate::output::Source;

/// Where programs are looked up when the command's environment has no `PATH`.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// A program that was started, and our ends of its streams.
pub(crate) struct Spawned {
    pub(crate) pid: Pid,
    pub(crate) input: Sink,
    pub(crate) output: [Option<Source>; 2],
}

/// Why it was not.
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) message: String,
}

/// Enters the directory and starts the program.
pub(crate) fn spawn(start: &Start) -> Result<Spawned, Refused> {
    let (exec, fence) = enter(start)?;
    let streams = start.terminal.map_or_else(|| pipes(start.input), |size| terminal(size, start.input));
    let Streams { stdio, input, output } = streams.map_err(|error| other(&error))?;
    let paths = exec.paths.clone();
    let pid =
        os::execute(exec, stdio, start.terminal.is_some(), fence).map_err(|error| explain(&error, &paths))?;
    Ok(Spawned { pid, input, output })
}

/// Enters the directory and starts a program that belongs to no run, with nothing but a standard input.
pub(crate) fn apart(start: &Start, stdin: OwnedFd) -> Result<Pid, Refused> {
    let own = |(name, _): &&(serde_bytes::ByteBuf, serde_bytes::ByteBuf)| name != RUN_ID.as_bytes();
    let start = Start { env: start.env.iter().filter(own).cloned().collect(), ..start.clone() };
    let (exec, fence) = enter(&start)?;
    let paths = exec.paths.clone();
    let streams = [stdin.into(), Stdio::null(), Stdio::null()];
    os::execute(exec, streams, false, fence).map_err(|error| explain(&error, &paths))
}

/// Enters the directory, with everything ready to start the program there.
fn enter(start: &Start) -> Result<(Exec, Option<Fence>), Refused> {
    let exec = prepare(start).map_err(|error| other(&error))?;
    std::env::set_current_dir(OsStr::from_bytes(&start.dir))
        .map_err(|error| Refused { refusal: Refusal::Directory, message: error.to_string() })?;
    let fence = start.guard.as_ref().map(Fence::new).transpose();
    let fence = fence.map_err(|error| Refused { refusal: Refusal::Guard, message: error.to_string() })?;
    Ok((exec, fence))
}

struct Streams {
    stdio: [Stdio; 3],
    input: Sink,
    output: [Option<Source>; 2],
}

fn pipes(input: bool) -> io::Result<Streams> {
    let (stdout, our_stdout) = pipe_from_command()?;
    let (stderr, our_stderr) = pipe_from_command()?;
    let (stdin, sink) = if input {
        let (theirs, ours) = pipe2(OFlag::O_CLOEXEC)?;
        do_not_block(&ours)?;
        (Stdio::from(theirs), Sink::Pipe(ours))
    } else {
        (Stdio::null(), Sink::Nowhere)
    };
    let output = [Source::new(Stream::Stdout, our_stdout), Source::new(Stream::Stderr, our_stderr)];
    Ok(Streams { stdio: [stdin, stdout.into(), stderr.into()], input: sink, output: output.map(Some) })
}

fn terminal(size: Size, input: bool) -> io::Result<Streams> {
    let (ours, theirs) = os::open_terminal(size)?;
    let read = if input { theirs.try_clone()?.into() } else { Stdio::null() };
    let stdio = [read, theirs.try_clone()?.into(), theirs.into()];
    let output = [Some(Source::new(Stream::Stdout, ours.try_clone()?)), None];
    Ok(Streams { stdio, input: Sink::Terminal(ours), output })
}

/// A wide pipe: the command's end, and ours that does not block.
fn pipe_from_command() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    os::widen(&ours);
    do_not_block(&ours)?;
    Ok((theirs, ours))
}

fn do_not_block(fd: &OwnedFd) -> nix::Result<()> {
    // A new pipe has no other flag to keep; the command's end is a description of its own and stays as it is.
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop)
}

fn prepare(start: &Start) -> io::Result<Exec> {
    let program = start.argv.first().ok_or_else(|| invalid("there is no program to start"))?;
    let argv =
        start.argv.iter().map(|argument| c_string(argument, "an argument")).collect::<io::Result<_>>()?;
    let variables = environment(start);
    let path = variables.get(&b"PATH"[..]).map_or(DEFAULT_PATH, |path| path);
    let paths = candidates(program, path);
    let env = variables.iter().map(variable).collect::<io::Result<_>>()?;
    let paths = paths.iter().map(|path| c_string(path, "the program")).collect::<io::Result<_>>()?;
    Ok(Exec { paths, argv, env })
}

/// The variables of the place, which are none where the runner was started without any, and above them those of the
/// command.
fn environment(start: &Start) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let place = std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec()));
    let own = start.env.iter().map(|(name, value)| (name.to_vec(), value.to_vec()));
    place.chain(own).collect()
}

fn variable((name, value): (&Vec<u8>, &Vec<u8>)) -> io::Result<CString> {
    if name.contains(&b'=') {
        return Err(invalid("the name of an environment variable contains `=`"));
    }
    let text = [name.as_slice(), b"=", value.as_slice()].concat();
    c_string(&text, "an environment variable")
}

fn c_string(bytes: &[u8], what: &str) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| invalid(&format!("{what} contains a zero byte")))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// The files that a program's name may mean.
fn candidates(program: &[u8], path: &[u8]) -> Vec<Vec<u8>> {
    if program.is_empty() || program.contains(&b'/') {
        return vec![program.to_vec()];
    }
    let in_folder = |folder: &[u8]| match folder {
        b"" => [b"./", program].concat(), // what an empty entry has always meant
        folder => [folder, b"/", program].concat(),
    };
    path.split(|&byte| byte == b':').map(in_folder).collect()
}

fn other(error: &io::Error) -> Refused {
    Refused { refusal: Refusal::Other, message: error.to_string() }
}

fn explain(error: &io::Error, paths: &[CString]) -> Refused {
    let is_there = || paths.iter().any(|path| Path::new(OsStr::from_bytes(path.as_bytes())).is_file());
    let message = error.to_string();
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENOTDIR) if is_there() => Refused {
            refusal: Refusal::NotExecutable,
            message: "the interpreter or loader that it names was not found".to_owned(),
        },
        Some(Errno::ENOENT | Errno::ENOTDIR) => Refused { refusal: Refusal::NotFound, message },
        // The program is not to blame: too many processes or files, too little memory, too long arguments.
        None | Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE | Errno::E2BIG) => {
            Refused { refusal: Refusal::Other, message }
        }
        Some(_) => Refused { refusal: Refusal::NotExecutable, message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates_of(program: &str, path: &str) -> Vec<String> {
        let found = candidates(program.as_bytes(), path.as_bytes());
        found.into_iter().map(|path| String::from_utf8(path).unwrap()).collect()
    }

    #[test]
    fn a_name_is_looked_up_in_every_folder_in_order() {
        assert_eq!(candidates_of("ls", "/a:/b"), ["/a/ls", "/b/ls"]);
    }

    #[test]
    fn an_empty_folder_is_the_working_directory() {
        assert_eq!(candidates_of("ls", ":/b"), ["./ls", "/b/ls"]);
        assert_eq!(candidates_of("ls", ""), ["./ls"]);
    }

    #[test]
    fn a_path_is_not_looked_up() {
        assert_eq!(candidates_of("./ls", "/a"), ["./ls"]);
        assert_eq!(candidates_of("", "/a"), [""]);
    }
}
