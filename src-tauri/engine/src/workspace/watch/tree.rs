//! The folders that are watched, and the look into what happened in them.
//!
//! On Linux every folder costs a watch of its own, of which there is a limited number, so those left out are
//! not watched at all. Other systems watch the root with everything below it.

use std::collections::{BTreeSet, HashSet};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::super::ignored::Ignored;
use super::globs::Globs;
use super::seen::{Batch, Inbox, Seen};
use crate::error::{Error, Result};

/// Whether each folder is watched by itself.
const ONE_BY_ONE: bool = cfg!(target_os = "linux");

#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    home: PathBuf,
    globs: Arc<Globs>,
    inbox: Arc<Inbox>,
    ignored: Ignored,
    /// The same as `ignored`, for the thread of the system's watch. That thread must never wait for a walk:
    /// the walk waits for it, with each folder that it adds.
    shown: Arc<Mutex<Arc<Ignored>>>,
    system: RecommendedWatcher,
    folders: HashSet<PathBuf>,
    changed: BTreeSet<PathBuf>,
}

impl Tree {
    /// Watches `root`, which is absolute and has no symbolic links in it.
    pub(super) fn new(root: &Path, home: PathBuf, globs: Globs, inbox: Arc<Inbox>) -> Result<Self> {
        let globs = Arc::new(globs);
        let ignored = Ignored::above(root, &home);
        let shown = Arc::new(Mutex::new(Arc::new(ignored.clone())));
        let handler = {
            let (inbox, globs, shown, root) =
                (Arc::clone(&inbox), Arc::clone(&globs), Arc::clone(&shown), root.to_owned());
            move |event| {
                let ignored = Arc::clone(&*shown.lock().unwrap_or_else(PoisonError::into_inner));
                inbox.take(event, |path| {
                    let counts = path.strip_prefix(&root).is_ok_and(|path| globs.fit(path));
                    (counts && !ignored.leaves_out(path, false)) || Ignored::reads(path)
                });
            }
        };
        let system = notify::recommended_watcher(handler).map_err(|error| explain(error, root))?;
        let (folders, changed) = (HashSet::new(), BTreeSet::new());
        let root = root.to_owned();
        let mut tree = Self { root, home, globs, inbox, ignored, shown, system, folders, changed };
        let root = tree.root.clone();
        if !ONE_BY_ONE {
            tree.system.watch(&root, RecursiveMode::Recursive).map_err(|error| explain(error, &root))?;
        }
        tree.enter(&root, false)?;
        if !tree.folders.contains(&root) {
            let source = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(Error::Folder { path: root, source });
        }
        tree.show();
        Ok(tree)
    }

    /// Finds out which files have changed, and delivers them. Fails if the root is gone.
    pub(super) fn look(&mut self) -> Result<()> {
        self.root.symlink_metadata().map_err(|source| Error::Folder { path: self.root.clone(), source })?;
        let Batch { paths, lost, failed } = self.inbox.empty();
        let mut result = failed.map_or(Ok(()), |error| Err(explain(error, &self.root)));
        let reload = lost || paths.keys().any(|path| Ignored::reads(path));
        for (path, seen) in paths {
            // What can be looked into is, so that a full table of watches costs no change in the others.
            result = self.look_at(&path, seen).and(result);
        }
        if reload {
            result = self.reload(lost).and(result);
        }
        self.show();
        self.inbox.deliver(std::mem::take(&mut self.changed));
        result
    }

    /// The watched folders, relative to the root.
    #[cfg(test)]
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let folders: BTreeSet<_> =
            self.folders.iter().filter_map(|path| path.strip_prefix(&self.root).ok()).collect();
        folders.into_iter().map(Path::to_owned).collect()
    }

    fn look_at(&mut self, path: &Path, seen: Seen) -> Result<()> {
        let now = path.symlink_metadata().ok();
        if now.as_ref().is_some_and(Metadata::is_dir) {
            if seen.placed && !self.ignored.leaves_out(path, true) {
                return self.enter(path, true);
            }
            return Ok(());
        }
        let gone = now.is_none();
        if self.folders.contains(path) {
            self.leave(path);
            if gone && seen.moved_away && !self.ignored.leaves_out(path, true) {
                // What was in it cannot be told any more, so globs do not matter.
                self.change(path);
            }
        }
        // Made and gone again since the last look: nobody has missed it. Systems that tell of the past of a
        // file with each event cannot be asked this.
        let passing = gone && (seen.folder || (seen.made && cfg!(target_os = "linux")));
        // Of what is gone nobody knows whether it was a folder, which some rules are about.
        let ignored = gone && self.ignored.leaves_out(path, true);
        if !passing && !ignored {
            self.consider(path);
        }
        Ok(())
    }

    /// Watches a folder and those in it. With `count`, the files in it count as changed.
    fn enter(&mut self, folder: &Path, count: bool) -> Result<()> {
        let mut waiting = vec![folder.to_owned()];
        while let Some(folder) = waiting.pop() {
            // First watched, then listed: what is made in between is found twice rather than never.
            if ONE_BY_ONE {
                match self.system.watch(&folder, RecursiveMode::NonRecursive) {
                    Ok(()) => {}
                    Err(error) if is_gone(&error) && folder != self.root => continue,
                    Err(error) => return Err(explain(error, &folder)),
                }
            }
            self.ignored.enter(&folder);
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(source) if folder == self.root => return Err(Error::Folder { path: folder, source }),
                Err(_) => continue,
            };
            self.folders.insert(folder);
            for entry in entries.flatten() {
                let path = entry.path();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && !self.ignored.leaves_out(&path, true) {
                    waiting.push(path);
                } else if !is_folder && count {
                    self.consider(&path);
                }
            }
        }
        Ok(())
    }

    /// Forgets a folder and those in it.
    fn leave(&mut self, folder: &Path) {
        let system = &mut self.system;
        self.folders.retain(|path| {
            let stays = !path.starts_with(folder);
            if !stays && ONE_BY_ONE {
                // Of a folder that is gone the system has forgotten the watch by itself.
                let _ = system.unwatch(path);
            }
            stays
        });
    }

    /// Reads all rules again, and watches what they now say. With `lost` every file counts as changed.
    fn reload(&mut self, lost: bool) -> Result<()> {
        let before = std::mem::take(&mut self.folders);
        self.ignored = Ignored::above(&self.root, &self.home);
        let root = self.root.clone();
        self.enter(&root, lost)?;
        if ONE_BY_ONE {
            for folder in before.difference(&self.folders) {
                let _ = self.system.unwatch(folder);
            }
        }
        Ok(())
    }

    fn consider(&mut self, path: &Path) {
        let fits = path.strip_prefix(&self.root).is_ok_and(|path| self.globs.fit(path));
        if fits && !self.ignored.leaves_out(path, false) {
            self.change(path);
        }
    }

    fn change(&mut self, path: &Path) {
        if let Ok(path) = path.strip_prefix(&self.root) {
            self.changed.insert(path.to_owned());
        }
    }

    fn show(&self) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(self.ignored.clone());
    }
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
        }
        _ => false,
    }
}

/// A failure of the system's watch, by its remedy.
fn explain(error: notify::Error, path: &Path) -> Error {
    let too_many_open = |error: &io::Error| error.raw_os_error() == Some(24) && cfg!(target_os = "linux");
    match error.kind {
        ErrorKind::MaxFilesWatch => Error::Conflict {
            what: format!("the system's limit of watched folders was reached at `{}`", path.display()),
            hint: "raise fs.inotify.max_user_watches, or leave folders out with a .stigmerignore file",
        },
        ErrorKind::Io(error) if too_many_open(&error) => Error::Conflict {
            what: "the system's limit of watching programs was reached".to_owned(),
            hint: "raise fs.inotify.max_user_instances, or end other programs that watch files",
        },
        ErrorKind::Io(source) => Error::Folder { path: path.to_owned(), source },
        ErrorKind::PathNotFound => {
            Error::Folder { path: path.to_owned(), source: io::ErrorKind::NotFound.into() }
        }
        other => Error::Folder { path: path.to_owned(), source: io::Error::other(format!("{other:?}")) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_limits_are_told_with_the_setting_to_raise() {
        for (kind, setting) in [
            (ErrorKind::MaxFilesWatch, "fs.inotify.max_user_watches"),
            #[cfg(target_os = "linux")]
            (ErrorKind::Io(io::Error::from_raw_os_error(24)), "fs.inotify.max_user_instances"),
        ] {
            let error = explain(notify::Error::new(kind), Path::new("/w"));
            assert!(error.hint().unwrap().contains(setting), "{error}");
        }
    }
}
