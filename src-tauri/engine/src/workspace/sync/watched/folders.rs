//! The folders of a workspace that are watched, one by one: those that are copied.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use stigmer_tree::Choice as _;

use super::super::Rules;
use super::events::{Events, Since};
use super::{FileStamp, file_stamp};
use crate::workspace::ignored;

/// Folders that are watched, at most. A workspace with more is looked at as a whole.
const MOST: usize = 16_384;

/// Folders on other disks that are looked at each time, at most.
const MOST_UNWATCHED: usize = 100;

pub(super) struct Folders {
    root: PathBuf,
    home: PathBuf,
    identity: (u64, u64),
    rules: Rules,
    /// The files of rules outside of the workspace, which are not watched.
    above: Vec<FileStamp>,
    system: RecommendedWatcher,
    watched: HashSet<PathBuf>,
    /// Folders of copies, in which our files are made.
    beating: BTreeSet<PathBuf>,
    beats: u64,
    unwatched: BTreeSet<PathBuf>,
    /// Why nothing of it can be relied on any more.
    broken: Option<String>,
}

impl std::fmt::Debug for Folders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folders").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Folders {
    /// Watches everything below `root` that is copied; or says why that cannot be relied on.
    pub(super) fn watch(root: &Path, home: &Path, events: &Arc<Events>) -> Result<Self, String> {
        if !is_told_of(root) {
            return Err("the system does not tell of every change on this disk".to_owned());
        }
        let words = |error: notify::Error| error.to_string();
        let about = root.metadata().map_err(|error| error.to_string())?;
        let taking = Arc::clone(events);
        let system = notify::recommended_watcher(move |event| taking.take_event(event)).map_err(words)?;
        let mut folders = Self {
            root: root.to_owned(),
            home: home.to_owned(),
            identity: (about.dev(), about.ino()),
            rules: Rules::new(root, home).map_err(|error| error.to_string())?,
            above: above(root),
            system,
            watched: HashSet::new(),
            beating: BTreeSet::new(),
            beats: 0,
            unwatched: BTreeSet::new(),
            broken: None,
        };
        folders.enter(PathBuf::new());
        folders.broken.take().map_or(Ok(folders), Err)
    }

    /// Whether the watched folder is still the one of that name, by the same rules from above.
    pub(super) fn holds(&self) -> bool {
        let same = |about: fs::Metadata| (about.dev(), about.ino()) == self.identity;
        self.broken.is_none() && self.root.metadata().is_ok_and(same) && above(&self.root) == self.above
    }

    /// Waits until the system has told of everything that happened so far; whether it did.
    pub(super) fn beat(&mut self, folder: &Path, events: &Events, longest: Duration) -> bool {
        if !self.beating.contains(folder) {
            if self.system.watch(folder, RecursiveMode::NonRecursive).is_err() {
                return false;
            }
            self.beating.insert(folder.to_owned());
        }
        self.beats += 1;
        let file = folder.join(events.beat(self.beats));
        let made = fs::write(&file, "");
        let heard = made.is_ok() && events.wait_for(self.beats, longest);
        let _ = fs::remove_file(file);
        if !heard {
            // Another folder may have taken its place.
            self.beating.remove(folder);
        }
        heard
    }

    /// Watches what is new, too; whether everything that is copied is watched from now on and was since the last time.
    pub(super) fn follow(&mut self, told: Since) -> bool {
        match told {
            Since::At(paths) if paths.iter().any(|path| self.reads(path)) => self.again(),
            Since::At(paths) => {
                for path in paths {
                    if self.root.join(&path).symlink_metadata().is_ok_and(|about| about.is_dir()) {
                        self.enter(path);
                    }
                }
            }
            Since::Lost => {
                self.again();
                return false;
            }
        }
        self.broken.is_none()
    }

    /// Whether rules are in this file.
    #[expect(clippy::unused_self, reason = "reads as what it is about, like its neighbours")]
    pub(super) fn reads(&self, path: &Path) -> bool {
        // Whether it is a repository decides whether rules from above hold.
        let at_top = [".dockerignore", ".git"];
        ignored::Ignored::reads(path) || at_top.iter().any(|name| path == Path::new(name))
    }

    /// Folders that nothing is told of.
    pub(super) fn unwatched(&self) -> impl Iterator<Item = PathBuf> {
        self.unwatched.iter().cloned()
    }

    /// Begins again, with the rules as they are now.
    fn again(&mut self) {
        match Rules::new(&self.root, &self.home) {
            Ok(rules) => {
                self.rules = rules;
                self.watched.clear();
                self.unwatched.clear();
                self.enter(PathBuf::new());
            }
            Err(error) => self.broken = Some(error.to_string()),
        }
    }

    /// Watches a folder, relative to the root, and those in it.
    fn enter(&mut self, folder: PathBuf) {
        let mut waiting = vec![folder];
        while let Some(folder) = waiting.pop() {
            if self.broken.is_some() || (folder != Path::new("") && self.rules.leaves_out_any_folder(&folder))
            {
                continue;
            }
            let full = self.root.join(&folder);
            match full.symlink_metadata() {
                Ok(about) if about.dev() != self.identity.0 => {
                    // Another disk: its own system may tell nothing.
                    self.unwatched.insert(folder);
                    if self.unwatched.len() > MOST_UNWATCHED {
                        self.broken = Some("there are too many other disks in it".to_owned());
                    }
                    continue;
                }
                Ok(about) if about.is_dir() => {}
                _ => continue,
            }
            if self.watched.len() >= MOST && !self.watched.contains(&folder) {
                self.watched.retain(|folder| self.root.join(folder).is_dir());
                if self.watched.len() >= MOST {
                    self.broken = Some(format!("it has more than {MOST} folders"));
                    continue;
                }
            }
            // First watched, then listed: what is made in between is found twice rather than never.
            if let Err(error) = self.system.watch(&full, RecursiveMode::NonRecursive) {
                if full.symlink_metadata().is_ok_and(|about| about.is_dir()) {
                    self.broken = Some(error.to_string());
                }
                continue;
            }
            self.rules.enters(&folder);
            self.watched.insert(folder.clone());
            for entry in fs::read_dir(&full).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    waiting.push(folder.join(entry.file_name()));
                }
            }
        }
    }
}

/// The files of rules outside of a workspace, and which of the folders there are repositories.
fn above(root: &Path) -> Vec<FileStamp> {
    let of = |path: &PathBuf| {
        if path.ends_with(".git") { path.exists().then_some((0, 0, 0, 0, 0)) } else { file_stamp(path) }
    };
    ignored::above(root).iter().map(of).collect()
}

/// Whether the system tells of every change below a folder: not where other machines change it, too.
#[cfg(target_os = "linux")]
fn is_told_of(folder: &Path) -> bool {
    /// ext2 to ext4, btrfs, XFS, tmpfs, overlay, ZFS, F2FS, bcachefs.
    const OWN: [u64; 8] =
        [0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0xf2f5_2010, 0xca45_1a4e];
    let kind = rustix::fs::statfs(folder).map(|about| about.f_type.cast_unsigned() & 0xffff_ffff);
    kind.is_ok_and(|kind| OWN.contains(&kind))
}

/// Elsewhere events do not come in order.
#[cfg(not(target_os = "linux"))]
fn is_told_of(_: &Path) -> bool {
    false
}
