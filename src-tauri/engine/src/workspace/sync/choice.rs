//! What of a workspace goes to a copy.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::gitignore::Gitignore;

use crate::error::Result;
use crate::image::context::ignored as ignored_by_docker;
use crate::workspace::ignored::Ignored;

/// The rules of a workspace, folder by folder.
pub(super) struct Rules {
    root: PathBuf,
    ignored: Ignored,
    docker: Gitignore,
    entered: HashSet<PathBuf>,
}

impl Rules {
    /// Fails with [`crate::error::Error::Pattern`] for a `.dockerignore` that cannot be understood: what it should keep
    /// here might be private.
    pub(super) fn new(root: &Path, home: &Path) -> Result<Self> {
        Ok(Self {
            ignored: Ignored::above(root, home),
            docker: ignored_by_docker(root)?,
            root: root.to_owned(),
            entered: HashSet::new(),
        })
    }

    /// Whether something that is in the copy stays there. Reads the rules on the way to it.
    pub(super) fn keeps_away(&mut self, path: &[u8]) -> bool {
        use stigmer_tree::Choice as _;
        // What is no path inside is refused by whoever takes it.
        let Some(path) = stigmer_tree::inside(path) else { return false };
        let mut folders: Vec<_> = path.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            if !self.entered.contains(folder) {
                self.enters(folder);
            }
        }
        self.leaves_out_any(&path)
    }
}

impl stigmer_tree::Choice for Rules {
    fn enters(&mut self, path: &Path) {
        self.ignored.enter(&self.root.join(path));
        self.entered.insert(path.to_owned());
    }

    fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        self.ignored.keeps_here(&self.root.join(path), is_folder)
            || self.docker.matched(path, is_folder).is_ignore()
    }
}
