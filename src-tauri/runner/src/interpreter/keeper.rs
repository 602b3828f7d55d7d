//! The keeper of an interpreter: listens, has one script run at a time, and ends what must end.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use stigmer_runner::protocol::{self, END, OWN};
use stigmer_runner::{Decoder, Exit, Frame, Interpreter, Refusal, Reply, Request, Start};

use super::begin::{begin, lock};
use super::{ASK, EXITED, GONE, INTERRUPT, KILLED, MOURN, WAITING, path, remove};
use crate::ending::Ending;
use crate::os::{self, Signals};
use crate::spawn::Refused;

/// What a script gets to heed the interrupt when its run was forced to end.
const FORCED: Duration = Duration::from_millis(500);

/// Shortest time for whoever found it to call.
const KNOCKED: Duration = Duration::from_secs(2);

/// Keeps the interpreter that standard input asks for. Says on standard output what became of that, and then goes on alone.
pub(crate) fn keep() -> io::Result<()> {
    let start = asked()?;
    let Some(wanted) = start.interpreter.clone() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let (reply, keeper) = match Keeper::open(&start, &wanted) {
        Ok(Some(keeper)) => (Reply::Interpreter { is_new: true }, Some(keeper)),
        Ok(None) => (Reply::Interpreter { is_new: false }, None),
        Err(Refused { refusal, message }) => (Reply::NotStarted { refusal, message }, None),
    };
    let mut frame = Vec::new();
    protocol::encode(&reply, &mut frame);
    io::stdout().write_all(&frame)?;
    io::stdout().flush()?;
    os::let_go_of_streams()?;
    keeper.map_or(Ok(()), Keeper::serve)
}

fn asked() -> io::Result<Start> {
    let (mut requests, mut decoder) = (io::stdin(), Decoder::new());
    loop {
        match decoder.next().map_err(io::Error::other)? {
            Some(Frame::Control(Request::Start(start))) => return Ok(start),
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
            None => {}
        }
        match requests.read(decoder.space(64 << 10))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => decoder.filled(length),
        }
    }
}

struct Keeper {
    signals: Signals,
    listener: UnixListener,
    socket: PathBuf,
    /// To the interpreter and back.
    control: UnixStream,
    interpreter: Pid,
    ending: Ending,
    /// How the interpreter ended, once it has.
    exit: Option<Exit>,
    /// Who said nothing yet.
    strangers: Vec<UnixStream>,
    /// The apps that it ends with; nobody's while there was none.
    owners: Vec<UnixStream>,
    is_owned: bool,
    /// It was told to end.
    is_over: bool,
    waiting: VecDeque<Turn>,
    turn: Option<Turn>,
    /// Who waits for the end of a script whose caller is gone.
    mourners: Vec<UnixStream>,
    idle: Duration,
    idle_since: Instant,
    /// When somebody looked for it last.
    knocked_at: Instant,
    /// Nobody starts another until everything of this one is gone.
    retiring: Option<Flock<File>>,
}

/// A script that runs, or will.
struct Turn {
    caller: UnixStream,
    lent: Vec<OwnedFd>,
    /// What the processes of its run have in their environment.
    variable: Vec<u8>,
    /// Whether it was asked to end.
    is_interrupted: bool,
    /// When its caller was gone: since then it is expected to end.
    forced_at: Option<Instant>,
}

impl Keeper {
    /// Listens with a new interpreter, if nobody does yet.
    fn open(start: &Start, wanted: &Interpreter) -> Result<Option<Self>, Refused> {
        let other = |error: io::Error| Refused { refusal: Refusal::Other, message: error.to_string() };
        let socket = path(&wanted.socket);
        // Until there is somebody to find.
        let _lock = lock(&socket, FlockArg::LockExclusive).map_err(other)?;
        if UnixStream::connect(&socket).is_ok() {
            return Ok(None);
        }
        let signals = os::prepare().map_err(|error| other(error.into()))?;
        // Left by a keeper that was killed.
        let _ = fs::remove_file(&socket);
        let begun = begin(start, wanted, &socket);
        let (control, interpreter, listener) = begun.inspect_err(|_| remove(&socket))?;
        Ok(Some(Self {
            signals,
            listener,
            socket,
            control,
            interpreter,
            ending: Ending::new(interpreter, Duration::ZERO),
            exit: None,
            strangers: Vec::new(),
            owners: Vec::new(),
            is_owned: false,
            is_over: false,
            waiting: VecDeque::new(),
            turn: None,
            mourners: Vec::new(),
            idle: Duration::from_millis(wanted.idle_ms.into()),
            idle_since: Instant::now(),
            knocked_at: Instant::now(),
            retiring: None,
        }))
    }

    /// Listens until the interpreter has ended or nobody needs it.
    fn serve(mut self) -> io::Result<()> {
        let served = loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // Before anything else, so that nobody comes to wait in vain.
        remove(&self.socket);
        self.ending.abandon(&self.signals);
        self.tell_end();
        served
    }

    /// Does what happens next. False at the end.
    fn step(&mut self) -> io::Result<bool> {
        self.wait()?;
        let is_asked_to_end = self.signals.take();
        self.exit = self.exit.or(self.ending.reap());
        // What the interpreter said last counts, also when it is gone.
        self.hear_interpreter();
        if self.exit.is_some() || is_asked_to_end {
            return Ok(false);
        }
        // Before who comes to wait for the end of one that is gone.
        self.hear_caller();
        self.accept();
        self.hear_strangers();
        self.owners.retain(|owner| !is_gone(owner));
        self.next_turn();
        if self.turn.as_ref().is_none_or(|turn| turn.forced_at.is_none()) {
            self.mourners.clear();
        }
        if self.is_over || (self.is_owned && self.owners.is_empty()) {
            return Ok(false);
        }
        let is_due = self.due().is_some_and(|due| due <= Instant::now());
        Ok(!is_due || (self.turn.is_none() && !self.retire()))
    }

    /// Nobody called for its time: whether nobody will. Who comes right now has found it, and is served.
    fn retire(&mut self) -> bool {
        let locked = lock(&self.socket, FlockArg::LockExclusiveNonblock);
        let aside = self.socket.with_extension("aside");
        if locked.is_ok() && fs::rename(&self.socket, &aside).is_ok() {
            self.accept();
            if self.strangers.is_empty() {
                self.retiring = locked.ok();
                return true;
            }
            let _ = fs::rename(&aside, &self.socket);
        }
        self.idle_since = Instant::now();
        false
    }

    /// When it ends if nothing happens before.
    fn due(&self) -> Option<Instant> {
        match &self.turn {
            Some(Turn { forced_at, .. }) => forced_at.map(|at| at + FORCED),
            // An app that owns it says when it is to end.
            None if !self.owners.is_empty() => None,
            None => Some((self.idle_since + self.idle).max(self.knocked_at + KNOCKED)),
        }
    }

    fn wait(&self) -> io::Result<()> {
        let callers = self.turn.iter().filter(|turn| turn.forced_at.is_none()).map(|turn| &turn.caller);
        let streams = self.strangers.iter().chain(&self.owners).chain(callers).chain([&self.control]);
        let mut fds: Vec<_> = streams.map(|stream| PollFd::new(stream.as_fd(), PollFlags::POLLIN)).collect();
        fds.push(PollFd::new(self.signals.as_fd(), PollFlags::POLLIN));
        fds.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        let wait = self.due().map(|due| due.saturating_duration_since(Instant::now()));
        let wait = wait.map(|wait| wait + Duration::from_millis(1));
        let timeout =
            wait.map_or(PollTimeout::NONE, |wait| PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.strangers.push(stream);
            }
            self.knocked_at = Instant::now();
        }
    }

    /// Hears what those want who said nothing yet.
    fn hear_strangers(&mut self) {
        for stream in std::mem::take(&mut self.strangers) {
            let (said, lent) = match os::borrow(&stream) {
                Ok(heard) => heard,
                Err(Errno::EAGAIN | Errno::EINTR) => {
                    self.strangers.push(stream);
                    continue;
                }
                // Gone again.
                Err(_) => continue,
            };
            match said.split_first() {
                Some((&ASK, variable)) if lent.len() == 4 => {
                    let (variable, caller) = (variable.to_vec(), stream);
                    let turn = Turn { caller, lent, variable, is_interrupted: false, forced_at: None };
                    self.take_in_line(turn);
                }
                Some((&OWN, _)) => {
                    self.is_owned = true;
                    self.owners.push(stream);
                }
                Some((&END, _)) => self.is_over = true,
                Some((&MOURN, _)) => self.mourners.push(stream),
                _ => {} // nobody of ours
            }
        }
    }

    fn take_in_line(&mut self, mut turn: Turn) {
        if self.turn.is_some() {
            let _ = turn.caller.write_all(&word(WAITING, 0));
        }
        self.waiting.push_back(turn);
    }

    /// An interrupt, or the end of the one who asked.
    fn hear_caller(&mut self) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.forced_at.is_none()) else { return };
        let mut heard = [0; 16];
        match (&turn.caller).read(&mut heard) {
            Ok(0) => turn.forced_at = Some(Instant::now()),
            Ok(length) if heard[..length].contains(&INTERRUPT) => {}
            Ok(_) => return,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return;
            }
            Err(_) => turn.forced_at = Some(Instant::now()),
        }
        turn.is_interrupted = true;
        // As Ctrl-C does: what the script started hears it, too.
        let _ = killpg(self.interpreter, Signal::SIGINT);
    }

    /// The end of a script. That of the interpreter itself is told by the system.
    fn hear_interpreter(&mut self) {
        let mut code = [0; 4];
        // Four bytes are written at once, so they come at once.
        if !matches!(self.control.read(&mut code), Ok(4)) {
            return;
        }
        if let Some(mut turn) = self.turn.take() {
            if turn.is_interrupted {
                // The interpreter stays, and nothing else of the run.
                os::end_descendants_with(&turn.variable);
            }
            let _ = turn.caller.write_all(&word(EXITED, i32::from_le_bytes(code)));
        }
        self.idle_since = Instant::now();
    }

    /// Has the next script run.
    fn next_turn(&mut self) {
        while self.turn.is_none()
            && let Some(mut turn) = self.waiting.pop_front()
        {
            if is_gone(&turn.caller) {
                continue;
            }
            let lent = std::mem::take(&mut turn.lent);
            let lent: Vec<_> = lent.iter().map(|descriptor| descriptor.as_fd()).collect();
            // One that is gone is told of by the system.
            let _ = os::lend(&self.control, &[ASK], &lent);
            self.turn = Some(turn);
        }
    }

    /// Tells whoever is still there how it ended.
    fn tell_end(&mut self) {
        let told = match self.exit {
            Some(Exit::Code(code)) => word(GONE, code),
            Some(Exit::Signal(signal)) => word(KILLED, signal),
            None => word(KILLED, Signal::SIGKILL as i32),
        };
        if let Some(turn) = &mut self.turn {
            let _ = turn.caller.write_all(&told);
        }
    }
}

fn word(what: u8, number: i32) -> [u8; 5] {
    let [one, two, three, four] = number.to_le_bytes();
    [what, one, two, three, four]
}

/// Whether the other side has closed.
fn is_gone(stream: &UnixStream) -> bool {
    let mut heard = [0; 16];
    let mut from: &UnixStream = stream;
    match from.read(&mut heard) {
        Ok(length) => length == 0,
        Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
    }
}
