//! What the system has reported and nobody has looked into yet, and what was found and not asked for yet.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind, RenameMode};
use tokio::sync::Notify;

/// Paths remembered between two looks. With more, everything counts as changed.
const MOST: usize = 8192;

/// What happened to a path since the last look.
#[derive(Debug, Default, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four things that an event says or does not, in any mixture"
)]
pub(super) struct Seen {
    /// First of all it was made, so it was not there before.
    pub(super) made: bool,
    /// It is, or was, a folder, says the system.
    pub(super) folder: bool,
    /// It came, went or got another name; not only its content changed.
    pub(super) placed: bool,
    /// It went to another place with all that is in it.
    pub(super) moved_away: bool,
}

/// Everything since the last look.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) paths: HashMap<PathBuf, Seen>,
    /// Events were lost: anything may have changed.
    pub(super) lost: bool,
    /// The watch itself failed.
    pub(super) failed: Option<notify::Error>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.lost && self.failed.is_none()
    }
}

/// Takes events on the thread of the system's watch, gives them to whoever waits.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    batch: Mutex<Batch>,
    /// Kept here and not with a wait, which may be given up at any time.
    changed: Mutex<BTreeSet<PathBuf>>,
    arrived: Notify,
}

impl Inbox {
    /// Takes an event. `counts` says whether the content of a file matters.
    pub(super) fn take(&self, event: notify::Result<notify::Event>, counts: impl Fn(&Path) -> bool) {
        let mut batch = self.batch();
        match event {
            Err(error) => batch.failed = Some(error),
            Ok(event) if event.need_rescan() => batch.lost = true,
            Ok(event) => {
                let Some(seen) = of(event.kind) else { return };
                let paths: Vec<_> =
                    event.paths.into_iter().filter(|path| seen.placed || counts(path)).collect();
                if paths.is_empty() {
                    return;
                }
                for path in paths {
                    batch.add(path, seen);
                }
            }
        }
        drop(batch);
        self.arrived.notify_one();
    }

    /// Waits until there is something to look into, or something found. Tells whether it is the former.
    pub(super) async fn wait(&self) -> bool {
        loop {
            if !self.batch().is_empty() {
                return true;
            }
            if !self.changed().is_empty() {
                return false;
            }
            self.arrived.notified().await;
        }
    }

    /// Waits until more comes.
    pub(super) async fn more(&self) {
        self.arrived.notified().await;
    }

    /// Everything since the last time.
    pub(super) fn empty(&self) -> Batch {
        std::mem::take(&mut *self.batch())
    }

    /// Adds to the changed files.
    pub(super) fn deliver(&self, changed: BTreeSet<PathBuf>) {
        if !changed.is_empty() {
            self.changed().extend(changed);
            self.arrived.notify_one();
        }
    }

    /// The changed files. There are none afterwards.
    pub(super) fn take_changed(&self) -> Vec<PathBuf> {
        std::mem::take(&mut *self.changed()).into_iter().collect()
    }

    fn changed(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batch(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    fn add(&mut self, path: PathBuf, seen: Seen) {
        if let Some(known) = self.paths.get_mut(&path) {
            known.folder |= seen.folder;
            known.placed |= seen.placed;
            known.moved_away |= seen.moved_away;
        } else if self.paths.len() < MOST {
            self.paths.insert(path, seen);
        } else {
            self.lost = true;
        }
    }
}

/// What an event says, if it counts at all.
fn of(kind: EventKind) -> Option<Seen> {
    let placed = Seen { placed: true, ..Seen::default() };
    match kind {
        EventKind::Create(kind) => Some(Seen { made: true, folder: kind == CreateKind::Folder, ..placed }),
        EventKind::Remove(kind) => Some(Seen { folder: kind == RemoveKind::Folder, ..placed }),
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Some(Seen { moved_away: true, ..placed }),
        // Says again what `From` and `To` have said, about both paths at once.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => None,
        EventKind::Modify(ModifyKind::Name(_)) => Some(placed),
        EventKind::Modify(ModifyKind::Metadata(_)) => None,
        EventKind::Modify(_) | EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
            Some(Seen::default())
        }
        _ => None,
    }
}
