//! The program `stigmer-runner`: reads requests from standard input, writes replies to standard output.
//!
//! | arguments | what it does |
//! | --- | --- |
//! | none | holds one conversation |
//! | `sandbox HOME` | the same in a container, where the user may have no home folder; `HOME` is made then |
//! | `serve SOCKET HOME [SECONDS [once]]` | holds any number of them over a socket, as the first process of a container; ends when it was idle for so long, or after the first |
//! | `join SOCKET` | carries one of those between the socket and standard input and output, where the engine cannot reach the socket |
//! | `rejoin SOCKET` | the same where the socket is there, or will not be |
//! | `attach SOCKET A B [HOME SECONDS [once]]` | `rejoin` over a terminal, which is made to carry bytes as they are from where `AB` is printed; with `HOME` somebody is made to listen where nobody does, and the next conversation begins where one ended, until none is used for so long, or `once` |
//! | `open FOLDER` | lets every user of a sandbox write to a folder that was made for it |
//! | `keep` | keeps an interpreter that outlives its runs, until nobody needs it |
//! | `call SOCKET SCRIPT ARGUMENT...` | has such an interpreter run a script: the command of its run |
//! | `give PATH` | sends what is there, with all that is in it, for a copy by hand |
//! | `take PATH` | puts what is sent there |
//! | `tree FOLDER STATE` | answers what `stigmer-tree` asks about a copy of the workspace |
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | the conversation came to its end, or help was asked for |
//! | 1 | the engine went away; everything that was started is ended |
//! | 2 | called by hand, or the other side does not speak the protocol |
//! | 3 | nothing was started: what others left was ended |
//!
//! One thread, no runtime. `serve.rs` listens in a sandbox. `session.rs` waits for everything at once and hands it to the `run.rs` that it
//! started: `kept.rs` waits for an engine that comes back, `output.rs` (through `spool.rs`) and `input.rs` carry the bytes, `ending.rs` ends the processes,
//! `outbox.rs` is the only one that writes to the engine, `os.rs` the only one that knows the system. `interpreter.rs` keeps what
//! outlives a run.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, BufWriter, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

mod ending;
mod input;
mod interpreter;
mod join;
mod kept;
mod os;
mod outbox;
mod output;
mod run;
mod script;
mod serve;
mod session;
mod spawn;
mod spool;

use join::Attached;
use serve::Lifetime;
use session::{Broken, Served, Session};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
    match words.as_slice() {
        [] if io::stdin().is_terminal() => refuse(),
        [] => converse(),
        [verb, home] if *verb == "sandbox" => {
            serve::settle_in(Path::new(home));
            converse()
        }
        [verb, socket, home, rest @ ..] if *verb == "serve" => match lifetime(rest) {
            Some(lifetime) => serve(Path::new(socket), Path::new(home), lifetime),
            None => refuse(),
        },
        [verb, socket] if *verb == "join" => end("cannot be joined", socket, join::join(Path::new(socket))),
        [verb, socket] if *verb == "rejoin" => {
            end("cannot be joined again", socket, join::rejoin(Path::new(socket)))
        }
        [verb, socket, words @ ..] if *verb == "attach" => {
            end("cannot be attached", socket, attach(Path::new(socket), words))
        }
        [verb, folder] if *verb == "open" => end("cannot be opened", folder, open(Path::new(folder))),
        [verb, folder, state] if *verb == "tree" => {
            let (mut from, mut to) = (BufReader::new(io::stdin()), BufWriter::new(io::stdout()));
            let served = stigmer_tree::serve(Path::new(folder), Path::new(state), &mut from, &mut to);
            end("cannot be kept the same", folder, served)
        }
        [verb, path] if *verb == "give" => {
            let mut to = BufWriter::new(io::stdout());
            let given = stigmer_tree::give(Path::new(path), true, &mut to);
            told(given.map(drop), to)
        }
        [verb, path] if *verb == "take" => {
            let mut to = BufWriter::new(io::stdout());
            let taken = stigmer_tree::take(Path::new(path), None, &mut BufReader::new(io::stdin()));
            let answered = taken.and_then(|taken| stigmer_tree::answer(&taken, &mut to));
            told(answered, to)
        }
        [verb] if *verb == "keep" => {
            end("cannot be kept", OsStr::new("the interpreter"), interpreter::keep())
        }
        [verb, socket, script @ ..] if *verb == "call" && !script.is_empty() => {
            let called = interpreter::call(Path::new(socket), script);
            called.unwrap_or_else(|error| end("cannot be called", socket, Err(error)))
        }
        [argument] if *argument == "--help" || *argument == "--version" => {
            // A reader that is gone needs no help.
            let _ = io::stdout().write_all(about().as_bytes());
            ExitCode::SUCCESS
        }
        _ => refuse(),
    }
}

/// How a copy ended, of which the other side hears over the same stream.
fn told(done: io::Result<()>, mut to: impl Write) -> ExitCode {
    let Err(error) = done else { return flushed(to) };
    let word = stigmer_tree::Word::Failed(error.to_string());
    match stigmer_tree::put(&mut to, &word) {
        Ok(()) => flushed(to),
        // Nobody hears it any more.
        Err(_) => ExitCode::FAILURE,
    }
}

fn flushed(mut to: impl Write) -> ExitCode {
    if to.flush().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn lifetime(words: &[&OsStr]) -> Option<Lifetime> {
    let once = match words {
        [] => return Some(Lifetime::default()),
        [_] => false,
        [_, word] if *word == "once" => true,
        _ => return None,
    };
    let seconds = words[0].to_str()?.parse().ok()?;
    Some(Lifetime { idle: Some(Duration::from_secs(seconds)), once })
}

fn serve(socket: &Path, home: &Path, lifetime: Lifetime) -> ExitCode {
    serve::settle_in(home);
    match serve::serve(socket, lifetime) {
        Ok(true) => {
            let code = converse();
            if lifetime.once {
                serve::see_out();
            }
            code
        }
        Ok(false) => ExitCode::SUCCESS,
        Err(error) => end("cannot be listened at", socket.as_os_str(), Err(error)),
    }
}

/// `A B`, which are not joined in what a shell repeats of its command line; the home folder for who is to listen, and the
/// seconds for which a conversation may be unused; `once` where no other one follows on the first.
fn attach(socket: &Path, words: &[&OsStr]) -> io::Result<()> {
    let (one, other, to) = match words {
        [one, other] => (one, other, Attached::Run),
        [one, other, home, seconds, rest @ ..] if rest.is_empty() || rest == ["once"] => {
            let unused = seconds.to_str().and_then(|word| word.parse().ok());
            let unused = Duration::from_secs(unused.ok_or(io::ErrorKind::InvalidInput)?);
            let (home, once) = (Path::new(*home), !rest.is_empty());
            (one, other, Attached::Listener { home, unused, once })
        }
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let mut begin = OsString::from(one);
    begin.push(other);
    join::attach(socket, &begin, &to)
}

/// Lets every user write to a folder.
fn open(folder: &Path) -> io::Result<()> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777))
}

/// How something that needs no conversation ended.
fn end(what: &str, where_: &OsStr, done: io::Result<()>) -> ExitCode {
    let Err(error) = done else { return ExitCode::SUCCESS };
    // Whoever started it is told by the exit code, too.
    let _ = writeln!(io::stderr(), "stigmer-runner: {} {what}: {error}", Path::new(where_).display());
    ExitCode::FAILURE
}

fn converse() -> ExitCode {
    match Session::open().and_then(Session::serve) {
        Ok(Served::Run) => ExitCode::SUCCESS,
        Ok(Served::Sweep) => ExitCode::from(serve::UNUSED),
        Err(Broken::Gone) => ExitCode::from(1),
        Err(Broken::Malformed) => ExitCode::from(2),
    }
}

fn refuse() -> ExitCode {
    let _ = io::stderr().write_all(about().as_bytes());
    ExitCode::from(2)
}

fn about() -> String {
    format!(
        "stigmer-runner {} (protocol {}): starts a command for Stigmer, carries its bytes and ends its processes.\n\
         It is started by `stigmer` and the desktop app, which talk to it over its standard input and output.\n",
        env!("CARGO_PKG_VERSION"),
        stigmer_runner::protocol::VERSION,
    )
}
