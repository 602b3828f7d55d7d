//! Deleting sandboxes that were made for one run.

use std::time::Duration;

use stigmer_daytona::{Client, Sandbox};
use tokio::time::{Instant, sleep};

use super::Daytona;
use super::note::Held;
use super::sweep::AGAIN;
use crate::spec::RunId;

/// Longest time for a sandbox to come into being that was asked for by somebody who gave up.
const COMING: Duration = Duration::from_secs(5);

/// Longest time for one to be made or changed, so that it can be deleted.
const SETTLING: Duration = Duration::from_mins(5);

/// Time between two looks for what nothing tells.
const LOOK: Duration = Duration::from_millis(500);

impl Daytona {
    /// Deletes the sandbox that a run had for itself, in the background; an engine that goes waits for it.
    pub(super) fn delete_later(&self, mut client: Client, id: RunId, held: Option<Held>) {
        let daytona = self.clone();
        self.0.tasks.spawn(async move {
            // By its name: it may have been created without our having heard of it.
            let (name, mut pause) = (name_of(id), AGAIN.0);
            while let Err(error) = delete(&client, &name).await {
                tracing::warn!(%error, name, "a cloud sandbox could not be deleted; it is tried again later");
                if !daytona.pauses(&mut pause).await {
                    return drop(held);
                }
                // The key may be another one by now.
                if let Some(note) = daytona.0.notes.read(id)
                    && let Ok(now) = daytona.client(&daytona.account_of(&note)).await
                {
                    client = now;
                }
            }
            daytona.0.notes.remove(id);
            drop(held);
        });
    }

    /// Deletes a sandbox that nobody ever used, in the background.
    pub(super) fn delete_stray(&self, client: Client, name: String) {
        self.0.tasks.spawn(async move {
            if let Err(error) = delete(&client, &name).await {
                tracing::warn!(%error, name, "a cloud sandbox that did not start could not be deleted");
            }
        });
    }
}

/// The name of the sandbox that a run has for itself.
pub(super) fn name_of(id: RunId) -> String {
    format!("stigmer-{id}")
}

/// Deletes a sandbox, also one that is just being made. One that is not there is not waited for any longer than it takes
/// a request that was given up to be carried out.
async fn delete(client: &Client, name: &str) -> stigmer_daytona::Result<()> {
    let sandboxes = client.sandboxes();
    let (until, settled) = (Instant::now() + COMING, Instant::now() + SETTLING);
    loop {
        match sandboxes.delete(name).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) if Instant::now() >= until => return Ok(()),
            Ok(None) => sleep(LOOK).await,
            Err(stigmer_daytona::Error::Conflict(_) | stigmer_daytona::Error::Invalid(_))
                if Instant::now() < settled =>
            {
                // Nothing can be done with one that is changing.
                sleep(LOOK).await;
                let is_settled = |sandbox: &Sandbox| sandbox.state.is_settled();
                sandboxes.wait_until(name, SETTLING, is_settled).await?;
            }
            Err(error) => return Err(error),
        }
    }
}
