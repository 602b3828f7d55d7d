//! What is kept of runs that are over, and for how long.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::Engine;
use crate::error::{Error, Result};
use crate::history::Candidate;
use crate::history::events::{Event, EventLog, What};
use crate::spec::RunId;

impl Engine {
    /// Keeps a run whatever its age, or no longer.
    pub async fn pin(&self, id: RunId, pinned: bool) -> Result<()> {
        let home = self.0.home.clone();
        self.query(move |history| {
            history.pin(id, pinned)?;
            EventLog::open(&home.run(id))?
                .append(&Event { at: Timestamp::now(), what: What::Pinned { pinned } })
        })
        .await
    }

    /// Removes runs that are over, with their logs.
    pub async fn remove(&self, ids: Vec<RunId>) -> Result<()> {
        for &id in &ids {
            let record = self.get(id).await?;
            if record.pinned {
                return Err(Error::Conflict {
                    what: format!("the run {id} is pinned"),
                    hint: "release it first with `stigmer runs pin --undo`",
                });
            }
            if record.state.ending().is_none() {
                return Err(Error::Conflict {
                    what: format!("the run {id} goes on"),
                    hint: "stop it first with `stigmer runs cancel`",
                });
            }
        }
        let home = self.0.home.clone();
        self.query(move |history| {
            // One that cannot be removed does not keep the others.
            let (mut removed, mut failure) = (Vec::new(), None);
            for id in ids {
                match remove_folder(&home.run(id)) {
                    Ok(()) => removed.push(id),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            history.remove(&removed, Timestamp::now())?;
            failure.map_or(Ok(()), Err)
        })
        .await
    }

    /// The runs that the settings no longer keep, as of now.
    pub async fn outdated(
        &self,
        max_age: Option<Duration>,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Candidate>> {
        self.query(move |history| history.candidates(max_age, max_bytes, Timestamp::now())).await
    }
}

/// Removes a run's folder; one that is gone already is as good.
pub(super) fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::storage("removing", folder)(error))
        }
        _ => Ok(()),
    }
}
