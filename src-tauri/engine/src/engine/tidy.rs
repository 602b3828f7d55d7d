//! Retention: old runs go by themselves, at most once a day and never on the way to a run.

use std::time::{Duration, SystemTime};

use tracing::info;

use super::Engine;
use crate::error::{Error, Result};
use crate::history;
use crate::os;
use crate::run::blocking;
use crate::workspace::files;

/// Time between two looks for what is old.
const EVERY: Duration = Duration::from_hours(24);

impl Engine {
    /// Removes what the settings no longer keep and what dead engines left, if nobody did so within a day. Returns how many runs went.
    pub async fn tidy(&self) -> Result<usize> {
        let stamp = self.home().root().join("tidied");
        let claim = move || {
            let age = std::fs::metadata(&stamp).and_then(|found| found.modified()).ok();
            if age.and_then(|then| SystemTime::now().duration_since(then).ok()).is_some_and(|age| age < EVERY)
            {
                return Ok(false);
            }
            // Written first: of several who look at once, the others find it fresh.
            let mut options = std::fs::OpenOptions::new();
            let made = os::private(options.write(true).create(true).truncate(true)).open(&stamp);
            made.and_then(|file| file.set_modified(SystemTime::now()))
                .map_err(Error::storage("writing", &stamp))?;
            Ok(true)
        };
        if !blocking(claim).await? {
            return Ok(0);
        }
        let home = self.home().clone();
        blocking(move || {
            history::forget_dead(&home)?;
            files::clear_trash(&home, SystemTime::now())
        })
        .await?;
        let logs = self.settings(None)?.logs();
        let old = self.outdated(Some(logs.retention), Some(logs.max_total_size)).await?;
        let count = old.len();
        self.remove(old.into_iter().map(|run| run.id).collect()).await?;
        info!(count, "old runs were removed");
        Ok(count)
    }
}
