//! How a run ends: by itself, because it was stopped, or because the engine is gone.
//!
//! Owns the process tree below the runner: who of it lives, which signals it gets and when. Knows nothing about
//! bytes. The tree is over when [`os::reap`] finds no child, never because a listing came back empty.
//!
//! ```text
//! Running ──exit──▶ Settling ──▶ Draining ──output closed, or time──▶ Closing ──▶ Over
//!    └────────┬────────┴────────────┴─────────────────────────────────────┘         ▲
//!           stop ──▶ Stopping ──grace over──▶ Forcing ──nobody left─────────────────┘
//! ```

use std::collections::HashSet;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{self, Signal, kill};
use nix::unistd::Pid;
use stigmer_runner::{Exit, Left};

use crate::os::{self, Process, Reaped, Signals};

/// Time that processes have to become independent after the command exited: a script whose last line is
/// `nohup server &` is over before `nohup` began. It passes only when there are such processes.
const SETTLING: Duration = Duration::from_millis(50);

/// What processes that stayed behind get to end themselves when the session of their command closes.
const CLOSING: Duration = Duration::from_millis(100);

/// Time between two looks at a tree that is being ended.
const LOOK: Duration = Duration::from_millis(10);

/// Longest time that force is tried: a process that is stuck in the kernel cannot be ended by anyone.
const FORCING: Duration = Duration::from_secs(10);

/// Most rounds of freezing before killing. A tree that grows faster is killed in pieces, round by round.
const FREEZES: usize = 32;

/// The end of one process tree.
pub(crate) struct Ending {
    main: Pid,
    drain: Duration,
    exit: Option<Exit>,
    /// Nothing lives below the runner.
    is_alone: bool,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    Settling { until: Instant, drain: Instant },
    Draining { until: Instant },
    Closing { until: Instant, look: Instant },
    Stopping { force: Instant },
    Forcing { until: Instant, look: Instant },
    Over,
}

impl Ending {
    /// For the tree of the command `main`, whose output is read for `drain` after its exit.
    pub(crate) fn new(main: Pid, drain: Duration) -> Self {
        Self { main, drain, exit: None, is_alone: false, phase: Phase::Running }
    }

    /// Takes ended processes; how the command itself ended, once.
    pub(crate) fn reap(&mut self) -> Option<Exit> {
        let before = self.exit;
        loop {
            match os::reap() {
                Reaped::Child(pid, exit) if pid == self.main && self.exit.is_none() => {
                    self.exit = Some(exit);
                    if matches!(self.phase, Phase::Stopping { .. }) {
                        // Shells let their children in the background ignore what Ctrl-C sends. With the shell
                        // gone there is nobody left who would end them.
                        send(os::descendants().iter(), Signal::SIGTERM);
                    }
                }
                Reaped::Child(..) => {}
                Reaped::StillRunning => break,
                Reaped::Nobody => {
                    self.is_alone = true;
                    break;
                }
            }
        }
        self.look_again();
        self.exit.filter(|_| before.is_none())
    }

    /// Asks the whole tree to end and forces it after `grace`. A later call can only bring that forward.
    pub(crate) fn stop(&mut self, signal: Signal, grace: Duration, now: Instant) {
        let mut force = now + grace;
        match self.phase {
            Phase::Forcing { .. } => return,
            Phase::Stopping { force: before } => force = force.min(before),
            _ => {}
        }
        if !grace.is_zero() {
            send(os::descendants().iter(), signal);
        }
        self.phase = Phase::Stopping { force };
    }

    /// Goes on as far as time and the tree allow. `is_closed` says whether all output came to its end.
    pub(crate) fn advance(&mut self, now: Instant, is_closed: bool) {
        while let Some(next) = self.next(now, is_closed) {
            self.phase = next;
        }
    }

    /// Whether the tree is ended, apart from processes that made themselves independent.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// When [`Ending::advance`] has something to do, if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running | Phase::Over => None,
            Phase::Settling { until, .. } | Phase::Draining { until } => Some(until),
            Phase::Stopping { force } => Some(force),
            Phase::Closing { until, look } | Phase::Forcing { until, look } => Some(until.min(look)),
        }
    }

    /// Who lives on.
    pub(crate) fn left(&self) -> Vec<Left> {
        let alive = if self.is_alone { Vec::new() } else { os::descendants() };
        let left = |process: Process| {
            Some(Left { pid: u32::try_from(process.pid.as_raw()).ok()?, name: os::name(process.pid) })
        };
        alive.into_iter().filter_map(left).collect()
    }

    /// Forces the tree to end, here and now: for a runner that nobody listens to any more.
    pub(crate) fn abandon(&mut self, signals: &Signals) {
        self.stop(Signal::SIGKILL, Duration::ZERO, Instant::now());
        loop {
            self.reap();
            self.advance(Instant::now(), true);
            let Some(_) = self.wake_at() else { return };
            let timeout = PollTimeout::try_from(LOOK).unwrap_or(PollTimeout::ZERO);
            let _ = poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], timeout);
            signals.take();
        }
    }

    fn next(&mut self, now: Instant, is_closed: bool) -> Option<Phase> {
        match self.phase {
            Phase::Running if self.exit.is_some() => {
                Some(Phase::Settling { until: now + SETTLING, drain: now + self.drain })
            }
            Phase::Settling { until, drain } if self.is_alone || now >= until => {
                Some(Phase::Draining { until: drain })
            }
            Phase::Draining { until } if is_closed || now >= until => Some(self.close(now)),
            Phase::Closing { until, .. } if self.is_alone || now >= until => Some(Phase::Over),
            Phase::Closing { until, look } if now >= look => Some(match self.session().len() {
                0 => Phase::Over,
                _ => Phase::Closing { until, look: now + LOOK },
            }),
            Phase::Stopping { .. } if self.is_alone => Some(Phase::Over),
            Phase::Stopping { force } if now >= force => {
                Some(Phase::Forcing { until: now + FORCING, look: now })
            }
            Phase::Forcing { until, .. } if self.is_alone || now >= until => Some(Phase::Over),
            Phase::Forcing { until, look } if now >= look => {
                self.force();
                Some(Phase::Forcing { until, look: now + LOOK })
            }
            _ => None,
        }
    }

    /// Does what a closing terminal does to the processes that the command left behind.
    fn close(&self, now: Instant) -> Phase {
        let session = self.session();
        if session.is_empty() {
            return Phase::Over;
        }
        send(session.iter(), Signal::SIGHUP);
        Phase::Closing { until: now + CLOSING, look: now + LOOK }
    }

    /// Processes that are still in the command's session.
    fn session(&self) -> Vec<Process> {
        if self.is_alone {
            return Vec::new();
        }
        let mut processes = os::descendants();
        processes.retain(|process| process.session == self.main);
        processes
    }

    /// Freezes the tree until nothing in it is left that could start more, then kills it.
    fn force(&self) {
        let mut frozen = HashSet::new();
        for _ in 0..FREEZES {
            let before = frozen.len();
            for process in os::descendants() {
                if frozen.insert(process.pid) {
                    let _ = kill(process.pid, Signal::SIGSTOP);
                }
            }
            if frozen.len() == before {
                break;
            }
        }
        for &pid in &frozen {
            let _ = kill(pid, Signal::SIGKILL);
        }
        if frozen.is_empty() && self.exit.is_none() {
            // There is no `/proc` here: what is certainly known is the command's process group.
            let _ = signal::killpg(self.main, Signal::SIGKILL);
        }
    }

    /// A process ended: whoever waits for that need not wait for the next look.
    fn look_again(&mut self) {
        if let Phase::Closing { look, .. } = &mut self.phase {
            *look = Instant::now();
        }
    }
}

/// Sends a signal, and wakes those that are stopped so that they can act on it.
fn send<'a>(processes: impl Iterator<Item = &'a Process>, signal: Signal) {
    for process in processes {
        // Fails for a process that is gone, or that belongs to someone else: `sudo` is not ours to end.
        let _ = kill(process.pid, signal);
        let _ = kill(process.pid, Signal::SIGCONT);
    }
}
