//! The key: where it comes from, whether it works, and what it may do.

use jiff::Timestamp;
use serde::Serialize;

use crate::backend::daytona::{Account, cloud};
use crate::config::{Config, Origin};
use crate::error::{Error, Result};
use crate::secrets::{Secret, SecretName, Secrets};

/// What a key must be allowed so that everything works here.
pub const NEEDED: [&str; 4] = ["write:sandboxes", "delete:sandboxes", "write:snapshots", "delete:snapshots"];

/// Where a key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The keychain of the desktop.
    Keychain,
    /// A variable or a file, as with any setting.
    Settings(Origin),
}

/// A key, and where it comes from.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The key.
    pub key: Secret,
    /// Where it comes from.
    pub source: KeySource,
    /// Why the keychain gave none, where that is not simply because there is none.
    pub keychain: Option<String>,
}

/// What the server says of a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Access {
    /// The name that its owner gave it.
    pub name: String,
    /// The organization that it belongs to, as far as the server says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What it may change.
    pub permissions: Vec<String>,
    /// What it lacks of [`NEEDED`].
    pub lacks: Vec<&'static str>,
    /// When it stops working; `None` for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Version of the server.
    pub server: String,
}

/// The key that runs use: that of the keychain, else that of the settings. `None` where there is none at all.
///
/// Fails with [`Error::NoCloudKey`] where the keychain may have one and cannot be asked.
pub async fn find(secrets: &Secrets, config: &Config) -> Result<Option<Kept>> {
    let kept = secrets.get(&SecretName::DAYTONA_API_KEY).await;
    let keychain = match kept {
        Ok(key) => return Ok(Some(Kept { key, source: KeySource::Keychain, keychain: None })),
        Err(Error::SecretNotFound { .. }) => None,
        Err(error) => Some(error),
    };
    if let Some(key) = Account::of(config).key {
        let source = KeySource::Settings(config.origin("daytona.api_key").clone());
        return Ok(Some(Kept { key, source, keychain: keychain.map(|error| error.to_string()) }));
    }
    match keychain {
        None | Some(Error::KeychainAbsent { .. }) => Ok(None),
        Some(error) => Err(error),
    }
}

/// Asks whether an account's address is right and whether a key works there. A wrong address never sees the key.
pub async fn check(account: &Account, key: &Secret) -> Result<Access> {
    let checked = account.client_with(key)?.account().check().await.map_err(cloud)?;
    Ok(Access {
        lacks: checked.key.lacks(&NEEDED),
        name: checked.key.name,
        organization: checked.key.organization_id,
        permissions: checked.key.permissions,
        expires: checked.key.expires_at,
        server: checked.server.version,
    })
}

/// As much of a key as may be shown, so that a person knows which one it is.
pub fn masked(key: &Secret) -> String {
    /// Of shorter ones nothing is shown: too little would be left to guess.
    const LONG: usize = 24;
    let key = key.expose().trim();
    match key.char_indices().rev().nth(3) {
        Some((at, _)) if key.len() >= LONG => {
            let begin = if key.starts_with("dtn_") { "dtn_" } else { "" };
            format!("{begin}…{}", &key[at..])
        }
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_by_its_end_and_a_short_one_not_at_all() {
        let shown = |key: &str| masked(&Secret::new(key).unwrap());
        assert_eq!(shown("dtn_0123456789abcdef0123456789abcdef\n"), "dtn_…cdef");
        assert_eq!(shown("0123456789abcdef01234567äöüß"), "…äöüß");
        assert_eq!(shown("dtn_short"), "…");
        assert_eq!(shown("x"), "…");
    }
}
