//! Waiting for what comes of a change.

use std::time::Duration;

use super::{Sandbox, Sandboxes, State};
use crate::error::{Error, Result};
use crate::poll::Poll;

impl Sandboxes {
    /// Waits until a sandbox is in a state, looking at it more and more slowly (250 ms to 2 s). States that are not
    /// known are taken for ones that pass, and failures of the network are sat out.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when it fails or is gone, [`Error::Deadline`] when the time is over.
    pub async fn wait(&self, id: &str, state: &State, within: Duration) -> Result<Sandbox> {
        self.wait_until(id, within, |sandbox| sandbox.state == *state).await
    }

    /// The same for anything that can be seen of a sandbox.
    pub async fn wait_until(
        &self,
        id: &str,
        within: Duration,
        is_there: impl Fn(&Sandbox) -> bool,
    ) -> Result<Sandbox> {
        let what = || format!("the sandbox `{id}`");
        let failed = |state: &State, reason| Error::Failed { what: what(), state: state.to_string(), reason };
        let mut poll = Poll::new(within);
        loop {
            match poll.look(self.get(id)).await {
                Ok(Some(sandbox)) if is_there(&sandbox) => return Ok(sandbox),
                Ok(Some(sandbox)) if sandbox.state.is_failed() || sandbox.state == State::Destroyed => {
                    return Err(failed(&sandbox.state, sandbox.error_reason));
                }
                Ok(Some(sandbox)) => poll.saw(sandbox.state.as_str()),
                Ok(None) => {}
                Err(Error::NotFound(_)) => return Err(failed(&State::Destroyed, None)),
                Err(error) => return Err(error),
            }
            poll.pause(what).await?;
        }
    }

    /// Waits until a sandbox is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Deadline`] when it is still there, with the state that it is in.
    pub async fn wait_gone(&self, id: &str, within: Duration) -> Result<()> {
        let mut poll = Poll::new(within);
        loop {
            match poll.look(self.get(id)).await {
                Err(Error::NotFound(_)) => return Ok(()),
                Ok(Some(sandbox)) if sandbox.state == State::Destroyed => return Ok(()),
                Ok(Some(sandbox)) => poll.saw(sandbox.state.as_str()),
                Ok(None) => {}
                Err(error) => return Err(error),
            }
            poll.pause(|| format!("the sandbox `{id}`")).await?;
        }
    }
}
