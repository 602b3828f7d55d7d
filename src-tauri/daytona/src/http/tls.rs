//! Encryption: rustls with ring, and the certificates that the operating system trusts.

use std::sync::Arc;

use reqwest::Url;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::{Error, Result};

/// The configuration of every connection. Given to the HTTP client ready made, so that it does not depend on which
/// provider of cryptography the rest of the process installed.
///
/// # Errors
///
/// [`Error::WrongAddress`] when `base` is encrypted and this machine has no certificates at all.
pub(super) fn config(base: &Url) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        || ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let wrong = |source: rustls::Error| Error::WrongAddress {
        url: super::shown(base),
        why: format!("no encrypted connection can be made from here: {source}"),
    };
    match builder().map_err(wrong)?.with_platform_verifier() {
        Ok(ready) => Ok(ready.with_no_client_auth()),
        // A plain address needs no certificates: a container without any can still reach a server beside it.
        Err(_) if base.scheme() == "http" => {
            let none = rustls::RootCertStore::empty();
            Ok(builder().map_err(wrong)?.with_root_certificates(none).with_no_client_auth())
        }
        Err(source) => Err(wrong(source)),
    }
}
