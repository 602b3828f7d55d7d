//! The log of a build, followed while it runs.
//!
//! The server names an address that streams the log from its start as long as the build goes on. That stream may not
//! be there yet, may break although the build goes on, and may stay open although it has ended. So the state of what is
//! built decides about the end, and after a break the log is read again from its start without repeating anything.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::http::{Call, Incoming};

const LOOK: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(2);
/// The server holds the question for the address up to 30 s, until somebody builds.
const HELD: Duration = Duration::from_secs(45);
/// Failures in a row after which the error is told.
const FAILURES: u32 = 10;

/// Whose build it is.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Sandbox(String),
    Snapshot(String),
}

/// A build's log, read with [`BuildLog::next`].
pub struct BuildLog {
    client: Client,
    subject: Subject,
    incoming: Option<Incoming>,
    delivered: u64,
    skip: u64,
    ended: u32,
    failures: u32,
    done: bool,
}

enum Stage {
    Waiting,
    Building,
    Ended,
}

impl Stage {
    /// Sandboxes and snapshots have no word in common that means different things. A word that is not known is taken
    /// for one that passes.
    fn of(state: &str) -> Self {
        match state {
            "pending_build" | "pending" | "unknown" => Self::Waiting,
            "started" | "starting" | "stopped" | "archived" | "active" | "inactive" | "error"
            | "build_failed" | "destroyed" | "destroying" | "removing" => Self::Ended,
            _ => Self::Building,
        }
    }
}

impl BuildLog {
    pub(crate) fn new(client: Client, subject: Subject) -> Self {
        Self { client, subject, incoming: None, delivered: 0, skip: 0, ended: 0, failures: 0, done: false }
    }

    /// The next piece of the log, as it came: a piece may end within a character. `None` when the build has ended,
    /// however it ended, or there is nothing to build. May be dropped and asked again.
    ///
    /// # Errors
    ///
    /// What stands in the way for good, such as [`Error::Unauthorized`]; the network only after it failed for a while.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        while !self.done {
            match self.step().await {
                Ok(Some(piece)) => {
                    self.failures = 0;
                    return Ok(Some(piece));
                }
                Ok(None) => {}
                Err(error) if error.is_transient() && self.failures < FAILURES => {
                    tracing::debug!(%error, "reading a build log is tried again");
                    self.failures += 1;
                    self.incoming = None;
                    tokio::time::sleep(LOOK).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn step(&mut self) -> Result<Option<Bytes>> {
        let Some(incoming) = &mut self.incoming else {
            return self.open().await.map(|()| None);
        };
        match tokio::time::timeout(QUIET, incoming.chunk()).await {
            Ok(Ok(Some(piece))) => {
                self.ended = 0;
                Ok(self.fresh(piece))
            }
            Ok(Ok(None)) => {
                self.incoming = None;
                // A stream that ends while the build goes on is opened again.
                match self.stage().await? {
                    Stage::Ended => self.done = true,
                    _ => tokio::time::sleep(LOOK).await,
                }
                Ok(None)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                // Twice, because the last lines may come after the state.
                self.ended = if matches!(self.stage().await?, Stage::Ended) { self.ended + 1 } else { 0 };
                self.done = self.ended >= 2;
                Ok(None)
            }
        }
    }

    /// What of a piece was not delivered before.
    fn fresh(&mut self, mut piece: Bytes) -> Option<Bytes> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(piece.len());
        self.skip -= known as u64;
        let piece = piece.split_off(known);
        self.delivered += piece.len() as u64;
        (!piece.is_empty()).then_some(piece)
    }

    async fn open(&mut self) -> Result<()> {
        let stage = self.stage().await?;
        if matches!(stage, Stage::Waiting) {
            tokio::time::sleep(LOOK).await;
            return Ok(());
        }
        match self.stream().await {
            Ok(incoming) => {
                self.incoming = Some(incoming);
                self.skip = self.delivered;
            }
            // Nobody builds yet, or there is nothing to build.
            Err(Error::NotFound(_)) if matches!(stage, Stage::Ended) => self.done = true,
            Err(Error::NotFound(_)) => tokio::time::sleep(LOOK).await,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn stream(&self) -> Result<Incoming> {
        #[derive(Deserialize)]
        struct Named {
            url: String,
        }
        let path = match &self.subject {
            Subject::Sandbox(id) => ["sandbox", id, "build-logs-url"],
            Subject::Snapshot(id) => ["snapshots", id, "build-logs-url"],
        };
        let call = self.client.base.get(&path)?.within(HELD);
        let Named { url } = self.client.http.json(call).await?;
        let url = trusted(&self.client, &url).await?;
        let call = Call::new(Method::GET, url, "GET build-logs".to_owned()).harmless();
        let call = call.accept("text/plain, */*").query("follow", "true");
        // How long nothing may come is decided by looking at the state.
        self.client.http.stream(call, Duration::from_hours(1)).await
    }

    async fn stage(&self) -> Result<Stage> {
        let state = match &self.subject {
            Subject::Sandbox(id) => self.client.sandboxes().get(id).await.map(|it| it.state.to_string()),
            Subject::Snapshot(id) => self.client.snapshots().get(id).await.map(|it| it.state.to_string()),
        };
        Ok(match state {
            Ok(state) => Stage::of(&state),
            Err(Error::NotFound(_)) => Stage::Ended,
            Err(error) => return Err(error),
        })
    }
}

/// An address that the API named for a log. The key goes there only if it is the API's own, a sandbox's that is known, or
/// one that the server names as the place of its sandboxes: an answer alone cannot send the key anywhere.
async fn trusted(client: &Client, named: &str) -> Result<Url> {
    let wrong = || Error::WrongAddress {
        url: "the address of a build log".to_owned(),
        why: "it is neither the API's nor one of its regions'".to_owned(),
    };
    let url = Url::parse(named).map_err(|_| wrong())?;
    let trust = client.http.trust();
    if trust.covers(&url) {
        return Ok(url);
    }
    if let Some(proxy) = client.account().server().await?.proxy_toolbox_url {
        trust.learn(&proxy)?;
    }
    if trust.covers(&url) {
        return Ok(url);
    }
    for proxy in client.account().regions().await?.into_iter().filter_map(|region| region.proxy_url) {
        trust.learn(&proxy)?;
    }
    trust.covers(&url).then_some(url).ok_or_else(wrong)
}
