//! What of a workspace goes to a copy.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::gitignore::Gitignore;
use stigmer_tree::Choice as _;

use crate::error::Result;
use crate::image::context::ignored as ignored_by_docker;
use crate::workspace::ignored::{Ignored, Keeper};

/// The rules of a workspace, folder by folder.
pub(in crate::workspace) struct Rules {
    root: PathBuf,
    ignored: Ignored,
    docker: Gitignore,
    entered: HashSet<PathBuf>,
}

impl Rules {
    /// Fails with [`crate::error::Error::Pattern`] for a `.dockerignore` that cannot be understood: what it should keep
    /// here might be private.
    pub(in crate::workspace) fn new(root: &Path, home: &Path) -> Result<Self> {
        Ok(Self {
            ignored: Ignored::above(root, home),
            docker: ignored_by_docker(root)?,
            root: root.to_owned(),
            entered: HashSet::new(),
        })
    }

    /// What keeps an entry here.
    pub(in crate::workspace) fn keeper(&self, path: &Path, is_folder: bool) -> Option<Keeper> {
        let full = self.root.join(path);
        let by_docker = || self.docker.matched(path, is_folder).is_ignore();
        let docker = || by_docker().then(|| Keeper::Rules(self.root.join(".dockerignore")));
        self.ignored.keeper(&full, is_folder).or_else(docker)
    }

    /// Whether a folder stays here, or one that it is in. Reads the rules on the way to it.
    pub(in crate::workspace) fn leaves_out_any_folder(&mut self, path: &Path) -> bool {
        self.enter_above(path);
        path.ancestors().any(|folder| !folder.as_os_str().is_empty() && self.leaves_out(folder, true))
    }

    fn enter_above(&mut self, path: &Path) {
        let mut folders: Vec<_> = path.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            if !self.entered.contains(folder) {
                self.enters(folder);
            }
        }
    }

    /// Whether something that is in the copy stays there. Reads the rules on the way to it.
    pub(super) fn keeps_away(&mut self, path: &[u8]) -> bool {
        // What is no path inside is refused by whoever takes it.
        let Some(path) = stigmer_tree::inside(path) else { return false };
        self.enter_above(&path);
        self.leaves_out_any(&path)
    }
}

impl stigmer_tree::Choice for Rules {
    fn enters(&mut self, path: &Path) {
        self.ignored.enter(&self.root.join(path));
        self.entered.insert(path.to_owned());
    }

    fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        self.keeper(path, is_folder).is_some()
    }
}
