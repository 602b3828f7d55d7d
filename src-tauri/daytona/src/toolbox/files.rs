//! Files of a sandbox. Nothing is held in memory as a whole, in neither direction.
//!
//! Paths are absolute, or relative to the sandbox's working directory; `~` is a name like any other.

mod download;
mod multipart;
mod upload;

use jiff::Timestamp;
use serde::Deserialize;

pub use self::download::{Download, Downloads, Part};
pub use self::upload::Upload;
use super::Toolbox;
use crate::error::{Error, Result};
use crate::http::Call;
use crate::model::lenient;

/// A file or folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileInfo {
    /// Its name, without folder.
    pub name: String,
    /// Where it is; only said by sandboxes since autumn 2026.
    pub path: Option<String>,
    /// Its length in bytes.
    pub size: u64,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Its kind and permissions, as `-rw-r--r--`.
    #[serde(deserialize_with = "lenient::nullable")]
    pub mode: String,
    /// Its permissions in octal, as `0644`.
    #[serde(deserialize_with = "lenient::nullable")]
    pub permissions: String,
    /// The number of its user.
    #[serde(deserialize_with = "lenient::nullable")]
    pub owner: String,
    /// The number of its group.
    #[serde(deserialize_with = "lenient::nullable")]
    pub group: String,
    /// When it was changed.
    #[serde(deserialize_with = "lenient::moment")]
    pub modified_at: Option<Timestamp>,
}

/// What to change of a file's permissions; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// In octal, as `0644`.
    pub mode: Option<String>,
    /// The user, by name or number.
    pub owner: Option<String>,
    /// The group, by name or number.
    pub group: Option<String>,
}

/// The files of one sandbox.
#[derive(Debug, Clone)]
pub struct Files {
    toolbox: Toolbox,
}

impl Files {
    pub(super) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// What is in a folder.
    pub async fn list(&self, path: &str) -> Result<Vec<FileInfo>> {
        self.toolbox.http.json(self.toolbox.get(&["files"])?.query("path", path)).await
    }

    /// A file or folder.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn info(&self, path: &str) -> Result<FileInfo> {
        self.toolbox.http.json(self.toolbox.get(&["files", "info"])?.query("path", path)).await
    }

    /// Makes a folder, with all that lead to it; `mode` in octal, as `0755`. One that is there stays.
    pub async fn create_folder(&self, path: &str, mode: &str) -> Result<()> {
        let call = self.toolbox.post(&["files", "folder"])?.harmless();
        self.done(call.query("path", path).query("mode", mode)).await
    }

    /// Moves a file or folder. It is not repeated: when no answer comes, look where it is.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when there is something at the destination.
    pub async fn rename(&self, source: &str, destination: &str) -> Result<()> {
        let call = self.toolbox.post(&["files", "move"])?;
        self.done(call.query("source", source).query("destination", destination)).await
    }

    /// Deletes a file, or with `recursive` a folder and all that is in it; `false` when there is none, or none any more.
    pub async fn delete(&self, path: &str, recursive: bool) -> Result<bool> {
        let call = self.toolbox.delete(&["files"])?.harmless().query("path", path);
        match self.done(call.maybe("recursive", recursive.then_some(true))).await {
            Err(Error::NotFound(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Changes permissions.
    pub async fn set_permissions(&self, path: &str, to: &Permissions) -> Result<()> {
        let call = self.toolbox.post(&["files", "permissions"])?.harmless().query("path", path);
        let call = call.maybe("mode", to.mode.as_ref()).maybe("owner", to.owner.as_ref());
        self.done(call.maybe("group", to.group.as_ref())).await
    }

    async fn done(&self, call: Call) -> Result<()> {
        self.toolbox.http.done(call).await
    }
}
