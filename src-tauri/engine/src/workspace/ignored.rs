//! Which files and folders are left out.
//!
//! The `ignore` crate's own walk cannot be asked about a path that is already gone, so its matchers are kept
//! here, folder by folder, and used for the walk and for events alike.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Files with rules. In each kind a deeper folder wins, and an earlier kind wins over a later one.
const FILES: [&str; 3] = [".stigmerignore", ".ignore", ".gitignore"];

/// What editors make for a moment beside the file that is edited.
const DROPPINGS: [&str; 7] = ["*~", ".#*", "#*#", "*.swp", "*.swx", "4913", ".stigmer-*.tmp"];

/// What keeps something from being copied to another place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeper {
    /// A rule in this file.
    Rules(PathBuf),
    /// It is what editors make for a moment.
    Dropping,
    /// It is the home of Stigmer.
    Home,
}

/// The rules below a root. Paths are absolute.
#[derive(Debug, Clone)]
pub(super) struct Ignored {
    root: PathBuf,
    home: PathBuf,
    always: Arc<Gitignore>,
    folders: HashMap<PathBuf, [Option<Arc<Gitignore>>; FILES.len()]>,
}

impl Ignored {
    /// The rules that hold in `root` from outside. Those below are added folder by folder, with [`Self::enter`].
    pub(super) fn above(root: &Path, home: &Path) -> Self {
        let mut always = GitignoreBuilder::new(root);
        for dropping in DROPPINGS {
            let _ = always.add_line(None, dropping);
        }
        let mut ignored = Self {
            root: root.to_owned(),
            home: home.to_owned(),
            always: Arc::new(always.build().unwrap_or_else(|_| Gitignore::empty())),
            folders: HashMap::new(),
        };
        let repository = root.ancestors().find(|folder| folder.join(".git").exists());
        for folder in root.ancestors().skip(1).take_while(|f| repository.is_some_and(|r| f.starts_with(r))) {
            ignored.enter(folder);
        }
        ignored
    }

    /// Reads the rules in a folder.
    pub(super) fn enter(&mut self, folder: &Path) {
        let rules = FILES.map(|name| {
            let file = folder.join(name);
            if !file.is_file() {
                return None;
            }
            let (rules, error) = Gitignore::new(&file);
            if let Some(error) = error {
                tracing::warn!(%error, "some rules of an ignore file are not understood");
            }
            (!rules.is_empty()).then(|| Arc::new(rules))
        });
        if rules.iter().any(Option::is_some) {
            self.folders.insert(folder.to_owned(), rules);
        } else {
            self.folders.remove(folder);
        }
    }

    /// Whether the rules are in this file.
    pub(super) fn reads(path: &Path) -> bool {
        path.file_name().and_then(OsStr::to_str).is_some_and(|name| FILES.contains(&name))
    }

    /// Whether a path, or a folder that it is in, is left out.
    pub(super) fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        let inside = path.ancestors().take_while(|path| path.starts_with(&self.root) && *path != self.root);
        inside.enumerate().any(|(depth, path)| self.names(path, is_folder || depth > 0))
    }

    /// Whether a rule names this path itself.
    fn names(&self, path: &Path, is_folder: bool) -> bool {
        path.file_name() == Some(OsStr::new(".git")) || self.keeps_here(path, is_folder)
    }

    /// The same for what is copied to another place, where a repository is of use.
    pub(super) fn keeps_here(&self, path: &Path, is_folder: bool) -> bool {
        self.keeper(path, is_folder).is_some()
    }

    /// What keeps a path from being copied to another place.
    pub(super) fn keeper(&self, path: &Path, is_folder: bool) -> Option<Keeper> {
        if path == self.home {
            return Some(Keeper::Home);
        }
        if self.always.matched(path, is_folder).is_ignore() {
            return Some(Keeper::Dropping);
        }
        for kind in 0..FILES.len() {
            for folder in path.ancestors().skip(1) {
                let rules = self.folders.get(folder).and_then(|rules| rules[kind].as_ref());
                let Some(rules) = rules else { continue };
                match rules.matched(path, is_folder) {
                    Match::None => {}
                    Match::Ignore(_) => return Some(Keeper::Rules(folder.join(FILES[kind]))),
                    Match::Whitelist(_) => return None,
                }
            }
        }
        None
    }
}

/// Everything outside of `root` that rules in it may depend on, whether it is there or not.
pub(super) fn above(root: &Path) -> Vec<PathBuf> {
    let names = FILES.into_iter().chain([".git"]);
    root.ancestors().skip(1).flat_map(|folder| names.clone().map(|name| folder.join(name))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn rules_are_those_of_git_and_ours_win() {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir(top.path().join(".git")).unwrap();
        for (file, rules) in [
            (".gitignore", "*.above\n"),
            ("root/.gitignore", "build/\n*.log\n/only-here\n"),
            ("root/sub/.gitignore", "!kept.log\n"),
            ("root/.stigmerignore", "!ours.log\ndata\n"),
        ] {
            fs::write(top.path().join(file), rules).unwrap();
        }
        let mut ignored = Ignored::above(&root, &root.join("home"));
        ignored.enter(&root);
        ignored.enter(&root.join("sub"));
        let out = |path: &str, is_folder| ignored.leaves_out(&root.join(path), is_folder);
        for path in [
            "x.above",
            "sub/x.above",
            "a.log",
            "sub/a.log",
            "only-here",
            "build/x",
            "sub/build/x/y",
            "data",
            "sub/data/x",
            ".git/HEAD",
            "sub/.git",
            "a~",
            ".#a",
            "a.swp",
            "4913",
            "home/config.yaml",
        ] {
            assert!(out(path, false), "{path}");
        }
        for path in
            ["a.py", ".env", "ours.log", "sub/kept.log", "sub/only-here", "build", ".gitignore", "homes"]
        {
            assert!(!out(path, false), "{path}");
        }
        assert!(out("build", true));
    }

    #[test]
    fn rules_above_a_root_that_is_in_no_repository_do_not_hold() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join(".gitignore"), "*").unwrap();
        fs::create_dir(top.path().join("root")).unwrap();
        let root = top.path().join("root");
        assert!(!Ignored::above(&root, Path::new("/nowhere")).leaves_out(&root.join("a"), false));
    }
}
