//! Counts files, and remembers those that a person would want to know of.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Serialize;

use super::Upload;
use crate::size::size;

/// Files that are named because they are the largest.
const LARGEST: usize = 5;

/// Things that are named because they look as if they should not go.
const MOST_UNWANTED: usize = 20;

/// Things that are remembered on the way. The names of those beyond are lost, their bytes are not.
const REMEMBERED: usize = 10_000;

/// A folder at the top with more bytes than this is worth a word.
pub(super) const LARGE: u64 = 100_000_000;

/// Names of files that hold keys or passwords more often than not.
const SECRETS: [&str; 26] = [
    ".env",
    ".env.*",
    "*.env",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.kdbx",
    "*.jks",
    "*.keystore",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".npmrc",
    ".pypirc",
    ".netrc",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    "credentials.json",
    "client_secret*.json",
    "service-account*.json",
    "kubeconfig",
    "*.tfstate",
    "secrets.y*ml",
];

/// The same for folders, with all that is in them.
const SECRET_FOLDERS: [&str; 5] = [".ssh", ".aws", ".gnupg", ".kube", ".azure"];

/// Endings of files that show how another one looks.
const SAMPLES: [&str; 4] = ["example", "sample", "template", "dist"];

/// A file and how large it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Weighed {
    /// Bytes.
    pub bytes: u64,
    /// Relative to the workspace. Bytes that are no text are replaced.
    pub path: String,
}

/// Why something looks as if it should not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnwantedKind {
    /// It may hold keys or passwords.
    Secret,
    /// It is a repository, with everything that was ever in it.
    Repository,
    /// It is large.
    Large,
}

/// Something that looks as if it should not go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unwanted {
    /// Relative to the workspace; a file or a folder.
    pub path: String,
    /// Why.
    pub kind: UnwantedKind,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, bytes, kind, .. } = self;
        // It is shown in lines, on terminals, too.
        let path: String =
            self.path.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect();
        match kind {
            UnwantedKind::Secret if *files == 1 => write!(f, "{path}"),
            _ => {
                write!(f, "{path} ({files} {}, {})", if *files == 1 { "file" } else { "files" }, size(*bytes))
            }
        }
    }
}

/// How many files there are, and which ones stand out.
pub(crate) struct Tally {
    secrets: GlobSet,
    files: u64,
    bytes: u64,
    largest: BinaryHeap<Reverse<Weighed>>,
    unwanted: BTreeMap<(UnwantedKind, PathBuf), (u64, u64)>,
    tops: BTreeMap<PathBuf, (u64, u64)>,
}

impl Default for Tally {
    fn default() -> Self {
        let mut secrets = GlobSetBuilder::new();
        for pattern in SECRETS {
            // Ours, and tried by the tests.
            if let Ok(glob) = Glob::new(pattern) {
                secrets.add(glob);
            }
        }
        Self {
            secrets: secrets.build().unwrap_or_else(|_| GlobSet::empty()),
            files: 0,
            bytes: 0,
            largest: BinaryHeap::new(),
            unwanted: BTreeMap::new(),
            tops: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Counts a file, by its path below the workspace.
    pub(crate) fn add(&mut self, path: &Path, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.largest.len() < LARGEST || self.largest.peek().is_some_and(|least| least.0.bytes < bytes) {
            self.largest.push(Reverse(Weighed { bytes, path: path.to_string_lossy().into_owned() }));
            if self.largest.len() > LARGEST {
                self.largest.pop();
            }
        }
        if let Some(found) = self.unwanted(path) {
            count(&mut self.unwanted, found, bytes);
        } else if let (Some(top), Some(_)) = (path.iter().next(), path.iter().nth(1)) {
            count(&mut self.tops, PathBuf::from(top), bytes);
        }
    }

    /// What of a path looks as if it should not go.
    fn unwanted(&self, path: &Path) -> Option<(UnwantedKind, PathBuf)> {
        let parent = path.parent().unwrap_or(Path::new(""));
        let mut at = PathBuf::new();
        for part in parent.components() {
            at.push(part);
            let Component::Normal(name) = part else { continue };
            if SECRET_FOLDERS.iter().any(|secret| name == *secret) {
                return Some((UnwantedKind::Secret, at));
            }
            if name == ".git" {
                return Some((UnwantedKind::Repository, at));
            }
        }
        let name = Path::new(path.file_name()?);
        let is_sample = name.extension().and_then(OsStr::to_str).is_some_and(|end| SAMPLES.contains(&end));
        (!is_sample && self.secrets.is_match(name)).then(|| (UnwantedKind::Secret, path.to_owned()))
    }

    /// What was counted.
    pub(crate) fn upload(self) -> Upload {
        let large = self.tops.into_iter().filter(|(_, (_, bytes))| *bytes > LARGE);
        let large = large.map(|(path, counts)| ((UnwantedKind::Large, path), counts));
        let unwanted = self.unwanted.into_iter().chain(large).map(|((kind, path), (files, bytes))| {
            Unwanted { path: path.to_string_lossy().into_owned(), kind, files, bytes }
        });
        Upload {
            files: self.files,
            bytes: self.bytes,
            largest: self.largest.into_sorted_vec().into_iter().map(|one| one.0).collect(),
            unwanted: unwanted.take(MOST_UNWANTED).collect(),
            ..Upload::default()
        }
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, (u64, u64)>, key: K, bytes: u64) {
    if counts.len() >= REMEMBERED && !counts.contains_key(&key) {
        return;
    }
    let (files, sum) = counts.entry(key).or_default();
    *files += 1;
    *sum = sum.saturating_add(bytes);
}
