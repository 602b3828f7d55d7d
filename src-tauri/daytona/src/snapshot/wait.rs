//! Waiting for a snapshot.

use std::time::Duration;

use super::{Snapshot, Snapshots};
use crate::error::{Error, Result};
use crate::poll::Poll;
use crate::sandbox::State;

/// Looks for a snapshot of a sandbox that is no longer busy, before it counts as failed.
const GRACE: u32 = 4;

impl Snapshots {
    /// Waits until a snapshot is active. States that are not known are taken for ones that pass, and failures of the
    /// network are sat out.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when it fails, is inactive or is being removed; [`Error::Deadline`] when the time is over.
    pub async fn wait_active(&self, id: &str, within: Duration) -> Result<Snapshot> {
        use super::SnapshotState as S;
        let what = || format!("the snapshot `{id}`");
        let mut poll = Poll::new(within);
        // Activating one that was inactive shows in its state a moment later.
        let mut idle = 0;
        loop {
            match poll.look(self.get(id)).await? {
                Some(snapshot) if snapshot.state == S::Active => return Ok(snapshot),
                Some(snapshot) => {
                    idle = if snapshot.state == S::Inactive { idle + 1 } else { 0 };
                    if snapshot.state.is_failed() || snapshot.state == S::Removing || idle > GRACE {
                        let (state, reason) = (snapshot.state.to_string(), snapshot.error_reason);
                        return Err(Error::Failed { what: what(), state, reason });
                    }
                    poll.saw(snapshot.state.as_str());
                }
                None => {}
            }
            poll.pause(what).await?;
        }
    }

    /// Waits for the snapshot that is being made of a sandbox. Older servers show it only when it is done, and nothing
    /// when it failed, so the sandbox is watched too.
    ///
    /// # Errors
    ///
    /// Like [`Snapshots::wait_active`]; [`Error::Failed`] also when the sandbox is no longer busy and there is no
    /// snapshot.
    pub async fn wait_captured(&self, sandbox: &str, name: &str, within: Duration) -> Result<Snapshot> {
        let what = || format!("the snapshot `{name}`");
        let begun = tokio::time::Instant::now();
        let mut poll = Poll::new(within);
        let mut missing = 0;
        loop {
            match poll.look(self.get(name)).await {
                Ok(Some(_)) => {
                    return self.wait_active(name, within.saturating_sub(begun.elapsed())).await;
                }
                Ok(None) => {}
                Err(Error::NotFound(_)) => {
                    let sandbox = poll.look(self.client.sandboxes().get(sandbox)).await?;
                    let busy = sandbox.as_ref().is_none_or(|sandbox| sandbox.state == State::Snapshotting);
                    missing = if busy { 0 } else { missing + 1 };
                    if let Some(sandbox) = sandbox.filter(|_| missing > GRACE) {
                        let (state, reason) = ("missing".to_owned(), sandbox.error_reason);
                        return Err(Error::Failed { what: what(), state, reason });
                    }
                    poll.saw("snapshotting");
                }
                Err(error) => return Err(error),
            }
            poll.pause(what).await?;
        }
    }
}
