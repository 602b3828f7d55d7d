//! Snapshots: what cloud sandboxes are made from. Listed, made, followed while they are made, put to sleep, deleted.

mod follow;
mod log;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use stigmer_daytona::{NewSnapshot, Resources, SnapshotFilter, SnapshotState};
use tokio::time::{Instant, sleep};

pub use self::follow::News;
use crate::backend::daytona::{Account, Daytona, cloud};
use crate::error::{Error, Result};

/// Longest time to wait until a snapshot that was deleted is gone.
const REMOVING: Duration = Duration::from_secs(30);

/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(300);

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Whether Daytona provides it for everybody.
    pub is_general: bool,
    /// Where it is in its life, in Daytona's own word.
    pub state: String,
    /// Why it failed, in Daytona's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The image that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The Dockerfile that it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// What runs in its sandboxes from the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Size in GiB, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
    /// Virtual CPUs of its sandboxes.
    pub cpu: u32,
    /// Memory of its sandboxes in GiB.
    pub memory: u32,
    /// Disk of its sandboxes in GiB.
    pub disk: u32,
    /// Where it can be used.
    pub regions: Vec<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When a sandbox was made from it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
}

/// What a snapshot is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An image of a registry, with a tag other than `latest`, or a digest.
    Image(String),
    /// The text of a Dockerfile that copies no files.
    Dockerfile(String),
}

/// What a snapshot should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its name.
    pub name: String,
    /// What it is made from.
    pub source: Source,
    /// Virtual CPUs of its sandboxes.
    pub cpu: Option<u32>,
    /// Memory of its sandboxes in GiB.
    pub memory: Option<u32>,
    /// Disk of its sandboxes in GiB.
    pub disk: Option<u32>,
    /// The region; else that of the account.
    pub region: Option<String>,
    /// What runs in its sandboxes from the start.
    pub entrypoint: Vec<String>,
}

impl Snapshot {
    /// Whether sandboxes can be made from it now.
    pub fn is_active(&self) -> bool {
        self.known() == SnapshotState::Active
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.known().is_failed()
    }

    /// Whether it stays as it is until somebody changes it.
    pub fn is_settled(&self) -> bool {
        self.known().is_settled()
    }

    /// Where it is in its life, for people.
    pub fn words(&self) -> String {
        let words = match self.known() {
            SnapshotState::Pending => "waiting for a machine",
            SnapshotState::Building => "its image is being built",
            SnapshotState::Pulling => "its image is being fetched",
            SnapshotState::Snapshotting => "being made of a sandbox",
            SnapshotState::Active => "ready: sandboxes can be made from it",
            SnapshotState::Inactive => "asleep: it must be activated before it can be used",
            SnapshotState::Error => "it failed",
            SnapshotState::BuildFailed => "its image could not be built",
            SnapshotState::Removing => "being deleted",
            SnapshotState::Unknown(word) => {
                return format!("in the state `{word}`, which this version does not know");
            }
        };
        words.to_owned()
    }

    /// What to do next.
    pub fn next_step(&self) -> String {
        let name = &self.name;
        match self.known() {
            SnapshotState::Active => format!("stigmer snapshot use {name}"),
            SnapshotState::Inactive => format!("stigmer snapshot activate {name}"),
            SnapshotState::Error => {
                format!("look at the reason, delete it and make it again: stigmer snapshot rm {name}")
            }
            SnapshotState::BuildFailed => {
                format!(
                    "correct the Dockerfile, delete this one and make it again: stigmer snapshot rm {name}"
                )
            }
            SnapshotState::Removing => "nothing; its name is free when it is gone".to_owned(),
            _ => format!("wait; how it is: stigmer snapshot show {name}"),
        }
    }

    fn known(&self) -> SnapshotState {
        SnapshotState::from(self.state.as_str())
    }

    /// What became of it, once it is settled.
    fn outcome(self) -> Result<Self> {
        if self.is_active() {
            return Ok(self);
        }
        Err(cloud(stigmer_daytona::Error::Failed {
            what: format!("the snapshot `{}`", self.name),
            state: self.state,
            reason: self.error,
        }))
    }
}

impl From<stigmer_daytona::Snapshot> for Snapshot {
    fn from(found: stigmer_daytona::Snapshot) -> Self {
        Self {
            name: found.name,
            id: found.id,
            is_general: found.general,
            state: found.state.to_string(),
            error: found.error_reason.filter(|reason| !reason.is_empty()),
            image: found.image_name.filter(|image| !image.is_empty()),
            dockerfile: found.build_info.and_then(|info| info.dockerfile_content),
            entrypoint: found.entrypoint.unwrap_or_default(),
            size: found.size,
            cpu: found.cpu,
            memory: found.memory,
            disk: found.disk,
            regions: found.region_ids,
            created: found.created_at,
            used: found.last_used_at,
        }
    }
}

impl From<New> for NewSnapshot {
    fn from(new: New) -> Self {
        let resources =
            Resources { cpu: new.cpu, memory: new.memory, disk: new.disk, ..Resources::default() };
        let made = match new.source {
            Source::Image(image) => Self::image(new.name, image),
            Source::Dockerfile(content) => Self::dockerfile(new.name, content),
        };
        Self { resources, region_id: new.region, entrypoint: new.entrypoint, ..made }
    }
}

impl Daytona {
    /// The snapshots that the account can use; those that Daytona provides come last.
    pub async fn snapshots(&self, account: &Account) -> Result<Vec<Snapshot>> {
        let client = self.client(account).await?;
        let found = client.snapshots().list(SnapshotFilter::default()).all().await.map_err(cloud)?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    /// One snapshot, by name or id.
    pub async fn snapshot(&self, account: &Account, name: &str) -> Result<Snapshot> {
        let client = self.client(account).await?;
        client.snapshots().get(name).await.map(Into::into).map_err(cloud)
    }

    /// Starts making a snapshot; [`Daytona::follow_snapshot`] sees what comes of it.
    pub async fn create_snapshot(&self, account: &Account, mut new: New) -> Result<Snapshot> {
        new.region = new.region.or_else(|| account.target.clone());
        if matches!(new.source, Source::Dockerfile(_)) && !new.entrypoint.is_empty() {
            return Err(Error::InvalidSpec {
                what: "what a snapshot of a Dockerfile starts is said there".to_owned(),
                hint: "leave out --entrypoint, and write ENTRYPOINT into the Dockerfile",
            });
        }
        let client = self.client(account).await?;
        client.snapshots().create(&new.into()).await.map(Into::into).map_err(cloud)
    }

    /// Makes a snapshot usable again; [`Daytona::follow_snapshot`] waits for it.
    pub async fn activate_snapshot(&self, account: &Account, name: &str) -> Result<Snapshot> {
        let snapshots = self.client(account).await?.snapshots();
        let found = snapshots.get(name).await.map_err(cloud)?;
        snapshots.activate(&found.id).await.map(Into::into).map_err(cloud)
    }

    /// Puts a snapshot to sleep, which frees its place.
    pub async fn deactivate_snapshot(&self, account: &Account, name: &str) -> Result<()> {
        let snapshots = self.client(account).await?.snapshots();
        let found = snapshots.get(name).await.map_err(cloud)?;
        snapshots.deactivate(&found.id).await.map_err(cloud)
    }

    /// Deletes a snapshot, and waits a while until its name is free. Sandboxes that were made from it live on.
    pub async fn remove_snapshot(&self, account: &Account, name: &str) -> Result<()> {
        let snapshots = self.client(account).await?.snapshots();
        let found = snapshots.get(name).await.map_err(cloud)?;
        snapshots.delete(&found.id).await.map_err(cloud)?;
        let until = Instant::now() + REMOVING;
        // What takes longer goes on, and so does what cannot be looked at.
        while Instant::now() < until && snapshots.get(&found.id).await.is_ok() {
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// What the log of its build has from a byte on, by name or id. Waits a while where there is nothing yet.
    pub async fn snapshot_log(&self, account: &Account, name: &str, from: u64) -> Result<LogPiece> {
        let client = self.client(account).await?;
        log::read(&client, name, from).await
    }

    /// Watches a snapshot until it is settled, and tells each change of its state and, if asked, each piece of the log
    /// of its build. May be dropped: that changes nothing about the snapshot.
    ///
    /// Fails when it does not become active, or not within this time.
    pub async fn follow_snapshot(
        &self,
        account: &Account,
        id: &str,
        with_log: bool,
        within: Duration,
        tell: impl FnMut(News) -> Result<()>,
    ) -> Result<Snapshot> {
        let client = self.client(account).await?;
        follow::follow(&client, id, with_log, within, tell).await?.outcome()
    }
}

/// A piece of the log of a snapshot's build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// What follows where it was asked for; it may end within a character, and be empty.
    pub bytes: Vec<u8>,
    /// Whether nothing will follow.
    pub is_end: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(state: &str) -> Snapshot {
        let found =
            stigmer_daytona::Snapshot { name: "mine".into(), state: state.into(), ..Default::default() };
        found.into()
    }

    #[test]
    fn every_state_has_its_words_and_its_next_step() {
        for state in
            ["pending", "building", "pulling", "snapshotting", "active", "inactive", "error", "build_failed"]
        {
            let snapshot = of(state);
            assert!(!snapshot.words().contains(state), "{state} is put into words");
            assert!(snapshot.next_step().contains("mine"), "{state}");
        }
        assert!(of("removing").next_step().starts_with("nothing"));
        assert!(of("warming").words().contains("`warming`") && !of("warming").is_settled());
    }
}
