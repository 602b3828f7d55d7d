//! Ends that the history did not take at once: another program held the database, or the disk was full.

use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use crate::run::{End, blocking};
use crate::spec::RunId;

/// Time between two tries.
const AGAIN: Duration = Duration::from_secs(1);

impl Inner {
    /// Tries until the history has the end of a run, or the engine closes: then the run's folder tells it to
    /// whoever opens the history next.
    pub(super) async fn tell_history(&self, id: RunId, end: End) {
        loop {
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = tokio::time::sleep(AGAIN) => {}
            }
            let (history, end) = (Arc::clone(&self.history), end.clone());
            let told = blocking(move || {
                if let Some(at) = end.started {
                    history.started(id, at)?;
                }
                history.ended(id, &end.ending, end.bytes)
            });
            if told.await.is_ok() {
                return;
            }
        }
    }
}
