//! The copy of the workspace in a container on another disk: there before a run, back after it.

use async_trait::async_trait;
use serde_bytes::ByteBuf;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::Engine;
use super::container::SOCKET;
use super::recipe::{RUNNER, WORKSPACE};
use crate::backend::runner::{RunnerExecution, Started};
use crate::backend::{Execution, Reporter};
use crate::error::{Error, Result};
use crate::workspace::sync::{Away, Copy};

/// What the container remembers of what both had.
const STATE: &str = "/run/stigmer/shared/tree";

/// A container with a copy.
#[derive(Clone)]
pub(super) struct Far {
    pub engine: Engine,
    pub name: String,
}

#[async_trait]
impl Away for Far {
    async fn tree(&self) -> Result<Box<dyn Execution>> {
        let joined = self.engine.join(&self.name, SOCKET).await;
        let (replies, requests) = joined.map_err(|source| Error::Connection { source })?;
        let bytes = |word: &str| ByteBuf::from(word.as_bytes());
        let start = stigmer_runner::Start {
            argv: [RUNNER, "tree", WORKSPACE, STATE].map(bytes).into(),
            dir: bytes("/"),
            input: true,
            drain_ms: 500,
            ..stigmer_runner::Start::default()
        };
        match RunnerExecution::start(replies, requests, start).await? {
            Started::Running(execution) => Ok(execution),
            Started::Refused(_, why) => Err(Error::Sync { why }),
        }
    }
}

/// Bringing back, which happens once, and goes on while nobody waits for it.
pub(super) struct Back {
    copy: Copy,
    far: Far,
    reporter: Reporter,
    state: Mutex<State>,
}

enum State {
    Due,
    UnderWay(JoinHandle<Result<()>>),
    Done,
}

impl Back {
    pub(super) fn new(copy: Copy, far: Far, reporter: Reporter) -> Self {
        Self { copy, far, reporter, state: Mutex::new(State::Due) }
    }

    /// Brings what changed back. A call that is dropped loses nothing: the next one waits for the same.
    pub(super) async fn bring(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        if matches!(*state, State::Due) {
            let (copy, far, reporter) = (self.copy.clone(), self.far.clone(), self.reporter.clone());
            *state = State::UnderWay(tokio::spawn(async move {
                reporter.step("bring back what changed").await;
                copy.bring_back(&far, &reporter).await
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
