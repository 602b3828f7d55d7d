//! The cloud sandboxes of this home: listed, looked at, started, stopped, archived, deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use stigmer_daytona::{Client, Error as Failure, Filter, Sandbox, State};

use crate::backend::daytona::{Account, Daytona, cloud, label};
use crate::error::{Error, Result};

/// Longest time for a list, which nobody should have to wait for.
const LISTING: Duration = Duration::from_secs(10);

/// Longest time for a change: a sandbox may have to come from an archive.
const CHANGING: Duration = Duration::from_mins(10);

/// A sandbox in the cloud.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CloudSandbox {
    /// Always `daytona`.
    pub mode: &'static str,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Where it is in its life, in Daytona's own word.
    pub state: String,
    /// Why it failed, in Daytona's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether one that failed can be brought back.
    pub is_recoverable: bool,
    /// What it is for: `shared`, `fresh` or `kept`.
    pub kind: &'static str,
    /// The run that it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_for: Option<String>,
    /// The snapshot that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Its region.
    pub region: String,
    /// Virtual CPUs.
    pub cpu: u32,
    /// Memory in GiB.
    pub memory: u32,
    /// Disk in GiB.
    pub disk: u32,
    /// Minutes of idleness after which it stops; zero for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_stop: Option<i64>,
    /// Minutes after stopping after which it is archived; zero for the longest possible time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_archive: Option<i64>,
    /// Minutes after stopping after which it is deleted; negative for never, zero for at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_delete: Option<i64>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it was used last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
}

/// Everything about one of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CloudDetail {
    /// What a list says about it.
    #[serde(flatten)]
    pub sandbox: CloudSandbox,
    /// The user of its processes.
    pub user: String,
    /// The names of its variables; what they hold may be secret.
    pub env: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it has no network at all.
    pub is_offline: bool,
    /// Whether its ports are open to everybody.
    pub is_public: bool,
}

impl CloudSandbox {
    /// Whether something can be done inside.
    pub fn runs(&self) -> bool {
        self.state == State::Started.as_str()
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        State::from(self.state.as_str()).is_failed()
    }

    fn of(found: &Sandbox) -> Self {
        let made_for = found.labels.get(label::RUN).cloned();
        let kind = match &made_for {
            None => "shared",
            Some(_) if found.is_ephemeral() => "fresh",
            Some(_) => "kept",
        };
        Self {
            mode: "daytona",
            name: found.name.clone(),
            id: found.id.clone(),
            state: found.state.to_string(),
            error: found.error_reason.clone(),
            is_recoverable: found.state.is_failed() && found.recoverable == Some(true),
            kind,
            made_for,
            snapshot: found.snapshot.clone(),
            region: found.target.clone(),
            cpu: found.cpu,
            memory: found.memory,
            disk: found.disk,
            auto_stop: found.auto_stop_interval,
            auto_archive: found.auto_archive_interval,
            auto_delete: found.auto_delete_interval,
            created: found.created_at,
            used: found.last_activity_at,
        }
    }
}

impl CloudDetail {
    pub(super) fn of(found: Sandbox) -> Self {
        Self {
            sandbox: CloudSandbox::of(&found),
            user: found.user,
            env: found.env.into_keys().collect(),
            labels: found.labels,
            is_offline: found.network_block_all,
            is_public: found.public,
        }
    }
}

impl Daytona {
    /// The sandboxes that this home made, the one that was used last first.
    pub async fn sandboxes(&self, account: &Account) -> Result<Vec<CloudSandbox>> {
        let client = self.client(account).await?;
        let ours = Filter::label(label::HOME, self.owner()?);
        let listed = tokio::time::timeout(LISTING, client.sandboxes().list(ours).all()).await;
        let late = |_| Failure::Timeout { operation: "GET /sandbox".to_owned(), after: LISTING };
        let mut found = listed.map_err(late).and_then(|found| found).map_err(cloud)?;
        found.retain(|one| !matches!(one.state, State::Destroying | State::Destroyed));
        Ok(found.iter().map(CloudSandbox::of).collect())
    }

    /// Everything about one of ours, by name or id.
    pub async fn sandbox_detail(&self, account: &Account, name: &str) -> Result<CloudDetail> {
        Ok(CloudDetail::of(self.own(account, name).await?.1))
    }

    /// Starts one of ours, and waits until it runs.
    pub async fn start_sandbox(&self, account: &Account, name: &str) -> Result<()> {
        let (client, found) = self.own(account, name).await?;
        if found.state == State::Started {
            return Ok(());
        }
        let sandboxes = client.sandboxes();
        sandboxes.start(&found.id).await.map_err(cloud)?;
        sandboxes.wait(&found.id, &State::Started, CHANGING).await.map(drop).map_err(cloud)
    }

    /// Stops one of ours, and what runs in it, and waits for that. One that is thrown away is gone with it.
    pub async fn stop_sandbox(&self, account: &Account, name: &str) -> Result<()> {
        let (client, found) = self.own(account, name).await?;
        if matches!(found.state, State::Stopped | State::Archiving | State::Archived) {
            return Ok(());
        }
        let sandboxes = client.sandboxes();
        sandboxes.stop(&found.id, false).await.map_err(cloud)?;
        if found.is_ephemeral() {
            return sandboxes.wait_gone(&found.id, CHANGING).await.map_err(cloud);
        }
        sandboxes.wait(&found.id, &State::Stopped, CHANGING).await.map(drop).map_err(cloud)
    }

    /// Has the disk of one of ours moved to the archive, where it costs nothing. That goes on by itself.
    pub async fn archive_sandbox(&self, account: &Account, name: &str) -> Result<()> {
        let (client, found) = self.own(account, name).await?;
        match found.state {
            State::Archiving | State::Archived => Ok(()),
            State::Started => Err(Error::Conflict {
                what: format!("the sandbox `{name}` runs, and only one that is stopped can be archived"),
                hint: "stop it first: stigmer sandbox stop NAME",
            }),
            _ => client.sandboxes().archive(&found.id).await.map(drop).map_err(cloud),
        }
    }

    /// Deletes one of ours, whatever it does.
    pub async fn remove_sandbox(&self, account: &Account, name: &str) -> Result<()> {
        let (client, found) = self.own(account, name).await?;
        client.sandboxes().delete(&found.id).await.map(drop).map_err(cloud)
    }

    /// A sandbox that this home made, as it is now.
    pub(crate) async fn own(&self, account: &Account, name: &str) -> Result<(Client, Sandbox)> {
        let client = self.client(account).await?;
        let missing = || Error::SandboxNotFound { name: name.to_owned() };
        let found = match client.sandboxes().get(name).await {
            Ok(found) => found,
            Err(Failure::NotFound(_)) => return Err(missing()),
            Err(error) => return Err(cloud(error)),
        };
        // Others have sandboxes in the same organization, and may have named one so.
        let is_ours =
            found.labels.get(label::HOME).is_some_and(|home| self.owner().is_ok_and(|own| *home == own));
        if is_ours { Ok((client, found)) } else { Err(missing()) }
    }
}
