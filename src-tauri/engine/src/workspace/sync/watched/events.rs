//! What the system told of a workspace: paths, each with the number of the last event about it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};

/// Paths that are remembered. With more, everything may have changed.
const MOST: usize = 8192;

/// Takes events on the thread of the system's watch.
#[derive(Debug)]
pub(super) struct Events {
    root: PathBuf,
    /// Begins the names of files of ours that show how far events have come.
    beat: String,
    told: Mutex<Told>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    /// Counts events.
    number: u64,
    paths: HashMap<PathBuf, u64>,
    /// Of events up to this number the paths are not known any more.
    lost: u64,
    /// Number of the last event that was taken to be followed.
    followed: u64,
    /// The last of our files that was heard of.
    heard: u64,
}

/// What is to be followed.
#[derive(Debug)]
pub(super) enum Since {
    /// Something happened at these paths.
    At(Vec<PathBuf>),
    /// Anything may have happened.
    Lost,
}

impl Events {
    pub(super) fn new(root: &Path) -> Self {
        let beat = format!("beat-{}-", uuid::Uuid::new_v4().simple());
        Self { root: root.to_owned(), beat, told: Mutex::default(), came: Condvar::new() }
    }

    /// Takes an event.
    pub(super) fn take_event(&self, event: notify::Result<notify::Event>) {
        let mut told = self.told();
        match event {
            Ok(event) if event.need_rescan() => told.lose(),
            Ok(event) if matters(event.kind) => {
                for path in event.paths {
                    if let Some(number) = self.beat_of(&path) {
                        told.heard = told.heard.max(number);
                        self.came.notify_all();
                    } else if let Ok(path) = path.strip_prefix(&self.root) {
                        told.add(path);
                    }
                }
            }
            Ok(_) => {}
            Err(_) => told.lose(),
        }
    }

    fn beat_of(&self, path: &Path) -> Option<u64> {
        path.file_name()?.to_str()?.strip_prefix(&self.beat)?.parse().ok()
    }

    /// The name of one of our files.
    pub(super) fn beat(&self, number: u64) -> String {
        format!("{}{number}", self.beat)
    }

    /// Waits until one of our files was heard of, and with it of everything that came before.
    pub(super) fn wait_for(&self, number: u64, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        let mut told = self.told();
        while told.heard < number {
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return false;
            }
            told = self.came.wait_timeout(told, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The number of the last event, and what happened since this was called before.
    pub(super) fn take(&self) -> (u64, Since) {
        let mut told = self.told();
        let before = told.followed;
        told.followed = told.number;
        let since = told.since(before).map_or(Since::Lost, |paths| Since::At(paths.cloned().collect()));
        (told.number, since)
    }

    /// Paths at which something happened since the event of this number; `None` where they are not known.
    pub(super) fn since(&self, number: u64) -> Option<BTreeSet<PathBuf>> {
        self.told().since(number).map(|paths| paths.cloned().collect())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn add(&mut self, path: &Path) {
        self.number += 1;
        if let Some(number) = self.paths.get_mut(path) {
            *number = self.number;
        } else if self.paths.len() < MOST {
            self.paths.insert(path.to_owned(), self.number);
        } else {
            self.lose();
        }
    }

    fn lose(&mut self) {
        self.number += 1;
        self.lost = self.number;
        self.paths = HashMap::new();
    }

    fn since(&self, number: u64) -> Option<impl Iterator<Item = &PathBuf>> {
        (number >= self.lost).then(|| self.paths.iter().filter(move |one| *one.1 > number).map(|one| one.0))
    }
}

/// Whoever reads changes nothing. Permissions count: they go along.
fn matters(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
