//! Registries of images: the organization's own, and the right to push to Daytona's.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::model::lenient;

/// A registry from which images of snapshots can be fetched. Its password is never told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Registry {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(deserialize_with = "lenient::nullable")]
    pub name: String,
    /// Its address.
    #[serde(deserialize_with = "lenient::nullable")]
    pub url: String,
    /// The user.
    #[serde(deserialize_with = "lenient::nullable")]
    pub username: String,
    /// The part of the registry that is used.
    #[serde(deserialize_with = "lenient::nullable")]
    pub project: String,
    /// Its kind, such as `organization`.
    #[serde(deserialize_with = "lenient::nullable")]
    pub registry_type: String,
    /// When it was entered.
    #[serde(deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
}

/// A registry to enter.
#[derive(Clone, Serialize)]
pub struct NewRegistry {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// The user.
    pub username: String,
    /// The password, or a token.
    pub password: String,
    /// The part of the registry that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl fmt::Debug for NewRegistry {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRegistry")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// The right to push an image to Daytona's registry, for an hour.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PushAccess {
    /// The user.
    pub username: String,
    /// The password.
    pub secret: String,
    /// The registry's host.
    pub registry_url: String,
    /// The registry's id.
    pub registry_id: String,
    /// The first part of the image's name, after the host.
    pub project: String,
    /// Until when it works.
    #[serde(deserialize_with = "lenient::moment")]
    pub expires_at: Option<Timestamp>,
}

impl PushAccess {
    /// The name under which an image is pushed and then named in [`NewSnapshot::image`](crate::NewSnapshot::image).
    /// The tag must not be `latest`.
    pub fn image(&self, name: &str, tag: &str) -> String {
        format!("{}/{}/{name}:{tag}", self.registry_url, self.project)
    }
}

impl fmt::Debug for PushAccess {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PushAccess");
        shown.field("registry_url", &self.registry_url).field("project", &self.project);
        shown.field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The registries of the key's organization.
#[derive(Debug, Clone)]
pub struct Registries {
    client: Client,
}

impl Registries {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All of them.
    pub async fn list(&self) -> Result<Vec<Registry>> {
        self.client.http.json(self.client.base.get(&["docker-registry"])?).await
    }

    /// Enters one. After an error for which [`Error::may_have_happened`] holds, look into the list.
    pub async fn create(&self, new: &NewRegistry) -> Result<Registry> {
        let call = self.client.base.post(&["docker-registry"])?.json(new)?;
        self.client.http.json(call).await
    }

    /// Takes one out; `false` when there is none, or none any more.
    pub async fn delete(&self, id: &str) -> Result<bool> {
        let call = self.client.base.delete(&["docker-registry", id])?.harmless();
        match self.client.http.done(call).await {
            Err(Error::NotFound(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Asks for the right to push an image to Daytona's registry, in a region or the organization's own.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] when the key may write neither snapshots nor sandboxes.
    pub async fn push_access(&self, region: Option<&str>) -> Result<PushAccess> {
        let call = self.client.base.get(&["docker-registry", "registry-push-access"])?;
        self.client.http.json(call.maybe("regionId", region)).await
    }
}
