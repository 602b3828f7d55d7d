//! Volumes: storage that outlives sandboxes and can be shared by them. They are slow, and have no locks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::model::{lenient, open_enum};

open_enum! {
    /// Where a volume is in its life.
    pub enum VolumeState {
        /// It will be made.
        PendingCreate = "pending_create",
        /// It is being made.
        Creating = "creating",
        /// It can be used.
        Ready = "ready",
        /// It will be deleted.
        PendingDelete = "pending_delete",
        /// It is being deleted.
        Deleting = "deleting",
        /// It is gone.
        Deleted = "deleted",
        /// It failed.
        Error = "error",
    }
}

/// A volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(deserialize_with = "lenient::nullable")]
    pub name: String,
    /// Where it is in its life.
    #[serde(deserialize_with = "lenient::nullable")]
    pub state: VolumeState,
    /// Why it failed.
    pub error_reason: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
    /// When it was used last.
    #[serde(deserialize_with = "lenient::moment")]
    pub last_used_at: Option<Timestamp>,
}

/// The volumes of the key's organization.
#[derive(Debug, Clone)]
pub struct Volumes {
    client: Client,
}

impl Volumes {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All of them.
    pub async fn list(&self) -> Result<Vec<Volume>> {
        self.client.http.json(self.client.base.get(&["volumes"])?).await
    }

    /// One, by its id.
    pub async fn get(&self, id: &str) -> Result<Volume> {
        self.client.http.json(self.client.base.get(&["volumes", id])?).await
    }

    /// One, by its name.
    pub async fn by_name(&self, name: &str) -> Result<Volume> {
        self.client.http.json(self.client.base.get(&["volumes", "by-name", name])?).await
    }

    /// Makes one. When no answer comes, it is looked for by its name.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken.
    pub async fn create(&self, name: &str) -> Result<Volume> {
        let body = serde_json::json!({ "name": name });
        let call = self.client.base.post(&["volumes"])?.json(&body)?;
        match self.client.http.json(call).await {
            Err(error) if error.may_have_happened() => self.by_name(name).await.map_err(|_| error),
            other => other,
        }
    }

    /// Deletes one, by its id; `false` when there is none, or none any more.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] while a sandbox uses it.
    pub async fn delete(&self, id: &str) -> Result<bool> {
        let call = self.client.base.delete(&["volumes", id])?.harmless();
        match self.client.http.done(call).await {
            Err(Error::NotFound(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }
}
