//! Conversations that are held ready after a run, so that the next one on the same workspace asks nothing before it starts.
//!
//! The terminal of a run that ended carries the next conversation (`attach` of the runner), and that it stands is why the sandbox
//! runs: nobody has to be asked. It is held for a short time only, since a sandbox with an open terminal may be kept from
//! stopping by it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stigmer_daytona::Sandbox;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::Daytona;
use super::reach::{Line, Reached};
use crate::error::Result;

/// Longest time that a conversation is held. Less than a sandbox's shortest idle time, and than what proxies bear.
const HOLD: Duration = Duration::from_secs(50);

/// Longest time for the next conversation to begin where one ended.
const BEGIN: Duration = Duration::from_secs(5);

/// Most conversations that are held for one workspace: for runs beside each other.
const MOST: usize = 4;

/// A sandbox that runs, with a conversation in which nothing was asked yet.
pub(super) struct Ready {
    pub sandbox: Sandbox,
    pub reached: Reached,
    pub line: Line,
}

/// Asks a task that holds a conversation for it.
type Request = oneshot::Sender<oneshot::Sender<Ready>>;

/// Conversations that are held, or were begun and may be.
#[derive(Default)]
pub(super) struct Lines(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// By the name of their workspace's sandbox.
    requests: HashMap<String, Vec<Request>>,
    era: Era,
}

/// Ends when everything is let go of: a run that began before knows the sandbox and the account as they were then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Era(u64);

impl Lines {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That of a run that begins.
    pub(super) fn era(&self) -> Era {
        self.held().era
    }

    /// A conversation that is held or just about to be, if there is one for a run that began in an era.
    pub(super) async fn take(&self, name: &str, era: Era) -> Option<Ready> {
        loop {
            let request = {
                let mut held = self.held();
                if held.era != era {
                    return None;
                }
                held.requests.get_mut(name)?.pop()?
            };
            let (to, ready) = oneshot::channel();
            if request.send(to).is_ok()
                && let Ok(ready) = ready.await
            {
                return Some(ready);
            }
        }
    }

    fn let_go(&self) {
        let mut held = self.held();
        held.requests.clear();
        held.era.0 += 1;
    }

    /// Room for one more that began in an era, if there is.
    fn room(&self, name: String, era: Era) -> Option<oneshot::Receiver<oneshot::Sender<Ready>>> {
        let mut held = self.held();
        if held.era != era {
            return None;
        }
        let requests = &mut held.requests;
        requests.retain(|_, held| {
            held.retain(|request| !request.is_closed());
            !held.is_empty()
        });
        let held = requests.entry(name).or_default();
        let (request, requested) = oneshot::channel();
        (held.len() < MOST).then(|| {
            held.push(request);
            requested
        })
    }
}

impl Daytona {
    /// Lets go of every conversation that is held: what is known of its sandbox may not be so any more.
    pub(crate) fn let_go(&self) {
        self.0.lines.let_go();
    }

    /// Holds the conversation that follows on a run, until it is asked for, breaks, or was held for too long.
    pub(super) fn hold(
        &self,
        name: String,
        era: Era,
        next: impl Future<Output = Result<Ready>> + Send + 'static,
    ) {
        let Some(mut requested) = self.0.lines.room(name, era) else { return };
        let leaving = self.0.leaving.clone();
        self.0.tasks.spawn(leaving.run_until_cancelled_owned(async move {
            let mut ready = match timeout(BEGIN, next).await {
                Ok(Ok(ready)) => ready,
                Ok(Err(error)) => return tracing::debug!(%error, "no conversation followed on a run"),
                Err(_) => return tracing::debug!("no conversation followed on a run in time"),
            };
            tokio::select! {
                to = &mut requested => {
                    if let Ok(to) = to {
                        // Whoever asked may have gone.
                        let _ = to.send(ready);
                    }
                }
                () = ready.line.greeted.broken() => {}
                () = sleep(HOLD) => {}
            }
        }));
    }
}
