//! Waits for files of a workspace to change, for `stigmer run --watch`.
//!
//! Owns what counts as a change and how changes are joined to bursts. What to do about one is the caller's.
//!
//! A file changes when it is created, written, closed after writing, renamed or removed. A change of its
//! metadata alone does not count, `chmod +x` neither: the system reports it no differently from a backup
//! program's attributes. `touch` counts, since it opens the file for writing.
//!
//! Invariant: a change that happens while nobody waits is found by the next wait.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::home::Home;

mod globs;
mod seen;
mod tree;

use globs::Globs;
use seen::Inbox;
use tree::Tree;

/// A burst of changes has ended when nothing happened for this long …
const QUIET: Duration = Duration::from_millis(50);

/// … or when it has gone on for this long.
const LONGEST_BURST: Duration = Duration::from_secs(1);

/// Watches the files below a folder. Dropped, it stops watching.
///
/// Left out are what `.stigmerignore`, `.ignore` and `.gitignore` name (those above the folder, up to the root
/// of the repository, are read once), `.git`, what editors drop, and the home of Stigmer. Symbolic links are
/// not followed.
#[derive(Debug)]
pub struct Watcher {
    inbox: Arc<Inbox>,
    /// Shared with the thread that a burst is looked into on, which outlives a wait that is given up.
    tree: Arc<Mutex<Tree>>,
}

impl Watcher {
    /// Watches `root` from now on. With `globs`, only files that match one of them count: `*.py` in any
    /// folder, `src/*.py` in that one, `src/` everything below it.
    ///
    /// Walks the whole folder before it returns. Fails with [`Error::Pattern`] for a glob that is none,
    /// [`Error::Folder`] if `root` cannot be watched, [`Error::Conflict`] at the system's limit of watches.
    pub fn new(root: &Path, home: &Home, globs: &[String]) -> Result<Self> {
        let globs = Globs::new(globs)?;
        let root = root.canonicalize().map_err(|source| Error::Folder { path: root.to_owned(), source })?;
        let home = home.root().canonicalize().unwrap_or_else(|_| home.root().to_owned());
        let inbox = Arc::new(Inbox::default());
        let tree = Tree::new(&root, home, globs, Arc::clone(&inbox))?;
        Ok(Self { inbox, tree: Arc::new(Mutex::new(tree)) })
    }

    /// Waits for the next burst of changes, and gives the files that changed: relative to the root, sorted,
    /// each once. A folder that was moved away stands for the files that were in it.
    ///
    /// A wait may be given up; its changes are in the next. After more changes than can be remembered every
    /// file counts as changed. Fails with [`Error::Folder`] when the root is gone.
    pub async fn changed(&mut self) -> Result<Vec<PathBuf>> {
        loop {
            if self.inbox.wait().await {
                self.settle().await;
                let tree = Arc::clone(&self.tree);
                let look = move || tree.lock().unwrap_or_else(PoisonError::into_inner).look();
                match tokio::task::spawn_blocking(look).await {
                    Ok(looked) => looked?,
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Err(_) => return Err(Error::Stopped),
                }
            }
            let changed = self.inbox.take_changed();
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }

    /// Waits for the end of a burst.
    async fn settle(&self) {
        let end = Instant::now() + LONGEST_BURST;
        while tokio::time::timeout_at(end.min(Instant::now() + QUIET), self.inbox.more()).await.is_ok()
            && Instant::now() < end
        {}
    }
}

#[cfg(test)]
mod tests;
