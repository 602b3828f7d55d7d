//! The door to everything: one client for one key at one address.

use std::fmt;

use crate::account::Account;
use crate::analytics::Analytics;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::http::{Base, Http, shown};
use crate::registry::Registries;
use crate::sandbox::{Sandbox, Sandboxes};
use crate::snapshot::Snapshots;
use crate::storage::Contexts;
use crate::toolbox::Toolbox;
use crate::volume::Volumes;

/// A connection pool with a key. Clones are cheap and share it; every part of the API has a handle of its own.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: Http,
    pub(crate) base: Base,
}

impl Client {
    /// Makes a client. Nothing is sent yet; [`Account::check`] tells whether address and key are good.
    ///
    /// # Errors
    ///
    /// [`Error::WrongAddress`] for an address that cannot be right, [`Error::Misuse`] for an empty key.
    pub fn new(config: &Config) -> Result<Self> {
        let base = config.base()?;
        if config.key.is_empty() {
            return Err(Error::misuse("there is no key"));
        }
        Ok(Self { http: Http::new(config, &base)?, base: Base::new(base) })
    }

    /// The error of a path that every server of this API has. One that does not know it speaks another API.
    pub(crate) fn unless_unknown(&self, error: Error) -> Error {
        let words = error.answer().map(|answer| answer.message.to_lowercase()).unwrap_or_default();
        let is_unknown = words.contains("route not found") || words.starts_with("cannot ");
        match error {
            Error::NotFound(answer) if is_unknown => Error::WrongAddress {
                url: shown(self.base.url()),
                why: format!("{answer}; this is not the v0 API, or not all of its address"),
            },
            error => error,
        }
    }

    /// The server, the key, the regions.
    pub fn account(&self) -> Account {
        Account::new(self.clone())
    }

    /// Sandboxes: their lives.
    pub fn sandboxes(&self) -> Sandboxes {
        Sandboxes::new(self.clone())
    }

    /// What happens inside of one sandbox. It need not be started yet.
    ///
    /// # Errors
    ///
    /// [`Error::WrongAddress`] when the sandbox's object does not say where that is, as those of old servers
    /// ([`Sandboxes::toolbox`] asks them), or names a place where the key is not sent.
    pub fn toolbox(&self, sandbox: &Sandbox) -> Result<Toolbox> {
        Toolbox::at(self.http.clone(), &sandbox.toolbox_proxy_url, &sandbox.id)
    }

    /// Snapshots: what sandboxes are made from.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::new(self.clone())
    }

    /// Files that builds copy.
    pub fn contexts(&self) -> Contexts {
        Contexts::new(self.clone())
    }

    /// Registries of images, and the right to push to Daytona's own.
    pub fn registries(&self) -> Registries {
        Registries::new(self.clone())
    }

    /// Volumes: storage that sandboxes share.
    pub fn volumes(&self) -> Volumes {
        Volumes::new(self.clone())
    }

    /// What was used and what it cost.
    ///
    /// # Errors
    ///
    /// [`Error::WrongAddress`] for a server without analytics, as self-hosted ones are; and those of
    /// [`Account::server`].
    pub async fn analytics(&self) -> Result<Analytics> {
        Analytics::find(self).await
    }
}

impl fmt::Debug for Client {
    /// The address alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("api_url", &self.base.url().as_str()).finish_non_exhaustive()
    }
}
