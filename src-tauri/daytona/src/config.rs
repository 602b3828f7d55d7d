//! Where the API is, who asks, and how patiently.

use std::time::Duration;

use reqwest::Url;

use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::retry::Retry;

/// The address of the API in Daytona's cloud.
pub const CLOUD: &str = "https://app.daytona.io/api";

/// The version of Daytona's own clients that this crate behaves like. Sandboxes decide by it what they send: below
/// 0.167.0 output and errors of a command cannot be told apart.
pub const SDK_VERSION: &str = "0.226.1";

/// What a [`Client`](crate::Client) needs to know. Change single fields with struct update syntax.
#[derive(Debug, Clone)]
pub struct Config {
    /// Base address of the API with its prefix, normally ending in `/api`.
    pub api_url: String,
    /// The key. It is sent to this address, to what this address names as the place of a sandbox, and nowhere else.
    pub key: ApiKey,
    /// The organization, only for a JWT: an API key belongs to one.
    pub organization: Option<String>,
    /// Who asks, as Daytona shows it in its statistics.
    pub source: String,
    /// How calls are repeated.
    pub retry: Retry,
    /// Time limits.
    pub limits: Limits,
}

/// Time limits of single attempts; waiting for a state has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To a connection, with its encryption.
    pub connect: Duration,
    /// A call that the server answers at once.
    pub call: Duration,
    /// A call that the server holds until something has happened: creating and starting (up to 30 s).
    pub held: Duration,
    /// A transfer without any progress.
    pub stall: Duration,
    /// A WebSocket without a sign of life. It is pinged three times as often.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            call: Duration::from_secs(30),
            held: Duration::from_mins(1),
            stall: Duration::from_mins(1),
            silence: Duration::from_mins(1),
        }
    }
}

impl Config {
    /// For the cloud, with everything else as it comes.
    pub fn new(key: impl Into<ApiKey>) -> Self {
        Self {
            api_url: CLOUD.to_owned(),
            key: key.into(),
            organization: None,
            source: "rust".to_owned(),
            retry: Retry::default(),
            limits: Limits::default(),
        }
    }

    /// The same for the API at another address.
    #[must_use]
    pub fn at(self, api_url: impl Into<String>) -> Self {
        Self { api_url: api_url.into(), ..self }
    }

    /// The address, looked at: a wrong one is told before the key goes there.
    pub(crate) fn base(&self) -> Result<Url> {
        let text = self.api_url.trim().trim_end_matches('/');
        let wrong = |why: &str| Error::WrongAddress { url: text.to_owned(), why: why.to_owned() };
        let url = Url::parse(text).map_err(|why| wrong(&why.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            // Not repeated: it has a password in it.
            return Err(Error::WrongAddress {
                url: url.host_str().unwrap_or_default().to_owned(),
                why: "user and password in an address are not supported".to_owned(),
            });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it must end with the path"));
        }
        if is_second_generation(url.host_str().unwrap_or_default()) {
            return Err(wrong(
                "this is the host of Daytona's v2 API, which is another product; the v0 API is at https://app.daytona.io/api",
            ));
        }
        Ok(url)
    }
}

/// Hosts of the v2 API: `api.daytona.com`, and `api.<cell>.daytona.com` such as the one for macOS.
fn is_second_generation(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(".daytona.com").is_some_and(|cell| cell == "api" || cell.starts_with("api."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(address: &str) -> Result<Url> {
        Config::new("dtn_x").at(address).base()
    }

    #[test]
    fn an_address_is_taken_with_and_without_its_last_slash() {
        assert_eq!(base("https://app.daytona.io/api/").unwrap().as_str(), "https://app.daytona.io/api");
        assert_eq!(base(" http://localhost:3000/api ").unwrap().as_str(), "http://localhost:3000/api");
    }

    #[test]
    fn an_address_that_cannot_be_right_is_refused() {
        for address in ["", "app.daytona.io/api", "ftp://x/api", "https://x/api?y=1", "https://x/api#y"] {
            assert!(matches!(base(address), Err(Error::WrongAddress { .. })), "{address}");
        }
    }

    #[test]
    fn the_hosts_of_the_second_generation_are_refused_by_name() {
        for host in ["api.daytona.com", "api.us-macos.daytona.com", "API.daytona.com"] {
            let error = base(&format!("https://{host}")).unwrap_err();
            assert!(error.to_string().contains("v2"), "{host}: {error}");
        }
        assert!(base("https://api.daytona.company/api").is_ok());
        assert!(base("https://daytona.example.com/api").is_ok());
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let error = base("https://user:hunter2@x/api").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn the_key_is_not_in_what_is_printed_of_a_configuration() {
        assert!(!format!("{:?}", Config::new("dtn_secret")).contains("secret"));
    }
}
