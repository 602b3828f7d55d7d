//! Bringing what changed in a copy of the workspace back, at the end of a run.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::Reporter;
use crate::error::{Error, Result};
use crate::workspace::sync::{Away, Copy};

/// Bringing back, which happens once, and goes on while nobody waits for it.
pub(super) struct Back {
    copy: Copy,
    away: Arc<dyn Away>,
    reporter: Reporter,
    state: Mutex<State>,
}

enum State {
    Due,
    UnderWay(JoinHandle<Result<()>>),
    Done,
}

impl Back {
    pub(super) fn new(copy: Copy, away: Arc<dyn Away>, reporter: Reporter) -> Self {
        Self { copy, away, reporter, state: Mutex::new(State::Due) }
    }

    /// Brings what changed back. A call that is dropped loses nothing: the next one waits for the same.
    pub(super) async fn bring(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        if matches!(*state, State::Due) {
            let (copy, away, reporter) = (self.copy.clone(), Arc::clone(&self.away), self.reporter.clone());
            *state = State::UnderWay(tokio::spawn(async move {
                reporter.step("bring back what changed").await;
                copy.bring_back(&*away, &reporter).await
            }));
        }
        let State::UnderWay(bringing) = &mut *state else { return Ok(()) };
        let brought = bringing.await.unwrap_or(Err(Error::Stopped));
        *state = State::Done;
        brought
    }
}

impl Drop for Back {
    fn drop(&mut self) {
        if let State::UnderWay(bringing) = self.state.get_mut() {
            bringing.abort();
        }
    }
}
