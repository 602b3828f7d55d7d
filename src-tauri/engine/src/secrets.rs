//! Named secrets in the keychain of the desktop, behind one small door.
//!
//! Owns what a secret may be called and contain, and the thread on which the keychain is asked: a locked one
//! may wait for a person without end. Putting secrets into a run's environment and masking them in its log
//! is done elsewhere.
//!
//! Invariant: no call here takes longer than its limit, and nothing waits for the keychain's thread, neither
//! on the way up nor down.

use std::time::Duration;

use crate::error::{Error, Result};

mod name;
mod platform;
mod thread;
mod value;

pub use name::SecretName;
use platform::{Keychain, explain};
use thread::KeychainThread;
pub use value::Secret;

/// Longest time for one call. Too short for a person to type a password; the prompt stays, and once it is
/// answered the next call succeeds.
const LIMIT: Duration = Duration::from_secs(3);

/// Whether the keychain can be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeychainState {
    /// Secrets can be read and written.
    Ready,
    /// It is there and locked, or does not answer.
    Locked,
    /// There is none.
    Absent {
        /// What was found instead.
        why: String,
    },
}

/// The secrets of this user. Cheap to make: the keychain is opened by the first call.
///
/// Calls may come from any task at once; they are carried out one after the other. A call that is answered
/// with [`Error::KeychainLocked`] because time ran out may still take effect when the keychain is unlocked.
#[derive(Debug)]
pub struct Secrets {
    thread: KeychainThread,
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new()
    }
}

impl Secrets {
    /// The secrets in the keychain of this desktop. Does not touch it yet.
    pub fn new() -> Self {
        Self::of(platform::open, LIMIT)
    }

    fn of(
        open: impl Fn() -> keyring::Result<Box<dyn Keychain>> + Send + Sync + 'static,
        limit: Duration,
    ) -> Self {
        Self { thread: KeychainThread::new(open, limit) }
    }

    /// Keeps `value` under `name`, in place of what was there.
    pub async fn set(&self, name: &SecretName, value: Secret) -> Result<()> {
        let asked = name.clone();
        let set = move |keychain: &dyn Keychain| keychain.set(asked.as_str(), value.expose().as_bytes());
        self.thread.ask(set).await?.map_err(|error| explain(Some(name), error))
    }

    /// The value under `name`. Fails with [`Error::SecretNotFound`] where there is none.
    pub async fn get(&self, name: &SecretName) -> Result<Secret> {
        let asked = name.clone();
        let get = move |keychain: &dyn Keychain| {
            // Made a `Secret` on the keychain's thread, so that an answer nobody waits for is wiped as well.
            keychain.get(asked.as_str()).map(Secret::new)
        };
        let value = self.thread.ask(get).await?.map_err(|error| explain(Some(name), error))?;
        value.map_err(|_| Error::Conflict {
            what: format!("the keychain's entry `{name}` is not text"),
            hint: "set it again with `stigmer secret set`",
        })
    }

    /// Forgets `name`. Fails with [`Error::SecretNotFound`] where there is none.
    pub async fn remove(&self, name: &SecretName) -> Result<()> {
        let asked = name.clone();
        let remove = move |keychain: &dyn Keychain| keychain.remove(asked.as_str());
        self.thread.ask(remove).await?.map_err(|error| explain(Some(name), error))
    }

    /// The names of the user's secrets, sorted. The keychain itself is searched, so what was removed with
    /// another program is not listed. Our own ([`SecretName::DAYTONA_API_KEY`]) are left out.
    pub async fn names(&self) -> Result<Vec<SecretName>> {
        let found = self.thread.ask(|keychain| keychain.names()).await?;
        let found = found.map_err(|error| explain(None, error))?;
        // Names that we would refuse were put there by another program under our service's name.
        let mut names: Vec<SecretName> = found.iter().filter_map(|name| name.parse().ok()).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Whether the keychain can be used now. Never makes a prompt appear where that can be helped.
    pub async fn state(&self) -> KeychainState {
        let answer = match self.thread.ask(|keychain| keychain.check()).await {
            Ok(answer) => answer.map_err(|error| explain(None, error)),
            Err(error) => Err(error),
        };
        match answer {
            Ok(()) => KeychainState::Ready,
            Err(Error::KeychainAbsent { why }) => KeychainState::Absent { why },
            Err(Error::KeychainLocked) => KeychainState::Locked,
            Err(other) => KeychainState::Absent { why: other.to_string() },
        }
    }
}

#[cfg(test)]
mod tests;
