//! Where the key may go.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;

use super::shown;
use crate::error::{Error, Result};

/// Origins (scheme, host, port) that may see the key.
pub(crate) struct Trust {
    encrypted: bool,
    origins: Mutex<BTreeSet<String>>,
}

impl Trust {
    /// The API's own origin alone.
    pub(super) fn new(base: &Url) -> Self {
        let origins = Mutex::new(BTreeSet::from([base.origin().ascii_serialization()]));
        Self { encrypted: base.scheme() == "https", origins }
    }

    /// Adds a place that the API itself named, and gives it back as an address.
    ///
    /// # Errors
    ///
    /// [`Error::WrongAddress`] for what is no address of the web, and for a plain one when the API is encrypted: the
    /// key would travel in the clear.
    pub(crate) fn learn(&self, named: &str) -> Result<Url> {
        let url = self.named(named)?;
        self.lock().insert(url.origin().ascii_serialization());
        Ok(url)
    }

    /// A place that the API named, as an address, without sending the key there. Fails like [`Trust::learn`].
    pub(crate) fn named(&self, named: &str) -> Result<Url> {
        let wrong = |url: String, why: &str| Error::WrongAddress { url, why: why.to_owned() };
        let url = Url::parse(named.trim().trim_end_matches('/'))
            .map_err(|_| wrong("an address that the API named".to_owned(), "it is none"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong(shown(&url), "it is none of the web"));
        }
        if self.encrypted && url.scheme() != "https" {
            return Err(wrong(
                shown(&url),
                "it is not encrypted and the API is, so nothing secret is sent there",
            ));
        }
        Ok(url)
    }

    /// Whether the key may go there.
    pub(crate) fn covers(&self, url: &Url) -> bool {
        self.lock().contains(&url.origin().ascii_serialization())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_api_and_what_it_named_may_see_the_key() {
        let trust = Trust::new(&url("https://app.daytona.io/api"));
        assert!(trust.covers(&url("https://app.daytona.io/other")));
        let toolbox = url("https://proxy.app.daytona.io/toolbox/x");
        assert!(!trust.covers(&toolbox));
        trust.learn("https://proxy.app.daytona.io/toolbox/").unwrap();
        assert!(trust.covers(&toolbox));
        assert!(!trust.covers(&url("http://proxy.app.daytona.io/toolbox/x")));
        assert!(!trust.covers(&url("https://proxy.app.daytona.io:444/toolbox/x")));
    }

    #[test]
    fn an_encrypted_api_cannot_name_a_plain_place() {
        let trust = Trust::new(&url("https://app.daytona.io/api"));
        assert!(trust.learn("http://proxy.app.daytona.io/toolbox").is_err());
        assert!(trust.learn("file:///etc/passwd").is_err());
        assert!(trust.learn("nonsense").is_err());
        let plain = Trust::new(&url("http://localhost:3000/api"));
        assert!(plain.learn("http://localhost:4000/toolbox").is_ok());
    }
}
