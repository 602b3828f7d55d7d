//! A workspace that is watched for the window: its tree and its open files follow what happens on the disk.
//!
//! Unlike [`crate::workspace::watch`], which asks "did a file change that a run depends on", this tells of folders
//! too, of files that are ignored (they may be open), and it goes on when the workspace is gone.
//!
//! On Linux every folder costs one of the user's watches, so those that are ignored are not watched inside, nor
//! those beyond [`MOST_FOLDERS`].

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::event::EventKind;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::warn;

use super::super::ignored::Ignored;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::run::blocking;

/// A burst of changes has ended when nothing happened for this long …
const QUIET: Duration = Duration::from_millis(50);

/// … or when it has gone on for this long.
const LONGEST_BURST: Duration = Duration::from_millis(300);

/// Time between two looks whether a workspace that is gone has come back. Nothing else can tell.
const LOOK: Duration = Duration::from_secs(1);

/// Paths told one by one. Whoever shows a tree reads it again sooner than it takes in more.
const MOST_PATHS: usize = 1000;

/// Folders watched, those near the root first.
const MOST_FOLDERS: usize = 16_384;

/// What happened to a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These came, went or were written: relative to the workspace, sorted, each once.
    Paths(Vec<PathBuf>),
    /// More than can be told one by one: anything may be different.
    TooMany,
    /// The workspace itself is gone.
    Gone,
    /// It is there again; anything may be different.
    Back,
}

/// Watches a workspace. Dropped, it stops watching.
#[derive(Debug)]
pub struct Watched {
    root: PathBuf,
    home: PathBuf,
    seen: Arc<Seen>,
    /// `None` while the workspace is gone. Shared with the thread that looks, which outlives a wait given up.
    tree: Arc<Mutex<Option<Tree>>>,
}

impl Watched {
    /// Watches `root` from now on, or from when it is there. Fails with [`Error::Folder`] if there is a folder that
    /// cannot be watched.
    pub async fn new(root: &Path, home: &Home) -> Result<Self> {
        let (root, home) = (root.to_owned(), home.root().to_owned());
        blocking(move || {
            let home = home.canonicalize().unwrap_or(home);
            let seen = Arc::new(Seen::default());
            let tree = if root.is_dir() { Some(Tree::new(&root, &home, &seen)?) } else { None };
            if tree.is_none() {
                seen.events().gone = true;
            }
            Ok(Self { root, home, seen, tree: Arc::new(Mutex::new(tree)) })
        })
        .await
    }

    /// Waits for the next change. A wait may be given up; its changes are in the next.
    pub async fn changed(&mut self) -> Result<Change> {
        loop {
            if self.lock().is_none() {
                if std::mem::take(&mut self.seen.events().gone) {
                    return Ok(Change::Gone);
                }
                self.come_back().await?;
                return Ok(Change::Back);
            }
            self.seen.burst().await;
            let (tree, seen) = (Arc::clone(&self.tree), Arc::clone(&self.seen));
            let looked = blocking(move || {
                let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
                if tree.as_ref().is_none_or(|tree| !tree.is_there()) {
                    seen.events().gone = true;
                    *tree = None;
                }
                // Kept until somebody takes it: whoever waits may have given up.
                if let Some(tree) = &mut *tree {
                    seen.tell(tree);
                }
                Ok(())
            });
            looked.await?;
            if let Some(change) = self.seen.take_told() {
                return Ok(change);
            }
        }
    }

    async fn come_back(&mut self) -> Result<()> {
        loop {
            let (root, home, seen) = (self.root.clone(), self.home.clone(), Arc::clone(&self.seen));
            let tree = blocking(move || {
                // What cannot be watched yet may be half made.
                Ok(root.is_dir().then(|| Tree::new(&root, &home, &seen).ok()).flatten())
            });
            if let Some(tree) = tree.await? {
                *self.seen.events() = Events::default();
                *self.lock() = Some(tree);
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Tree>> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the system told, and what is to be told on.
#[derive(Debug, Default)]
struct Events {
    /// Absolute paths.
    paths: BTreeSet<PathBuf>,
    /// Some were lost, or there are too many.
    lost: bool,
    /// It is not told yet that the workspace is gone.
    gone: bool,
    /// Relative paths, looked at.
    told: BTreeSet<PathBuf>,
    told_lost: bool,
}

/// Takes events on the thread of the system's watch.
#[derive(Debug, Default)]
struct Seen {
    events: Mutex<Events>,
    arrived: Notify,
}

impl Seen {
    fn take(&self, event: notify::Result<notify::Event>) {
        let mut events = self.events();
        match event {
            Ok(event) if event.need_rescan() => events.lost = true,
            // Whoever reads changes nothing; metadata alone is not shown.
            Ok(event) if matters(event.kind) => {
                events.paths.extend(event.paths);
                if events.paths.len() > MOST_PATHS {
                    // Still counted as something to look at; which folders are new a walk finds out.
                    events.paths.clear();
                    events.lost = true;
                }
            }
            Ok(_) => return,
            Err(_) => events.lost = true,
        }
        drop(events);
        self.arrived.notify_one();
    }

    /// Waits for the end of the next burst.
    async fn burst(&self) {
        let waits = |events: &Events| {
            events.paths.is_empty() && !events.lost && events.told.is_empty() && !events.told_lost
        };
        while waits(&self.events()) {
            self.arrived.notified().await;
        }
        let end = Instant::now() + LONGEST_BURST;
        let quiet = || end.min(Instant::now() + QUIET);
        while tokio::time::timeout_at(quiet(), self.arrived.notified()).await.is_ok() && Instant::now() < end
        {
        }
    }

    /// Looks at what was told by the system.
    fn tell(&self, tree: &mut Tree) {
        let (paths, lost) = {
            let mut events = self.events();
            (std::mem::take(&mut events.paths), std::mem::take(&mut events.lost))
        };
        let shown = tree.look(&paths, lost);
        let mut events = self.events();
        events.told.extend(shown);
        events.told_lost |= lost || events.told.len() > MOST_PATHS;
    }

    fn take_told(&self) -> Option<Change> {
        let mut events = self.events();
        let told = std::mem::take(&mut events.told);
        if std::mem::take(&mut events.told_lost) {
            return Some(Change::TooMany);
        }
        (!told.is_empty()).then(|| Change::Paths(told.into_iter().collect()))
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matters(kind: EventKind) -> bool {
    use notify::event::ModifyKind;
    !matches!(kind, EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)))
}

/// The watched folders.
#[derive(Debug)]
struct Tree {
    /// As it was given, which must lead to the same folder still.
    given: PathBuf,
    root: PathBuf,
    /// Device and number of the folder: another one may have taken its name.
    identity: (u64, u64),
    home: PathBuf,
    ignored: Ignored,
    system: RecommendedWatcher,
    folders: HashSet<PathBuf>,
}

impl Tree {
    fn new(given: &Path, home: &Path, seen: &Arc<Seen>) -> Result<Self> {
        let fails = |source| Error::Folder { path: given.to_owned(), source };
        let root = given.canonicalize().map_err(fails)?;
        let identity = identity(&root).map_err(fails)?;
        let system = {
            let seen = Arc::clone(seen);
            notify::recommended_watcher(move |event| seen.take(event))
        };
        let system = system.map_err(|error| fails(std::io::Error::other(error)))?;
        let ignored = Ignored::above(&root, home);
        let (given, home) = (given.to_owned(), home.to_owned());
        let mut tree = Self { given, root, identity, home, ignored, system, folders: HashSet::new() };
        let root = tree.root.clone();
        if !cfg!(target_os = "linux") {
            let watched = tree.system.watch(&root, RecursiveMode::Recursive);
            watched.map_err(|error| fails(std::io::Error::other(error)))?;
        }
        tree.enter(root);
        if tree.folders.is_empty() {
            return Err(fails(std::io::Error::other("the system does not watch it")));
        }
        Ok(tree)
    }

    fn is_there(&self) -> bool {
        let same = self.given.canonicalize().is_ok_and(|root| root == self.root);
        same && identity(&self.root).is_ok_and(|identity| identity == self.identity)
    }

    /// Which of these the window may show, relative to the root. New folders are watched from now on.
    fn look(&mut self, paths: &BTreeSet<PathBuf>, lost: bool) -> Vec<PathBuf> {
        if lost || paths.iter().any(|path| Ignored::reads(path)) {
            self.ignored = Ignored::above(&self.root, &self.home);
            self.folders.retain(|folder| folder.is_dir());
            self.enter(self.root.clone());
        }
        let mut shown = Vec::new();
        for path in paths {
            let Ok(relative) = path.strip_prefix(&self.root) else { continue };
            let inside = path.parent().is_some_and(|folder| !self.ignored.leaves_out(folder, true));
            let ours = relative.file_name().and_then(|name| name.to_str()).is_some_and(is_ours);
            if relative.as_os_str().is_empty() || !inside || ours {
                continue;
            }
            shown.push(relative.to_owned());
            if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                self.enter(path.clone());
            } else {
                self.folders.retain(|folder| !folder.starts_with(path));
            }
        }
        shown
    }

    /// Watches a folder and those in it, in the order of their depth.
    fn enter(&mut self, folder: PathBuf) {
        let mut waiting = VecDeque::from([folder]);
        while let Some(folder) = waiting.pop_front() {
            if self.ignored.leaves_out(&folder, true) {
                continue;
            }
            if self.folders.len() >= MOST_FOLDERS {
                warn!(root = ?self.root, "not every folder is watched: there are too many");
                return;
            }
            // First watched, then listed: what is made in between is found twice rather than never.
            if cfg!(target_os = "linux")
                && let Err(error) = self.system.watch(&folder, RecursiveMode::NonRecursive)
            {
                warn!(%error, ?folder, "a folder is not watched");
                continue;
            }
            self.ignored.enter(&folder);
            let entries = std::fs::read_dir(&folder);
            self.folders.insert(folder);
            for entry in entries.into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    waiting.push_back(entry.path());
                }
            }
        }
    }
}

fn identity(folder: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    folder.metadata().map(|found| (found.dev(), found.ino()))
}

/// What we make for a moment beside a file that is written.
fn is_ours(name: &str) -> bool {
    name.starts_with(".stigmer-") && Path::new(name).extension().is_some_and(|ending| ending == "tmp")
}
