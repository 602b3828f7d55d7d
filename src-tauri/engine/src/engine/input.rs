//! What a person or a program gives to a run while it goes on. Only to runs of this engine.

use std::sync::Arc;

use bytes::Bytes;

use super::Engine;
use crate::backend::{Execution, Size};
use crate::error::{Error, Result};
use crate::live::Live;
use crate::spec::RunId;
use crate::state::RunState;

impl Engine {
    /// Sends bytes to the standard input of a run of this engine. Waits until it runs, and while it does not
    /// read, at the longest until it is over.
    pub async fn input(&self, id: RunId, bytes: Bytes) -> Result<()> {
        let live = self.taking_input(id)?;
        let Some(execution) = running(&live).await else { return Ok(()) };
        tokio::select! {
            sent = execution.input(bytes) => sent,
            // A run that was forced may be over without anybody who would say that nothing reads any more.
            _ = live.ended() => Ok(()),
        }
    }

    /// Closes the standard input of a run of this engine.
    pub async fn end_input(&self, id: RunId) -> Result<()> {
        match running(&*self.taking_input(id)?).await {
            Some(execution) => execution.end_input().await,
            None => Ok(()),
        }
    }

    /// Tells the terminal of a run of this engine its new size.
    pub async fn resize(&self, id: RunId, size: Size) -> Result<()> {
        match running(&*self.taking_input(id)?).await {
            Some(execution) => execution.resize(size).await,
            None => Ok(()),
        }
    }

    /// Waits until a run of this engine runs or is over, and says which. Of another's it says the state.
    pub async fn started(&self, id: RunId) -> Result<RunState> {
        let Some(live) = self.find_live(id) else { return Ok(self.get(id).await?.state) };
        running(&live).await;
        let state = live.state.borrow().clone();
        Ok(state)
    }

    fn taking_input(&self, id: RunId) -> Result<Arc<Live>> {
        let live = self.find_live(id).filter(|live| live.state.borrow().ending().is_none());
        live.ok_or_else(|| Error::Conflict {
            what: "the run takes no input from here".to_owned(),
            hint: "type into it where it was started",
        })
    }
}

/// The program of a run once it runs; `None` once it is over.
async fn running(live: &Live) -> Option<Arc<dyn Execution>> {
    let mut state = live.state.subscribe();
    let running = state.wait_for(|state| matches!(state, RunState::Running | RunState::Ended(_))).await;
    drop(running);
    live.execution.borrow().clone()
}
