//! The conversation with the engine: one loop that waits for everything at once and does what is due.
//!
//! Requests are heard in every state, also while the engine does not read: a stop, and the end of the request
//! stream, must reach the tree however full the pipes are.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal as OsSignal;
use nix::unistd::read;
use stigmer_runner::protocol::{MAX_INPUT, VERSION};
use stigmer_runner::{Decoder, Frame, Refusal, Reply, Request, Start};

use crate::kept::Kept;
use crate::os::{self, Signals};
use crate::outbox::Outbox;
use crate::run::Run;
use crate::spawn::Refused;

/// What the tree gets to end itself when the runner is asked to end by a signal.
const OWN_GRACE: Duration = Duration::from_secs(2);

/// Why a conversation cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The engine closed one of the streams.
    Gone,
    /// The engine sent what is no request, or a request that cannot come here.
    Malformed,
}

/// What a conversation was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    /// A command.
    Run,
    /// Ending what others left.
    Sweep,
}

/// The runner's side of the conversation.
pub(crate) struct Session {
    signals: Signals,
    stdin: io::Stdin,
    decoder: Decoder,
    outbox: Outbox,
    state: State,
    is_sweep: bool,
    /// Where an engine may come back.
    kept: Option<Kept>,
}

enum State {
    /// Nothing was asked yet.
    Waiting,
    Running(Box<Run>),
    /// The command could not be started, or nothing will be: only what waits in the outbox is left to do.
    Closed,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy)]
enum Event {
    Requests,
    Replies,
    Signals,
    Input,
    Output(usize),
    /// An engine came back.
    Knock,
}

impl Session {
    pub(crate) fn open() -> Result<Self, Broken> {
        let signals = os::prepare().map_err(|_| Broken::Gone)?;
        let outbox = Outbox::open()?;
        Ok(Self {
            signals,
            stdin: io::stdin(),
            decoder: Decoder::new(),
            outbox,
            state: State::Waiting,
            is_sweep: false,
            kept: None,
        })
    }

    /// Serves the engine to the end. However that comes about, nothing that should not is left running.
    pub(crate) fn serve(mut self) -> Result<Served, Broken> {
        let result = self.converse();
        if let (Err(_), State::Running(run)) = (result, &mut self.state) {
            run.abandon(&self.signals);
        }
        result.map(|()| if self.is_sweep { Served::Sweep } else { Served::Run })
    }

    fn converse(&mut self) -> Result<(), Broken> {
        self.greet()?;
        loop {
            match self.advance() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(Broken::Gone) => self.part()?,
                Err(malformed) => return Err(malformed),
            }
        }
    }

    fn greet(&mut self) -> Result<(), Broken> {
        self.outbox.send(&Reply::Hello { version: VERSION, pid: std::process::id() })
    }

    /// Does what is due and what happens next. True when all is done.
    fn advance(&mut self) -> Result<bool, Broken> {
        if let State::Running(run) = &mut self.state {
            run.advance(Instant::now(), &mut self.outbox)?;
        }
        if self.is_done() {
            return Ok(true);
        }
        for (event, flags) in self.wait()? {
            self.handle(event, flags)?;
        }
        Ok(false)
    }

    /// Goes on without the engine, where that is wanted and as long as it is.
    fn part(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        let Some(kept) = &mut self.kept else { return Err(Broken::Gone) };
        if kept.given_up_at().is_some_and(|at| at <= now) {
            return Err(Broken::Gone);
        }
        self.outbox.silence();
        self.decoder = Decoder::new();
        kept.part(now).map_err(|_| Broken::Gone)
    }

    /// Goes on with an engine that came back, which has to say first how much it has.
    fn admit(&mut self) -> Result<(), Broken> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        if !kept.admit().map_err(|_| Broken::Gone)? {
            return Ok(());
        }
        self.decoder = Decoder::new();
        self.outbox = Outbox::open()?;
        self.greet()?;
        self.outbox.silence();
        Ok(())
    }

    fn is_alone(&self) -> bool {
        self.kept.as_ref().is_some_and(Kept::is_alone)
    }

    fn is_done(&self) -> bool {
        let is_done = match &self.state {
            State::Waiting => false,
            State::Running(run) => run.is_done(),
            State::Closed => true,
        };
        is_done && self.outbox.is_empty()
    }

    /// Waits until something happens or is due.
    fn wait(&self) -> Result<Vec<(Event, PollFlags)>, Broken> {
        let (events, mut fds): (Vec<_>, Vec<_>) = self.interests().into_iter().unzip();
        let due = match &self.state {
            State::Running(run) => run.wake_at(),
            _ => None,
        };
        let given_up = self.kept.as_ref().and_then(Kept::given_up_at);
        let silent = self.kept.as_ref().and_then(Kept::silent_at);
        let due = due.into_iter().chain(given_up).chain(silent).min();
        match poll(&mut fds, due.map_or(PollTimeout::NONE, timeout_until)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Err(Broken::Gone), // only for lack of memory
        }
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        let flags = fds.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        let happened: Vec<_> = events.into_iter().zip(flags).filter(|(_, flags)| !flags.is_empty()).collect();
        // After a time in which nothing here ran, what was said meanwhile still waits.
        let is_silent =
            is_over(silent) && !happened.iter().any(|(event, _)| matches!(event, Event::Requests));
        if is_over(given_up) || is_silent {
            return Err(Broken::Gone);
        }
        Ok(happened)
    }

    fn interests(&self) -> Vec<(Event, PollFd<'_>)> {
        // Standard output is watched even when nothing waits for it: closing it shows as an error.
        let replies = if self.outbox.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
        let mut interests = vec![(Event::Signals, PollFd::new(self.signals.as_fd(), PollFlags::POLLIN))];
        if !self.is_alone() {
            interests.push((Event::Requests, PollFd::new(self.stdin.as_fd(), PollFlags::POLLIN)));
            interests.push((Event::Replies, PollFd::new(self.outbox.as_fd(), replies)));
        }
        let kept = self.kept.as_ref();
        interests.extend(kept.map(|kept| (Event::Knock, PollFd::new(kept.as_fd(), PollFlags::POLLIN))));
        let State::Running(run) = &self.state else { return interests };
        let input = run.input.waiting().map(|fd| (Event::Input, PollFd::new(fd, PollFlags::POLLOUT)));
        interests.extend(input);
        if self.outbox.is_empty() && run.awaits_output() {
            let output = run.output.sources(&self.outbox);
            interests.extend(output.map(|(at, fd)| (Event::Output(at), PollFd::new(fd, PollFlags::POLLIN))));
        }
        interests
    }

    fn handle(&mut self, event: Event, flags: PollFlags) -> Result<(), Broken> {
        match (event, &mut self.state) {
            (Event::Knock, _) => self.admit(),
            (Event::Signals, _) => self.take_signals(),
            (Event::Requests, _) => self.take_requests(),
            (Event::Replies, _) if flags.intersects(PollFlags::POLLERR | PollFlags::POLLHUP) => {
                Err(Broken::Gone)
            }
            (Event::Replies, _) => self.outbox.flush(),
            (Event::Input, State::Running(run)) => {
                run.input.write();
                Ok(())
            }
            (Event::Output(source), State::Running(run)) => run.output.relay(source, &mut self.outbox),
            (Event::Input | Event::Output(_), _) => Ok(()),
        }
    }

    fn take_signals(&mut self) -> Result<(), Broken> {
        let is_asked_to_end = self.signals.take();
        let State::Running(run) = &mut self.state else {
            if is_asked_to_end {
                self.state = State::Closed;
            }
            return Ok(());
        };
        run.reap(&mut self.outbox)?;
        if is_asked_to_end {
            run.acknowledge_end();
            run.stop(OsSignal::SIGTERM, OWN_GRACE);
        }
        Ok(())
    }

    fn take_requests(&mut self) -> Result<(), Broken> {
        match read(&self.stdin, self.decoder.space(MAX_INPUT)) {
            Ok(0) => return self.end_of_requests(),
            Ok(length) => {
                self.decoder.filled(length);
                if let Some(kept) = &mut self.kept {
                    kept.hear(Instant::now());
                }
            }
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            Err(_) => return Err(Broken::Gone),
        }
        loop {
            let request = match self.decoder.next().map_err(|_| Broken::Malformed)? {
                Some(Frame::Control(request)) => request,
                Some(Frame::Output { .. }) => return Err(Broken::Malformed),
                None => return Ok(()),
            };
            self.request(request)?;
        }
    }

    /// An engine that was told everything may leave; any other is gone.
    fn end_of_requests(&mut self) -> Result<(), Broken> {
        match &mut self.state {
            State::Running(run) if run.is_told_end() && self.outbox.is_empty() && self.kept.is_none() => {
                run.acknowledge_end();
                Ok(())
            }
            _ => Err(Broken::Gone),
        }
    }

    fn request(&mut self, request: Request) -> Result<(), Broken> {
        match (&mut self.state, request) {
            (State::Running(run), request @ Request::Resume { .. }) => {
                self.outbox.speak();
                run.request(request, &mut self.outbox)
            }
            (State::Running(run), request) => run.request(request, &mut self.outbox),
            (State::Waiting, Request::Start(start)) => self.start(&start),
            (State::Waiting, Request::Sweep { variable }) => {
                os::end_processes_with(&variable);
                self.state = State::Closed;
                self.is_sweep = true;
                self.outbox.send(&Reply::Swept)
            }
            (State::Waiting, _) => Err(Broken::Malformed),
            // Sent before the engine could know that nothing was started.
            (State::Closed, _) => Ok(()),
        }
    }

    fn start(&mut self, start: &Start) -> Result<(), Broken> {
        let kept = start.keep.as_ref().map(Kept::open).transpose();
        let kept = kept.map_err(|error| Refused { refusal: Refusal::Other, message: error.to_string() });
        match kept.and_then(|kept| Ok((Run::start(start)?, kept))) {
            Ok((run, kept)) => {
                self.kept = kept;
                let told = run.tell_state(&mut self.outbox);
                self.state = State::Running(Box::new(run)); // also when telling failed: it must be ended
                told
            }
            Err(Refused { refusal, message }) => {
                self.state = State::Closed;
                self.outbox.send(&Reply::NotStarted { refusal, message })
            }
        }
    }
}

/// Rounded up, so that what is due is due when the wait is over.
fn timeout_until(due: Instant) -> PollTimeout {
    let wait = due.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
    PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)
}
