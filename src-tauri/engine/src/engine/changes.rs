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
        Self::of_what(folder, |_| true)
    }

    /// Notices changes of one file in `folder`, and of those whose names begin with its name.
    pub(super) fn of_files(folder: &Path, first: &Path) -> Self {
        let name = first.file_name().unwrap_or_default().to_owned();
        Self::of_what(folder, move |changed| {
            let changed = changed.file_name().unwrap_or_default();
            changed.as_encoded_bytes().starts_with(name.as_encoded_bytes())
        })
    }

    fn of_what(folder: &Path, is_ours: impl Fn(&Path) -> bool + Send + 'static) -> Self {
        let (notice, noticed) = watch::channel(());
        let tell = move |event: notify::Result<notify::Event>| {
            // Reading is no change; looking again because somebody looked would never end.
            let is_other = |event: notify::Event| {
                let somewhere_else =
                    !event.paths.is_empty() && !event.paths.iter().any(|changed| is_ours(changed));
                event.kind.is_access() || (somewhere_else && !event.need_rescan())
            };
            if !event.is_ok_and(is_other) {
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
