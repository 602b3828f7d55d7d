//! A folder that exists in two places.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use stigmer_tree::{Change, Everything, Received, Side, State, changes, open, receive, send};

/// One of the two places.
pub(crate) struct Place {
    _top: tempfile::TempDir,
    pub(crate) root: PathBuf,
    pub(crate) state: State,
}

impl Place {
    pub(crate) fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        fs::create_dir(&root).unwrap();
        Self { root, _top: top, state: State::default() }
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let survey = changes(&open(&self.root).unwrap(), &mut self.state, &mut Everything).unwrap();
        assert_eq!(survey.problems, [], "all of it can be read");
        survey.changes
    }

    pub(crate) fn changed(&mut self) -> Vec<String> {
        self.changes().iter().map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect()
    }

    /// Everything in it: what a path is, with permissions.
    pub(crate) fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut waiting = vec![self.root.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                let about = path.symlink_metadata().unwrap();
                let mode = about.permissions().mode() & 0o777;
                let is = if about.is_dir() {
                    waiting.push(path.clone());
                    format!("folder {mode:o}")
                } else if about.is_symlink() {
                    format!("link {}", fs::read_link(&path).unwrap().display())
                } else {
                    format!("file {mode:o} {}", String::from_utf8_lossy(&fs::read(&path).unwrap()))
                };
                tree.insert(path.strip_prefix(&self.root).unwrap().display().to_string(), is);
            }
        }
        tree
    }
}

/// Brings what changed in one place to the other.
pub(crate) fn bring(from: &mut Place, to: &mut Place, side: Side) -> Received {
    let paths: Vec<_> = from.changes().into_iter().map(|change| change.path).collect();
    let mut stream = Vec::new();
    let (sent, problems) = send(&open(&from.root).unwrap(), &paths, &mut stream).unwrap();
    assert_eq!(problems, []);
    let received = receive(&open(&to.root).unwrap(), &mut stream.as_slice(), &mut to.state, side).unwrap();
    for change in sent {
        from.state.agree(change);
    }
    received
}

pub(crate) fn there(home: &mut Place, away: &mut Place) -> Received {
    bring(home, away, Side::Away)
}

pub(crate) fn back(home: &mut Place, away: &mut Place) -> Received {
    bring(away, home, Side::Home)
}
