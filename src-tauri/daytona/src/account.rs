//! The server as it describes itself, the key, and the regions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::model::{lenient, open_enum};

/// What the server says of itself, to anybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Server {
    /// Version of the server.
    pub version: String,
    /// Where sandboxes are reached, without the sandbox.
    pub proxy_toolbox_url: Option<String>,
    /// Pattern of the addresses at which ports of sandboxes are reached.
    pub proxy_template_url: Option<String>,
    /// The snapshot of a sandbox that names none.
    pub default_snapshot: Option<String>,
    /// Where people manage their account.
    pub dashboard_url: Option<String>,
    /// The longest time that a stopped sandbox can wait for its archiving, in minutes.
    #[serde(deserialize_with = "lenient::whole")]
    pub max_auto_archive_interval: Option<i64>,
    /// Whether the server is being maintained. The server's own spelling is `maintananceMode`.
    #[serde(rename = "maintananceMode", deserialize_with = "lenient::nullable")]
    pub maintenance_mode: bool,
    /// Where usage is asked for; self-hosted servers have none.
    pub analytics_api_url: Option<String>,
    /// Host of the SSH gateway.
    pub ssh_gateway_host: Option<String>,
    /// How often may be asked, by class of call, such as `sandboxCreate`.
    #[serde(deserialize_with = "lenient::nullable")]
    pub rate_limit: BTreeMap<String, Option<RateLimit>>,
}

/// How often a class of calls may be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RateLimit {
    /// Length of the window in seconds.
    #[serde(deserialize_with = "lenient::number")]
    pub ttl: Option<f64>,
    /// Calls within it.
    #[serde(deserialize_with = "lenient::number")]
    pub limit: Option<f64>,
}

/// The key that asks, as the server knows it. Its value is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyInfo {
    /// The name that its owner gave it.
    #[serde(deserialize_with = "lenient::nullable")]
    pub name: String,
    /// What it may change, such as `write:sandboxes`. Reading sandboxes and snapshots needs no permission.
    #[serde(deserialize_with = "lenient::nullable")]
    pub permissions: Vec<String>,
    /// Its organization; older servers do not say it.
    pub organization_id: Option<String>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
    /// When it was used before.
    #[serde(deserialize_with = "lenient::moment")]
    pub last_used_at: Option<Timestamp>,
    /// When it stops working; `None` for never.
    #[serde(deserialize_with = "lenient::moment")]
    pub expires_at: Option<Timestamp>,
}

impl KeyInfo {
    /// Which of `needed` the key lacks.
    pub fn lacks<'a>(&self, needed: &[&'a str]) -> Vec<&'a str> {
        let has = |permission: &&str| self.permissions.iter().any(|own| own == permission);
        needed.iter().filter(|permission| !has(permission)).copied().collect()
    }
}

/// A server and a key that fit together.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The server.
    pub server: Server,
    /// The key.
    pub key: KeyInfo,
}

open_enum! {
    /// Whose a region is.
    pub enum RegionType {
        /// Everybody's.
        Shared = "shared",
        /// Daytona's, for one organization.
        Dedicated = "dedicated",
        /// The organization's own machines.
        Custom = "custom",
    }
}

/// A place where sandboxes can be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Region {
    /// Its id, which is what creating takes; such as `us`.
    pub id: String,
    /// Its name.
    #[serde(deserialize_with = "lenient::nullable")]
    pub name: String,
    /// Whose it is.
    pub region_type: RegionType,
    /// The organization, unless it is shared.
    pub organization_id: Option<String>,
    /// Where its sandboxes are reached.
    pub proxy_url: Option<String>,
    /// Where its SSH gateway is.
    pub ssh_gateway_url: Option<String>,
}

/// What concerns the account as a whole.
#[derive(Debug, Clone)]
pub struct Account {
    client: Client,
}

impl Account {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Asks the server about itself, without the key.
    ///
    /// # Errors
    ///
    /// [`Error::WrongAddress`] when something else answers there.
    pub async fn server(&self) -> Result<Server> {
        let call = self.client.base.get(&["config"])?.anonymous();
        let server: Server = match self.client.http.json(call).await {
            // Every server of this API has this route, whatever the key.
            Err(Error::NotFound(answer)) => return Err(self.stranger(&answer.message)),
            Err(Error::Unexpected { why, .. }) => return Err(self.stranger(&why)),
            other => other?,
        };
        // Something that answers everything with some JSON has none of these.
        if server.version.is_empty() && server.proxy_toolbox_url.is_none() && server.dashboard_url.is_none() {
            return Err(self.stranger("it does not describe itself"));
        }
        Ok(server)
    }

    fn stranger(&self, found: &str) -> Error {
        let why = format!("no Daytona API of the v0 kind answers there ({found})");
        Error::WrongAddress { url: crate::http::shown(self.client.base.url()), why }
    }

    /// Asks about the key.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`] when it is not accepted.
    pub async fn key(&self) -> Result<KeyInfo> {
        self.client.http.json(self.client.base.get(&["api-keys", "current"])?).await
    }

    /// Looks at the address first and at the key then, so that a wrong address never sees the key. The way to test a
    /// connection.
    pub async fn check(&self) -> Result<Checked> {
        Ok(Checked { server: self.server().await?, key: self.key().await? })
    }

    /// The regions that the organization can use.
    pub async fn regions(&self) -> Result<Vec<Region>> {
        self.client.http.json(self.client.base.get(&["regions"])?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_which_permissions_it_lacks() {
        let key: KeyInfo = serde_json::from_str(
            r#"{"name":"k","value":"dtn_****","permissions":["write:sandboxes"],"lastUsedAt":null}"#,
        )
        .unwrap();
        assert_eq!(key.lacks(&["write:sandboxes", "write:snapshots"]), ["write:snapshots"]);
    }

    #[test]
    fn limits_of_unknown_classes_are_read() {
        let server: Server = serde_json::from_str(
            r#"{"version":"v0.226.1","rateLimit":{"sandboxCreate":{"ttl":60,"limit":300},"new":null}}"#,
        )
        .unwrap();
        assert_eq!(server.rate_limit["sandboxCreate"].unwrap().limit, Some(300.0));
    }
}
