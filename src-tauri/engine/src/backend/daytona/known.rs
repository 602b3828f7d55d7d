//! What was found out about the sandbox of a workspace, so that the next run asks less before it starts.
//!
//! All of it is a hint: the sandbox itself is asked how it is unless a conversation with it stands, and a runner that is not
//! where it was is sent again.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Daytona;
use crate::error::{Error, Result};
use crate::os;

/// What is remembered of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub api_url: Option<String>,
    pub sandbox: String,
    /// Its user's home folder.
    pub home: String,
    /// The runner that is there.
    pub runner: Runner,
}

/// A version of the runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Runner {
    /// Names it.
    pub digest: String,
    path: PathBuf,
    /// Its number, length and time, by which it is known again without reading it.
    stamp: (u64, u64, i64, i64),
}

impl Runner {
    /// The version of a program here: `known` if that is still it.
    pub(super) fn of(path: &Path, known: Option<&Self>) -> Result<Self> {
        let unreadable = |source| Error::File { path: path.to_owned(), source };
        let about = path.metadata().map_err(unreadable)?;
        let stamp = (about.ino(), about.len(), about.mtime(), about.mtime_nsec());
        if let Some(known) = known.filter(|known| known.path == path && known.stamp == stamp) {
            return Ok(known.clone());
        }
        let content = std::fs::read(path).map_err(unreadable)?;
        let digest = crate::backend::hex(&Sha256::digest(content)[..8]);
        Ok(Self { digest, path: path.to_owned(), stamp })
    }
}

impl Daytona {
    /// What is known of the sandbox with these labels.
    pub(super) fn known(&self, labels: &BTreeMap<String, String>, api_url: Option<&str>) -> Option<Known> {
        let text = std::fs::read(self.known_file(labels)).ok()?;
        let known: Known = serde_json::from_slice(&text).ok()?;
        (known.api_url.as_deref() == api_url).then_some(known)
    }

    /// Remembers it for the next run.
    pub(super) fn remember(&self, labels: &BTreeMap<String, String>, known: &Known) {
        let file = self.known_file(labels);
        let part = file.with_extension(format!("{}.part", std::process::id()));
        let write = || {
            os::create_private_dir(&self.0.folder)?;
            std::fs::write(&part, serde_json::to_vec(known)?)?;
            std::fs::rename(&part, &file)
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "what is known of a cloud sandbox was not written down");
        }
    }

    fn known_file(&self, labels: &BTreeMap<String, String>) -> PathBuf {
        self.0.folder.join(format!("known-{}.json", names(labels)))
    }
}

/// Labels as a part of a file's name.
pub(super) fn names(labels: &BTreeMap<String, String>) -> String {
    labels.values().map(String::as_str).collect::<Vec<_>>().join("-")
}
