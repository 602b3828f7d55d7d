//! Whom Daytona is asked as: the key, and the client that has it.

use stigmer_daytona::{Client, Config as ClientConfig, Limits};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::secrets::{Secret, SecretName, Secrets};

/// Who asks, as Daytona shows it.
const SOURCE: &str = "stigmer-desktop";

/// Where the API is and whose it is.
#[derive(Clone)]
pub struct Account {
    /// The address; `None` for the cloud.
    pub api_url: Option<String>,
    /// The organization, only for keys that belong to a person.
    pub organization: Option<String>,
    /// The region of what is made, unless another is named; the organization's where there is none.
    pub target: Option<String>,
    /// The key of the environment or of the user's file: for where the keychain has none.
    pub key: Option<Secret>,
}

impl Account {
    /// What the settings say.
    pub fn of(config: &Config) -> Self {
        let text = |name| config.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            api_url: text("daytona.api_url"),
            organization: text("daytona.organization_id"),
            target: text("daytona.target"),
            key: config.secret("daytona.api_key").and_then(|key| Secret::new(key.expose()).ok()),
        }
    }

    /// A client with the key of the keychain, else with that of the settings.
    pub(crate) async fn client(&self, secrets: &Secrets, limits: Limits) -> Result<Client> {
        self.client_within(&self.key(secrets).await?, limits)
    }

    /// The key of the keychain, else that of the settings.
    pub(super) async fn key(&self, secrets: &Secrets) -> Result<Secret> {
        match (secrets.get(&SecretName::DAYTONA_API_KEY).await, &self.key) {
            (Ok(key), _) => Ok(key),
            (Err(_), Some(key)) => Ok(key.clone()),
            (Err(Error::SecretNotFound { .. }), None) => Err(Error::NoCloudKey { why: None }),
            (Err(error), None) => Err(Error::NoCloudKey { why: Some(error.to_string()) }),
        }
    }

    /// A client with this key.
    pub fn client_with(&self, key: &Secret) -> Result<Client> {
        self.client_within(key, Limits::default())
    }

    pub(super) fn client_within(&self, key: &Secret, limits: Limits) -> Result<Client> {
        let mut config = ClientConfig::new(key.expose());
        SOURCE.clone_into(&mut config.source);
        config.limits = limits;
        config.organization.clone_from(&self.organization);
        if let Some(url) = &self.api_url {
            config = config.at(url);
        }
        Client::new(&config).map_err(cloud)
    }
}

impl std::fmt::Debug for Account {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

/// A failure of Daytona as one of ours.
pub(crate) fn cloud(error: stigmer_daytona::Error) -> Error {
    Error::Cloud(Box::new(error))
}
