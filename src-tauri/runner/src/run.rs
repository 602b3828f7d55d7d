//! One run: the command's tree, its input and its output, and what the engine is told about them.
//!
//! Replies come in this order: `Started`, then output, `InputTaken` and `Exited` as they happen, and `Ended`
//! after the last byte. An engine that came back is told `Resumed` behind what of `Started` and `Exited` happened.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal as OsSignal;
use nix::sys::time::TimeVal;
use stigmer_runner::{Heard, Interpreter, Refusal, Reply, Request, Signal, Start, Usage};

use crate::ending::Ending;
use crate::input::Input;
use crate::interpreter;
use crate::os::{self, Signals};
use crate::outbox::{self, Outbox};
use crate::output::Output;
use crate::script::{self, Written};
use crate::session::Broken;
use crate::spawn::{Refused, Spawned, spawn};

/// A command that was started.
pub(crate) struct Run {
    pub(crate) input: Input,
    pub(crate) output: Output,
    ending: Ending,
    /// What a resuming engine is told again: `Interpreter`, `Started`, and `Exited` once there is one.
    told: Vec<Reply>,
    /// The last reply, and whether it was sent since the last `Resume`.
    ended: Option<Reply>,
    is_told_end: bool,
    is_acknowledged: bool,
    /// How many times an engine asked for a stop.
    stops: u32,
    /// Kills for want of memory before the command started, where they are watched.
    oom_kills: Option<u32>,
    _script: Option<Written>,
    /// What carries out the script of this run, in a process that is not of its tree.
    interpreter: Option<Box<Interpreter>>,
    is_stopped: bool,
}

impl Run {
    /// Starts a command, or returns why it could not be started. `Started` is not told yet: should that fail,
    /// there must already be someone who ends the command.
    pub(crate) fn start(start: &Start) -> Result<Self, Refused> {
        let script = start.script.as_ref().map(script::write).transpose();
        let script = script
            .map_err(|error| Refused { refusal: Refusal::Other, message: format!("the script: {error}") })?;
        let oom_kills = if start.watch_memory { os::oom_kills() } else { None };
        let mut told = Vec::new();
        let Spawned { pid, input, output } = match &start.interpreter {
            Some(wanted) => {
                told.push(Reply::Interpreter { is_new: interpreter::prepare(start, wanted)? });
                spawn(&interpreter::caller(start, wanted))?
            }
            None => spawn(start)?,
        };
        told.push(Reply::Started { pid: u32::try_from(pid.as_raw()).unwrap_or_default(), at: outbox::now() });
        Ok(Self {
            input: Input::new(input),
            output: Output::new(output, start.spool, start.window),
            ending: Ending::new(pid, Duration::from_millis(start.drain_ms.into())),
            told,
            ended: None,
            is_told_end: false,
            is_acknowledged: start.spool == 0,
            stops: 0,
            oom_kills,
            _script: script,
            interpreter: start.interpreter.clone(),
            is_stopped: false,
        })
    }

    /// Tells what happened so far: a new engine once, and a resuming one again.
    pub(crate) fn tell_state(&self, outbox: &mut Outbox) -> Result<(), Broken> {
        self.told.iter().try_for_each(|reply| outbox.send(reply))
    }

    /// Does what the engine asks. Nothing but an acknowledgement or a resume means anything after the end.
    pub(crate) fn request(&mut self, request: Request, outbox: &mut Outbox) -> Result<(), Broken> {
        match request {
            Request::Start(_) | Request::Sweep { .. } => return Err(Broken::Malformed),
            Request::Input(bytes) => self.input.push(&bytes)?,
            Request::EndInput => self.input.end(),
            Request::Resize(size) => self.input.resize(size),
            Request::Stop { signal, grace_ms } => {
                self.stops = self.stops.saturating_add(1);
                self.stop(os_signal(signal), Duration::from_millis(grace_ms.into()));
            }
            Request::Ack { offset } => {
                if let Some(spool) = self.output.spool() {
                    spool.acknowledge(offset);
                }
                self.is_acknowledged |= self.is_told_end && offset == u64::MAX;
            }
            Request::Resume { offset } => self.resume(offset, outbox)?,
        }
        Ok(())
    }

    /// Asks the whole tree to end, and forces it after `grace`.
    pub(crate) fn stop(&mut self, signal: OsSignal, grace: Duration) {
        if self.ended.is_none() {
            self.is_stopped = true;
            self.ending.stop(signal, grace, Instant::now());
        }
    }

    /// Takes ended processes.
    pub(crate) fn reap(&mut self, outbox: &mut Outbox) -> Result<(), Broken> {
        let Some(exit) = self.ending.reap() else { return Ok(()) };
        let exited = Reply::Exited { exit, at: outbox::now() };
        // Known before it is told: telling may find that nobody is there any more.
        self.told.push(exited.clone());
        outbox.send(&exited)
    }

    /// Does what is due: sends what could not be sent before, goes on with the end.
    pub(crate) fn advance(&mut self, now: Instant, outbox: &mut Outbox) -> Result<(), Broken> {
        if outbox.is_empty()
            && !self.is_told_end
            && let Some(bytes) = self.input.take_taken()
        {
            outbox.send(&Reply::InputTaken { bytes })?;
        }
        self.output.resend(outbox)?;
        self.ending.advance(now, self.output.is_closed());
        if self.ending.is_over() && !self.is_told_end && self.output.finish(outbox)? {
            if let Some(interpreter) = self.interpreter.take().filter(|_| self.is_stopped) {
                interpreter::settle(&interpreter);
            }
            let left = || Reply::Ended { usage: usage(self.oom_kills), left: self.ending.left() };
            let ended = self.ended.get_or_insert_with(left);
            self.is_told_end = true;
            outbox.send(ended)?;
        }
        Ok(())
    }

    /// Whether there is nothing left to do or to say.
    pub(crate) fn is_done(&self) -> bool {
        self.is_told_end && self.is_acknowledged
    }

    /// Nobody will acknowledge the end, or everybody did: the runner need not stay for a resume.
    pub(crate) fn acknowledge_end(&mut self) {
        self.is_acknowledged = true;
    }

    /// Whether the end was told, so that an engine may close its side.
    pub(crate) fn is_told_end(&self) -> bool {
        self.is_told_end
    }

    /// Whether output is still waited for: not once the tree is over, when what is there is all that counts.
    pub(crate) fn awaits_output(&self) -> bool {
        !self.ending.is_over()
    }

    /// When [`Run::advance`] has something to do, if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.ending.wake_at()
    }

    /// Forces the tree to end: there is nobody to tell.
    pub(crate) fn abandon(&mut self, signals: &Signals) {
        if self.ended.is_none() {
            self.ending.abandon(signals);
        }
    }

    fn resume(&mut self, offset: u64, outbox: &mut Outbox) -> Result<(), Broken> {
        let Some(spool) = self.output.spool() else { return Ok(()) };
        spool.resume(offset);
        self.is_told_end = false;
        self.tell_state(outbox)?;
        outbox.send(&Reply::Resumed(Heard { stops: self.stops, ..self.input.begin_again() }))
    }
}

fn os_signal(signal: Signal) -> OsSignal {
    match signal {
        Signal::Interrupt => OsSignal::SIGINT,
        Signal::Terminate => OsSignal::SIGTERM,
        Signal::Hangup => OsSignal::SIGHUP,
    }
}

/// What everything that ended and was reaped used, and how much more the kernel killed for want of memory than
/// before.
fn usage(oom_kills_before: Option<u32>) -> Usage {
    let micros = |time: TimeVal| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        u64::try_from(micros).unwrap_or_default()
    };
    let oom_kills =
        oom_kills_before.zip(os::oom_kills()).map_or(0, |(before, now)| now.saturating_sub(before));
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or_else(
        |_| Usage { oom_kills, ..Usage::default() },
        |used| Usage {
            user_us: micros(used.user_time()),
            system_us: micros(used.system_time()),
            max_rss_kib: u64::try_from(used.max_rss()).unwrap_or_default(),
            oom_kills,
        },
    )
}
