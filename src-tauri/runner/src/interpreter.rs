//! Interpreters that outlive a run, so that the next one finds its variables.
//!
//! Three processes: the *keeper*, which nobody's run owns, holds the interpreter and listens at a socket; the interpreter, which
//! runs one script after another; and for each run a *caller*, which is the run's command. The caller lends its own standard
//! input and output to the interpreter, so what a script prints goes straight into the pipes of its run, and everything that holds
//! for a command holds for it.
//!
//! ```text
//! runner ──starts──▶ caller ──`a`, four descriptors──▶ keeper ──the same──▶ interpreter
//!                           ──`i`: interrupt─────────▶        ──SIGINT────▶
//!                           ◀─`e`, exit code──────────        ◀─exit code──
//! ```
//!
//! A caller that is gone before its script has ended was forced: the script is interrupted, and the interpreter ended if it does
//! not heed that. The keeper ends with its interpreter, when nobody called for its time, or when the app that owns it goes.

mod begin;
mod call;
mod keeper;

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use stigmer_runner::{Decoder, Frame, Interpreter, Refusal, Reply, Request, Start, protocol};

pub(crate) use self::call::call;
pub(crate) use self::keeper::keep;

use crate::os;
use crate::spawn::Refused;

/// This program, whatever became of its file.
const OURSELVES: &str = "/proc/self/exe";

/// What a caller says first, before the variable of its run, and with its streams and what it asks for.
const ASK: u8 = b'a';

/// What is said by whoever waits until no script goes on whose caller is gone.
const MOURN: u8 = b'm';

/// Longest time for that.
const MOURNING: Duration = Duration::from_secs(3);

/// What a caller says when it is asked to end.
const INTERRUPT: u8 = b'i';

/// What the keeper says, each with a number: a script ended with this code, the interpreter did, this signal ended it; or another
/// script runs.
const EXITED: u8 = b'e';
const GONE: u8 = b'g';
const KILLED: u8 = b'k';
const WAITING: u8 = b'w';

/// Sees to an interpreter that listens. True where it is a new one.
pub(crate) fn prepare(start: &Start, wanted: &Interpreter) -> Result<bool, Refused> {
    let other = |error: io::Error| Refused { refusal: Refusal::Other, message: error.to_string() };
    let socket = path(&wanted.socket);
    if UnixStream::connect(&socket).is_ok() {
        return Ok(false);
    }
    match ask_keeper(start).map_err(other)? {
        Some(Reply::Interpreter { is_new }) => Ok(is_new),
        Some(Reply::NotStarted { refusal, message }) => Err(Refused { refusal, message }),
        _ => Err(other(io::Error::other("the keeper of the interpreter ended at once"))),
    }
}

/// The command of the run: it has the interpreter run the script.
pub(crate) fn caller(start: &Start, wanted: &Interpreter) -> Start {
    let words = [OURSELVES.as_bytes(), b"call", &wanted.socket];
    let words = words.into_iter().map(|word| serde_bytes::ByteBuf::from(word.to_vec()));
    let argv = words.chain(start.argv.iter().skip(1).cloned()).collect();
    // It is the interpreter that is confined.
    Start { argv, guard: None, ..start.clone() }
}

/// Waits until nothing goes on of a script whose caller was killed.
pub(crate) fn settle(wanted: &Interpreter) {
    let settled = || -> io::Result<()> {
        let mut keeper = UnixStream::connect(path(&wanted.socket))?;
        keeper.set_read_timeout(Some(MOURNING))?;
        keeper.write_all(&[MOURN])?;
        keeper.read_to_end(&mut Vec::new()).map(drop)
    };
    // Where nobody listens nothing goes on.
    let _ = settled();
}

/// Starts a keeper, in a process that belongs to no run, and hears what became of it.
fn ask_keeper(start: &Start) -> io::Result<Option<Reply>> {
    let (theirs, requests) = pipe2(OFlag::O_CLOEXEC)?;
    let (replies, answer) = pipe2(OFlag::O_CLOEXEC)?;
    os::start_outside(|| become_keeper(theirs, answer))?;
    let mut frame = Vec::new();
    protocol::encode(&Request::Start(start.clone()), &mut frame);
    // One that is gone has said why, or nothing.
    let _ = File::from(requests).write_all(&frame);
    let (mut replies, mut decoder) = (File::from(replies), Decoder::new());
    loop {
        match decoder.next().map_err(io::Error::other)? {
            Some(Frame::Control(reply)) => return Ok(Some(reply)),
            Some(Frame::Output { .. }) => return Ok(None),
            None => {}
        }
        match replies.read(decoder.space(1 << 10))? {
            0 => return Ok(None),
            length => decoder.filled(length),
        }
    }
}

fn become_keeper(requests: OwnedFd, replies: OwnedFd) -> io::Error {
    Command::new(OURSELVES).arg("keep").stdin(requests).stdout(replies).stderr(Stdio::null()).exec()
}

/// A path as the protocol has it.
fn path(bytes: &[u8]) -> PathBuf {
    Path::new(OsStr::from_bytes(bytes)).to_owned()
}

/// Sees to the folder of an interpreter.
fn make_folder(socket: &Path) -> io::Result<()> {
    let folder = socket.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Removes the folder of an interpreter that is gone.
fn remove(socket: &Path) {
    // What cannot be removed is in nobody's way.
    let _ = socket.parent().map(fs::remove_dir_all);
}
