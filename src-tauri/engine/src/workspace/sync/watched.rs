//! Watches workspaces that have a copy elsewhere, so that the next copy looks only at what may have changed.
//!
//! For engines that stay; a command alone looks at everything. What the system tells is a hint where to look, never what is
//! there: that is decided by stamps and digests as in any look. Wherever it may not have told everything, everything is
//! looked at: before the watch began, after events were lost, with rules that changed, with a state that somebody else
//! wrote, and once in a while in any case ([`TRUSTED`]), because some changes make no event (a file that stays mapped into
//! memory).
//!
//! Invariant: what was changed before [`Watch::look`] is called is in what it returns. A file of ours is made in a folder that
//! is watched, too, and the events of a watch come in order: when that one has come, those before it have.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use stigmer_tree::Survey;

mod events;
mod folders;

use events::Events;
use folders::Folders;

/// Longest time between two looks at everything. Those between trust the watch.
const TRUSTED: Duration = Duration::from_mins(5);

/// A workspace that was copied nowhere for so long is not watched any more.
const UNUSED: Duration = Duration::from_hours(1);

/// Longest time for the system to tell of a file of ours.
const ANSWER: Duration = Duration::from_millis(500);

/// Paths that are looked at each time, whatever was told. With more, everything is.
const MOST_PENDING: usize = 1000;

/// The workspaces that are watched. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watches(Arc<Mutex<HashMap<PathBuf, Slot>>>);

#[derive(Debug)]
enum Slot {
    Watched(Arc<Watch>),
    /// It cannot be watched. Tried again later.
    Unwatchable(Instant),
}

impl Watches {
    /// The watch of a workspace, which begins with the first call. `None` where it cannot be watched, or where what is told
    /// could not be relied on. Walks the folder the first time.
    pub(super) fn of(&self, root: &Path, home: &Path) -> Option<Arc<Watch>> {
        let mut all = self.lock();
        match all.get(root) {
            Some(Slot::Watched(watch)) if watch.holds() => {
                watch.state().used = Instant::now();
                return Some(Arc::clone(watch));
            }
            Some(Slot::Unwatchable(since)) if since.elapsed() < UNUSED => return None,
            _ => {}
        }
        let watch = Watch::begin(root, home);
        let slot = watch.as_ref().map_or_else(
            |why| {
                tracing::info!(%why, ?root, "a workspace is not watched; each copy looks at all of it");
                Slot::Unwatchable(Instant::now())
            },
            |watch| Slot::Watched(Arc::clone(watch)),
        );
        let watch = watch.ok();
        all.insert(root.to_owned(), slot);
        drop(all);
        if let Some(watch) = &watch {
            self.end_unused(root.to_owned(), Arc::downgrade(watch));
        }
        watch
    }

    /// Ends a watch in its time.
    fn end_unused(&self, root: PathBuf, watch: Weak<Watch>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let all = Arc::downgrade(&self.0);
        runtime.spawn(async move {
            let mut rest = UNUSED;
            loop {
                tokio::time::sleep(rest).await;
                let Some(all) = all.upgrade() else { return };
                let Some(more) = Self(all).end_if_unused(&root, &watch) else { return };
                rest = more;
            }
        });
    }

    /// Ends a watch that nobody needed; else the shortest time until nobody will have.
    fn end_if_unused(&self, root: &Path, watch: &Weak<Watch>) -> Option<Duration> {
        let mut all = self.lock();
        let watch = watch.upgrade()?;
        let rest = UNUSED.saturating_sub(watch.state().used.elapsed());
        if !rest.is_zero() {
            return Some(rest);
        }
        if matches!(all.get(root), Some(Slot::Watched(one)) if Arc::ptr_eq(one, &watch)) {
            all.remove(root);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A workspace that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    events: Arc<Events>,
    folders: Mutex<Folders>,
    state: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    used: Instant,
    /// By the folder of each copy.
    copies: HashMap<PathBuf, Known>,
}

/// What is known of a copy.
#[derive(Debug)]
struct Known {
    /// Everything up to the event of this number is in the copy's state …
    number: u64,
    /// … except for these, which are looked at again.
    pending: BTreeSet<PathBuf>,
    /// Files with other names, too: a change under another one makes no event here.
    shared: BTreeSet<PathBuf>,
    /// The file of the state as it was then.
    file: FileStamp,
    /// The last look at everything.
    full: Instant,
}

/// Tells a file from what it was: device, number, length, time.
pub(super) type FileStamp = Option<(u64, u64, u64, i64, i64)>;

/// The stamp of a file that is there.
pub(super) fn file_stamp(path: &Path) -> FileStamp {
    use std::os::unix::fs::MetadataExt as _;
    let about = path.symlink_metadata().ok()?;
    Some((about.dev(), about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
}

/// A look that began.
#[derive(Debug)]
pub(super) struct Look {
    watch: Arc<Watch>,
    number: u64,
    /// Where to look; `None` is everywhere.
    pub paths: Option<BTreeSet<PathBuf>>,
}

impl Watch {
    fn begin(root: &Path, home: &Path) -> Result<Arc<Self>, String> {
        let events = Arc::new(Events::new(root));
        let folders = Folders::watch(root, home, &events)?;
        let state = Kept { used: Instant::now(), copies: HashMap::new() };
        Ok(Arc::new(Self { events, folders: Mutex::new(folders), state: Mutex::new(state) }))
    }

    /// Whether it still watches the folder of that name.
    fn holds(&self) -> bool {
        self.folders().holds()
    }

    /// Where to look for what changed since the last look for the copy in `folder`, whose state is in a file with this
    /// stamp.
    pub(super) fn look(self: &Arc<Self>, folder: &Path, file: FileStamp) -> Look {
        let mut folders = self.folders();
        let is_told = folders.beat(folder, &self.events, ANSWER);
        let (number, told) = self.events.take();
        let is_whole = is_told && folders.follow(told);
        let state = self.state();
        let known = state.copies.get(folder).filter(|known| {
            is_whole && file.is_some() && known.file == file && known.full.elapsed() < TRUSTED
        });
        let paths = known.and_then(|known| {
            let mut paths = self.events.since(known.number)?;
            let is_of_rules = paths.iter().any(|path| folders.reads(path));
            paths.extend(folders.unwatched());
            paths.extend(known.pending.iter().chain(&known.shared).cloned());
            (!is_of_rules).then_some(paths)
        });
        Look { watch: Arc::clone(self), number, paths }
    }

    /// A copy's state was written by ourselves.
    pub(super) fn renew(&self, folder: &Path, before: FileStamp, after: FileStamp) {
        if let Some(known) = self.state().copies.get_mut(folder)
            && known.file == before
        {
            known.file = after;
        }
    }

    fn folders(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    /// Notes that everything that the look found is in the copy and its state, except for `pending`.
    pub(super) fn done(self, folder: &Path, survey: Survey, pending: BTreeSet<PathBuf>, file: FileStamp) {
        let mut state = self.watch.state();
        let mut shared: BTreeSet<_> = survey.shared.into_iter().collect();
        let mut full = Instant::now();
        if let (Some(_), Some(before)) = (&self.paths, state.copies.remove(folder)) {
            shared.extend(before.shared);
            full = before.full;
        }
        if pending.len() + shared.len() > MOST_PENDING {
            state.copies.remove(folder);
            return;
        }
        let known = Known { number: self.number, pending, shared, file, full };
        state.copies.insert(folder.to_owned(), known);
    }
}

#[cfg(test)]
mod tests;
