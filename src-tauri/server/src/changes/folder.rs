//! Notices about the files of a folder that is shown.

use std::path::PathBuf;

use stigmer_engine::home::Home;
use stigmer_engine::workspace::files::{Change, Watched};
use tokio::sync::mpsc;

use super::{Gone, Notice, send};

/// Tells what changes in a folder.
pub(super) async fn tell(home: Home, workspace: PathBuf, to: mpsc::Sender<Notice>) -> Result<(), Gone> {
    let mut watched = match Watched::new(&workspace, &home).await {
        Ok(watched) => watched,
        Err(error) => {
            // It is looked at when it is asked for; only that it changes by itself is not seen.
            tracing::warn!(%error, ?workspace, "the folder is not watched");
            return Ok(());
        }
    };
    // Whoever asked looked at the folder before it was watched: what happened between is not lost.
    send(&to, Notice::Files { paths: None, gone: false }).await?;
    loop {
        let (paths, gone) = match watched.changed().await {
            Ok(Change::Paths(paths)) => (names(&paths), false),
            Ok(Change::TooMany | Change::Back) => (None, false),
            Ok(Change::Gone) => (None, true),
            Err(error) => {
                tracing::warn!(%error, ?workspace, "the folder is not watched any more");
                return Ok(());
            }
        };
        send(&to, Notice::Files { paths, gone }).await?;
    }
}

/// The paths as text; all of them, or it is said that anything may be different.
fn names(paths: &[PathBuf]) -> Option<Vec<String>> {
    paths.iter().map(|path| path.to_str().map(str::to_owned)).collect()
}
