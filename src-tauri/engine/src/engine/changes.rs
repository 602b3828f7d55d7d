//! Notices of changes in a folder.

use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;
use tracing::debug;

/// Time between two looks at a folder that cannot be watched: a user has only so many watches.
const LOOK: Duration = Duration::from_millis(250);

/// Tells when it is time for another look at a folder.
pub(super) struct Changes {
    watcher: Option<RecommendedWatcher>,
    noticed: watch::Receiver<()>,
}

impl Changes {
    /// Notices every change in `folder` from here on.
    pub(super) fn of(folder: &Path) -> Self {
        let (notice, noticed) = watch::channel(());
        let tell = move |event: notify::Result<notify::Event>| {
            // Reading is no change; looking again because somebody looked would never end.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                notice.send_replace(());
            }
        };
        let watcher = notify::recommended_watcher(tell)
            .and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher))
            .inspect_err(|error| debug!(%error, ?folder, "is looked at from time to time"))
            .ok();
        Self { watcher, noticed }
    }

    /// Waits for a change since the last call, or since the beginning.
    pub(super) async fn next(&mut self) {
        if self.watcher.is_none() || self.noticed.changed().await.is_err() {
            tokio::time::sleep(LOOK).await;
        }
    }
}
