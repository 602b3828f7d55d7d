//! Ending what is left of runs in the cloud whose engines died.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Daytona;
use super::account::cloud;
use super::execution::is_over;
use super::note::{Held, Note};
use super::reach::Turns;
use super::wire::Wire;
use crate::backend::{Cleaned, RUN_ID, Reporter, runner};
use crate::error::{Error, Result};
use crate::spec::RunId;

/// Time between two looks for what others left.
const EVERY: Duration = Duration::from_mins(5);

/// Time between two tries to do what must be done and could not, at first and at most.
pub(super) const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(5));

/// Longest time for a sandbox to end what is left of a run, and to be found.
const SWEEPING: Duration = Duration::from_secs(30);

impl Daytona {
    /// Cleans up after runs whose engines died or could not do it, in the background: once, and from time to time in an engine
    /// that stays.
    pub(super) fn sweep_later(&self) {
        if self.0.has_swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let daytona = self.clone();
        self.0.tasks.spawn(async move {
            let mut pause = EVERY;
            loop {
                for id in daytona.0.notes.abandoned() {
                    daytona.try_to_clean_up(id).await;
                }
                if !daytona.pauses(&mut pause).await {
                    return;
                }
            }
        });
    }

    /// Cleans up after a run, by what was noted of it. What fails is tried again: soon by an engine that stays, else by the
    /// next one.
    pub(super) async fn clean_up(&self, id: RunId) -> Cleaned {
        let cleaned = self.try_to_clean_up(id).await;
        if cleaned == Cleaned::Later {
            let daytona = self.clone();
            self.0.tasks.spawn(async move {
                let mut pause = AGAIN.0;
                while daytona.pauses(&mut pause).await {
                    if daytona.try_to_clean_up(id).await == Cleaned::Done {
                        return;
                    }
                }
            });
        }
        cleaned
    }

    /// Pauses before something is tried again, the longer each time. `false` if that is left to another engine.
    pub(super) async fn pauses(&self, pause: &mut Duration) -> bool {
        let stays = self.0.stays.load(Ordering::Relaxed);
        let is_due = stays && self.0.leaving.run_until_cancelled(sleep(*pause)).await.is_some();
        *pause = (*pause * 2).min(AGAIN.1);
        is_due
    }

    async fn try_to_clean_up(&self, id: RunId) -> Cleaned {
        let Some(mut note) = self.0.notes.read(id) else { return Cleaned::Done };
        // Nobody comes for it any more, whatever becomes of this. Whoever still holds the note says so in the end.
        let mut held = self.0.notes.hold(id);
        note.is_kept = false;
        if let Some(Err(error)) = held.as_mut().map(|held| held.write(&note)) {
            tracing::warn!(%error, run = %id, "what is left of a run in the cloud may stay if this program dies now");
        }
        match timeout(SWEEPING, self.clean(id, &note, &mut held)).await {
            Ok(Ok(())) => Cleaned::Done,
            Ok(Err(error)) => {
                tracing::warn!(%error, run = %id, "what is left of a run in the cloud was not ended");
                Cleaned::Later
            }
            Err(_) => {
                tracing::warn!(run = %id, "what is left of a run in the cloud was not ended in time");
                Cleaned::Later
            }
        }
    }

    /// Ends what is left of a run, by what was noted of it.
    async fn clean(&self, id: RunId, note: &Note, held: &mut Option<Held>) -> Result<()> {
        let client = self.client(&self.account_of(note)).await?;
        if note.is_thrown_away {
            // Held until that is done, so that nobody else begins it.
            self.delete_later(client, id, held.take());
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
                Ok(found) if is_over(&found.state) => {}
                Err(stigmer_daytona::Error::NotFound(_)) => {}
                Ok(found) => {
                    let why = format!("the sandbox is `{}`", found.state);
                    return Err(Error::Connection { source: io::Error::other(why) });
                }
                Err(error) => return Err(cloud(error)),
            }
        }
        self.0.notes.remove(id);
        Ok(())
    }
}
