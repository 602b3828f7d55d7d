//! Where the engine cannot reach a sandbox's socket: carries a conversation between it and standard input and output.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::os;

mod turns;

/// Longest time for the first process of the sandbox to listen.
const LISTENING: Duration = Duration::from_secs(5);

/// Time between two tries.
const KNOCK: Duration = Duration::from_millis(5);

/// Room for a whole piece of output.
const PIECE: usize = 256 << 10;

/// Carries a conversation to its end. When the engine is gone the other side learns it by the end of its requests.
pub(crate) fn join(socket: &Path) -> io::Result<()> {
    converse(connect(socket)?)
}

/// The same with a run that was kept, if it is still there.
pub(crate) fn rejoin(socket: &Path) -> io::Result<()> {
    converse(UnixStream::connect(socket)?)
}

/// What a terminal is attached to.
pub(crate) enum Attached<'a> {
    /// A run, until one of both is over.
    Run,
    /// Whoever listens, made to where nobody does in this home folder: for one conversation after another until none is used for
    /// so long, or for one.
    Listener { home: &'a Path, unused: Duration, once: bool },
}

/// The same over a terminal. Everything before `begin` is not ours.
pub(crate) fn attach(socket: &Path, begin: &OsStr, to: &Attached<'_>) -> io::Result<()> {
    os::carry_bytes(io::stdin())?;
    let connected = match (UnixStream::connect(socket), to) {
        (Ok(stream), _) => stream,
        (Err(_), Attached::Listener { home, .. }) => {
            os::start_apart(|| listen(socket, home))?;
            connect(socket)?
        }
        (Err(error), Attached::Run) => return Err(error),
    };
    let mut stdout = io::stdout();
    stdout.write_all(begin.as_encoded_bytes())?;
    stdout.flush()?;
    match to {
        Attached::Listener { unused, once, .. } => turns::converse(connected, socket, *unused, *once),
        Attached::Run => converse(connected),
    }
}

/// Becomes who listens.
fn listen(socket: &Path, home: &Path) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    Command::new(program)
        .args([OsStr::new("serve"), socket.as_os_str(), home.as_os_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .exec()
}

fn converse(replies: UnixStream) -> io::Result<()> {
    let requests = replies.try_clone()?;
    // Ends with the process: nothing else tells a read of standard input to give up.
    thread::spawn(move || {
        // Whatever went wrong, there are no more requests.
        let _ = carry(io::stdin(), &requests);
        let _ = requests.shutdown(Shutdown::Write);
    });
    carry(replies, io::stdout())
}

fn connect(socket: &Path) -> io::Result<UnixStream> {
    let until = Instant::now() + LISTENING;
    loop {
        match UnixStream::connect(socket) {
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_) => thread::sleep(KNOCK),
            connected => return connected,
        }
    }
}

/// Carries bytes as they come: each piece at once.
fn carry(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                to.write_all(&piece[..length])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
