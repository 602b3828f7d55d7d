//! A run that goes on in this engine, as everybody but its driver sees it: to stop it, to type into it, to
//! learn what happened so far.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::backend::{Execution, Signal};
use crate::history::events::{Event, What};
use crate::log::writer::{Holds, Progress};
use crate::state::{Ending, Outcome, RunState};

/// How urgently a run is asked to end. Only ever rises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Nobody asked.
    #[default]
    No,
    /// Ask it politely, as Ctrl-C or as `kill` would; force it after the grace period.
    Ask(Manner),
    /// Force it at once.
    Force,
}

/// The polite signal of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// As Ctrl-C.
    Interrupt,
    /// As `kill`.
    Terminate,
}

impl From<Manner> for Signal {
    fn from(manner: Manner) -> Self {
        match manner {
            Manner::Interrupt => Self::Interrupt,
            Manner::Terminate => Self::Terminate,
        }
    }
}

/// The shared side of a running run.
pub(crate) struct Live {
    pub stop: watch::Sender<Stop>,
    pub state: watch::Sender<RunState>,
    pub execution: watch::Sender<Option<Arc<dyn Execution>>>,
    pub progress: watch::Receiver<Progress>,
    pub holds: Arc<Holds>,
    events: Mutex<Vec<Event>>,
    count: watch::Sender<usize>,
}

impl Live {
    pub(crate) fn new(progress: watch::Receiver<Progress>, holds: Arc<Holds>) -> Self {
        Self {
            stop: watch::Sender::default(),
            state: watch::Sender::new(RunState::Queued),
            execution: watch::Sender::new(None),
            progress,
            holds,
            events: Mutex::default(),
            count: watch::Sender::default(),
        }
    }

    /// Asks the run to end, at least this urgently. To ask politely a second time is meant: it forces.
    pub(crate) fn stop(&self, stop: Stop) {
        self.stop.send_if_modified(|asked| {
            let before = *asked;
            *asked = match (before, stop) {
                (Stop::Ask(_), Stop::Ask(_)) => Stop::Force,
                _ => before.max(stop),
            };
            *asked != before
        });
    }

    /// Ends a run whose driver is gone without having said how it ended.
    pub(crate) fn fail(&self) {
        let ending = Ending { outcome: Outcome::Lost, at: Timestamp::now(), usage: None };
        let bytes = self.bytes();
        self.publish(Event { at: ending.at, what: What::Ended { ending: ending.clone(), bytes } });
        self.state.send_replace(RunState::Ended(ending));
    }

    /// Waits for the end: the state that has it.
    pub(crate) async fn ended(&self) -> RunState {
        let mut state = self.state.subscribe();
        let ended = state.wait_for(|state| state.ending().is_some()).await;
        // The sender is our own, so it is not dropped meanwhile.
        ended.map_or_else(|_| self.state.borrow().clone(), |state| state.clone())
    }

    /// Bytes of output so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.progress.borrow().bytes
    }

    /// Tells everybody what happened.
    pub(crate) fn publish(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        self.count.send_replace(events.len());
    }

    /// What happened from event number `from` on, and a receiver that wakes up when there is more.
    pub(crate) fn events(&self, from: usize) -> (Vec<Event>, watch::Receiver<usize>) {
        let count = self.count.subscribe();
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        (events.get(from..).unwrap_or_default().to_vec(), count)
    }
}
