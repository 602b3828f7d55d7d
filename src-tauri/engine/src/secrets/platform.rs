//! The keychain of this system: Secret Service, Keychain or Credential Manager, and its errors in our words.
//!
//! The entries are `keyring`'s; the stores below them are opened here, because `keyring` opens its own once
//! for the whole process and behind one lock, where a single hung or failed call would spoil all later ones.

use std::collections::{BTreeSet, HashMap};
use std::error::Error as _;
use std::sync::Arc;

use keyring_core::CredentialStore;

use super::SecretName;
use crate::error::Error;

/// What our entries are filed under.
const SERVICE: &str = "stigmer";

/// What is asked of a keychain. Every call may block until a person answers a prompt.
pub(super) trait Keychain {
    fn set(&self, name: &str, value: &[u8]) -> keyring::Result<()>;
    fn get(&self, name: &str) -> keyring::Result<Vec<u8>>;
    fn remove(&self, name: &str) -> keyring::Result<()>;
    /// Every name of ours, in any order.
    fn names(&self) -> keyring::Result<Vec<String>>;
    /// Fails as a call would, without a prompt.
    fn check(&self) -> keyring::Result<()>;
}

/// Opens the keychain of this system.
pub(super) fn open() -> keyring::Result<Box<dyn Keychain>> {
    Ok(Box::new(Store(system::store()?)))
}

struct Store(Arc<CredentialStore>);

impl Store {
    fn entry(&self, name: &str) -> keyring::Result<keyring::Entry> {
        Ok(keyring::Entry { inner: self.0.build(SERVICE, name, None)? })
    }
}

impl Keychain for Store {
    fn set(&self, name: &str, value: &[u8]) -> keyring::Result<()> {
        self.entry(name)?.set_secret(value)
    }

    fn get(&self, name: &str) -> keyring::Result<Vec<u8>> {
        self.entry(name)?.get_secret()
    }

    fn remove(&self, name: &str) -> keyring::Result<()> {
        self.entry(name)?.delete_credential()
    }

    fn names(&self) -> keyring::Result<Vec<String>> {
        let found = self.0.search(&HashMap::from([system::OURS]))?;
        let ours = |(service, name)| (service == SERVICE).then_some(name);
        let names: BTreeSet<_> =
            found.iter().filter_map(keyring_core::Entry::get_specifiers).filter_map(ours).collect();
        Ok(names.into_iter().collect())
    }

    fn check(&self) -> keyring::Result<()> {
        system::check(&self.0)
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use std::sync::Arc;

    use keyring_core::CredentialStore;
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error};

    /// The search that finds our entries.
    pub(super) const OURS: (&str, &str) = ("service", super::SERVICE);

    pub(super) fn store() -> keyring::Result<Arc<CredentialStore>> {
        let store = zbus_secret_service_keyring_store::Store::new()?;
        Ok(store)
    }

    /// Asks the service itself: every call of the store unlocks, which puts a prompt on the screen.
    pub(super) fn check(_: &Arc<CredentialStore>) -> keyring::Result<()> {
        let failed = |error: Error| keyring::Error::PlatformFailure(error.into());
        let service = SecretService::connect(EncryptionType::Plain).map_err(failed)?;
        let keyring = service.get_default_collection().map_err(failed)?;
        if keyring.is_locked().map_err(failed)? {
            return Err(keyring::Error::NoStorageAccess(Error::Locked.into()));
        }
        Ok(())
    }

    /// What the library's own error says about the keychain, whichever way the store has classed it.
    pub(super) fn explain(error: &(dyn std::error::Error + 'static)) -> Option<super::Error> {
        let absent = |why: &str| Some(super::Error::KeychainAbsent { why: why.to_owned() });
        match error.downcast_ref::<Error>()? {
            Error::Locked | Error::Prompt => Some(super::Error::KeychainLocked),
            Error::NoResult => absent("the keyring service has no default keyring"),
            Error::Unavailable => absent("there is no D-Bus session"),
            // Told apart by text, which the tests on a real bus hold to: the types are of a library below.
            Error::Zbus(error) => match error.to_string() {
                text if text.contains("ServiceUnknown") => absent("no program provides the Secret Service"),
                text if text.starts_with("Failed to connect") => absent("there is no D-Bus session"),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(any(target_os = "macos", windows))]
mod system {
    use std::sync::Arc;

    use keyring_core::CredentialStore;

    #[cfg(target_os = "macos")]
    pub(super) const OURS: (&str, &str) = ("service", super::SERVICE);
    /// Credential Manager names our entries `name.stigmer`.
    #[cfg(windows)]
    pub(super) const OURS: (&str, &str) = ("pattern", r"\.stigmer$");

    pub(super) fn store() -> keyring::Result<Arc<CredentialStore>> {
        #[cfg(target_os = "macos")]
        let store = apple_native_keyring_store::keychain::Store::new()?;
        #[cfg(windows)]
        let store = windows_native_keyring_store::Store::new()?;
        Ok(store)
    }

    /// Names are readable without a prompt on these systems.
    pub(super) fn check(store: &Arc<CredentialStore>) -> keyring::Result<()> {
        store.search(&std::collections::HashMap::from([OURS])).map(drop)
    }

    pub(super) fn explain(_: &(dyn std::error::Error + 'static)) -> Option<super::Error> {
        None
    }
}

/// A failure of the keychain, in our words. `name` is what was asked for.
pub(super) fn explain(name: Option<&SecretName>, error: keyring::Error) -> Error {
    if let Some(error) = error.source().and_then(system::explain) {
        return error;
    }
    match (error, name) {
        (keyring::Error::NoStorageAccess(_), _) => Error::KeychainLocked,
        (keyring::Error::NoEntry, Some(name)) => Error::SecretNotFound { name: name.to_string() },
        (keyring::Error::TooLong(_, most), _) => Error::InvalidSpec {
            what: format!("this system's keychain keeps no values over {most} bytes"),
            hint: "use a shorter value, or pass it as an environment variable",
        },
        (keyring::Error::Ambiguous(_), Some(name)) => Error::Conflict {
            what: format!("the keychain has several entries named `{name}`"),
            hint: "remove all but one with the keychain's own program",
        },
        (keyring::Error::PlatformFailure(error), _) => Error::KeychainAbsent { why: error.to_string() },
        (error, _) => Error::KeychainAbsent { why: without_value(&error) },
    }
}

/// Some errors carry the bytes of the value; their text must not.
fn without_value(error: &keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => {
            "it returned an entry that cannot be read".to_owned()
        }
        other => other.to_string(),
    }
}
