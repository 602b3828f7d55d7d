//! Ending what is left of runs in the cloud whose engines died.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::Daytona;
use super::account::cloud;
use super::note::Note;
use super::reach::Turns;
use super::wire::Wire;
use crate::backend::{RUN_ID, Reporter, runner};
use crate::error::Result;
use crate::spec::RunId;

/// Longest time for a sandbox to end what is left of a run, and to be found.
const SWEEPING: Duration = Duration::from_secs(30);

impl Daytona {
    /// Cleans up after runs whose engines died, once, in the background.
    pub(super) fn sweep_later(&self) {
        if self.0.has_swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let daytona = self.clone();
        self.0.tasks.spawn(async move {
            for id in daytona.0.notes.abandoned() {
                daytona.clean_up(id).await;
            }
        });
    }

    /// Cleans up after a run, by what was noted of it; what fails is tried again later.
    pub(super) async fn clean_up(&self, id: RunId) {
        let Some(note) = self.0.notes.read(id) else { return };
        match timeout(SWEEPING, self.clean(id, &note)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, run = %id, "what is left of a run in the cloud was not ended");
            }
            Err(_) => tracing::warn!(run = %id, "what is left of a run in the cloud was not ended in time"),
        }
    }

    /// Ends what is left of a run, by what was noted of it.
    async fn clean(&self, id: RunId, note: &Note) -> Result<()> {
        let client = self.client(&self.account_of(note)).await?;
        if note.is_thrown_away {
            self.delete_later(client, id, None);
            return Ok(());
        }
        if let Some(sandbox) = &note.sandbox {
            match client.sandboxes().get(sandbox).await {
                Ok(found) if found.state.is_usable() => {
                    let reached = self.reach(&client, &found, None, Turns::One, &Reporter::silent()).await?;
                    let Wire { replies, requests, .. } = reached.converse(Turns::One).await?;
                    runner::sweep(replies, requests, &format!("{RUN_ID}={id}")).await?;
                }
                // Where nothing runs nothing is left.
                Ok(_) | Err(stigmer_daytona::Error::NotFound(_)) => {}
                Err(error) => return Err(cloud(error)),
            }
        }
        self.0.notes.remove(id);
        Ok(())
    }
}
