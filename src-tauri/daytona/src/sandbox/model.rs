//! A sandbox as the server describes it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::VolumeMount;
use crate::model::{lenient, open_enum};

open_enum! {
    /// Where a sandbox is in its life.
    ///
    /// ```text
    /// creating ─▶ started ─▶ stopping ─▶ stopped ─▶ archiving ─▶ archived ─▶ restoring ─▶ started
    ///     ▲                                 └─▶ starting ─▶ started
    /// pending_build ─▶ building_snapshot        (from a Dockerfile)
    /// ```
    ///
    /// States can be skipped between two looks. One that is not known is taken for one that passes.
    pub enum State {
        /// Waits for a machine that builds its image.
        PendingBuild = "pending_build",
        /// Its image is being built.
        BuildingSnapshot = "building_snapshot",
        /// Its image is being fetched.
        PullingSnapshot = "pulling_snapshot",
        /// It is being made.
        Creating = "creating",
        /// It comes back from the archive.
        Restoring = "restoring",
        /// It is being started.
        Starting = "starting",
        /// It runs. The only state in which anything can be done inside.
        Started = "started",
        /// It is being stopped.
        Stopping = "stopping",
        /// It does not run; its disk is kept, its processes are gone.
        Stopped = "stopped",
        /// Its memory is being saved. Virtual machines only.
        Pausing = "pausing",
        /// It does not run; disk and memory are kept.
        Paused = "paused",
        /// It comes back from a pause.
        Resuming = "resuming",
        /// Its limits are being changed.
        Resizing = "resizing",
        /// A snapshot is made of it, for seconds to minutes; nothing else can be done with it meanwhile.
        Snapshotting = "snapshotting",
        /// It is being copied.
        Forking = "forking",
        /// Its disk moves to the archive.
        Archiving = "archiving",
        /// Its disk is in the archive, outside of every quota.
        Archived = "archived",
        /// It failed; see [`Sandbox::error_reason`] and [`Sandbox::recoverable`].
        Error = "error",
        /// Its image could not be built. Nothing leads out of this.
        BuildFailed = "build_failed",
        /// It is being deleted.
        Destroying = "destroying",
        /// It is gone; asking for it mostly answers that there is none.
        Destroyed = "destroyed",
    }
}

impl State {
    /// Whether something can be done inside.
    pub const fn is_usable(&self) -> bool {
        matches!(self, Self::Started)
    }

    /// Whether it failed.
    pub const fn is_failed(&self) -> bool {
        matches!(self, Self::Error | Self::BuildFailed)
    }

    /// Whether it stays like this until somebody or a timer changes it.
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Started | Self::Stopped | Self::Paused | Self::Archived | Self::Destroyed)
            || self.is_failed()
    }
}

open_enum! {
    /// What a sandbox is meant to become.
    pub enum DesiredState {
        /// It should run.
        Started = "started",
        /// It should not run.
        Stopped = "stopped",
        /// It should be gone.
        Destroyed = "destroyed",
        /// Its disk should be in the archive.
        Archived = "archived",
        /// It should have other limits.
        Resized = "resized",
        /// It should sleep.
        Paused = "paused",
    }
}

open_enum! {
    /// How the copy of a sandbox's disk stands, from which it is restored.
    pub enum BackupState {
        /// There is none.
        None = "None",
        /// It will be made.
        Pending = "Pending",
        /// It is being made.
        InProgress = "InProgress",
        /// It is there.
        Completed = "Completed",
        /// It could not be made.
        Error = "Error",
    }
}

/// A sandbox. In lists some fields are missing; those say so.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sandbox {
    /// Its id, a UUID. Never empty.
    pub id: String,
    /// Its name, unique in the organization; the id when nobody gave one.
    #[serde(deserialize_with = "lenient::nullable")]
    pub name: String,
    /// Its organization.
    #[serde(deserialize_with = "lenient::nullable")]
    pub organization_id: String,
    /// The snapshot that it was made from.
    pub snapshot: Option<String>,
    /// The user of its processes.
    #[serde(deserialize_with = "lenient::nullable")]
    pub user: String,
    /// Variables of its processes. Missing in lists.
    #[serde(deserialize_with = "lenient::nullable")]
    pub env: BTreeMap<String, String>,
    /// Its labels.
    #[serde(deserialize_with = "lenient::nullable")]
    pub labels: BTreeMap<String, String>,
    /// Whether its ports are open to everybody.
    #[serde(deserialize_with = "lenient::nullable")]
    pub public: bool,
    /// Whether it has no network at all.
    #[serde(deserialize_with = "lenient::nullable")]
    pub network_block_all: bool,
    /// Networks that it may reach, as CIDRs with commas between.
    pub network_allow_list: Option<String>,
    /// Domains that it may reach, with commas between.
    pub domain_allow_list: Option<String>,
    /// Its region.
    #[serde(deserialize_with = "lenient::nullable")]
    pub target: String,
    /// Processors.
    #[serde(deserialize_with = "lenient::size")]
    pub cpu: u32,
    /// Graphics processors.
    #[serde(deserialize_with = "lenient::size")]
    pub gpu: u32,
    /// Memory in GiB.
    #[serde(deserialize_with = "lenient::size")]
    pub memory: u32,
    /// Disk in GiB.
    #[serde(deserialize_with = "lenient::size")]
    pub disk: u32,
    /// Where it is in its life.
    #[serde(deserialize_with = "lenient::nullable")]
    pub state: State,
    /// What it is meant to become.
    pub desired_state: Option<DesiredState>,
    /// Why it failed, in the server's words.
    pub error_reason: Option<String>,
    /// Whether [`Sandboxes::recover`](super::Sandboxes::recover) can help.
    pub recoverable: Option<bool>,
    /// How the copy of its disk stands.
    pub backup_state: Option<BackupState>,
    /// Minutes without activity after which it is stopped; 0 for never. Calls into the sandbox, its ports and SSH are
    /// activity, a running process is not.
    #[serde(deserialize_with = "lenient::whole")]
    pub auto_stop_interval: Option<i64>,
    /// The same for pausing.
    #[serde(deserialize_with = "lenient::whole")]
    pub auto_pause_interval: Option<i64>,
    /// Minutes after stopping after which it is archived; 0 for the longest possible time.
    #[serde(deserialize_with = "lenient::whole")]
    pub auto_archive_interval: Option<i64>,
    /// Minutes after stopping after which it is deleted; negative for never, 0 for at once.
    #[serde(deserialize_with = "lenient::whole")]
    pub auto_delete_interval: Option<i64>,
    /// When it is deleted whatever its state.
    #[serde(deserialize_with = "lenient::moment")]
    pub auto_destroy_at: Option<Timestamp>,
    /// Its volumes. Missing in lists.
    #[serde(deserialize_with = "lenient::nullable")]
    pub volumes: Vec<VolumeMount>,
    /// How its image was built, if it was built for it. Missing in lists.
    pub build_info: Option<BuildInfo>,
    /// When it was made.
    #[serde(deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
    /// When it changed last.
    #[serde(deserialize_with = "lenient::moment")]
    pub updated_at: Option<Timestamp>,
    /// When it was used last.
    #[serde(deserialize_with = "lenient::moment")]
    pub last_activity_at: Option<Timestamp>,
    /// Its kind, such as `container` or `linux-vm`.
    pub sandbox_class: Option<String>,
    /// Version of Daytona's program inside.
    pub daemon_version: Option<String>,
    /// Where it is reached, without its id. May change during its life; empty when an old server does not say.
    #[serde(deserialize_with = "lenient::nullable")]
    pub toolbox_proxy_url: String,
}

impl Sandbox {
    /// Whether it is deleted as soon as it stops.
    pub fn is_ephemeral(&self) -> bool {
        self.auto_delete_interval == Some(0)
    }
}

impl fmt::Debug for Sandbox {
    /// Without the environment, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sandbox");
        shown.field("id", &self.id).field("name", &self.name).field("state", &self.state);
        shown.field("desired_state", &self.desired_state).field("labels", &self.labels);
        shown.finish_non_exhaustive()
    }
}

/// How an image was built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BuildInfo {
    /// The Dockerfile.
    pub dockerfile_content: Option<String>,
    /// The files that it could copy, by the name of their archives.
    #[serde(deserialize_with = "lenient::nullable")]
    pub context_hashes: Vec<String>,
    /// The image that came of it.
    pub snapshot_ref: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_of_a_newer_server_is_read_as_far_as_it_is_known() {
        let sandbox: Sandbox = serde_json::from_str(
            r#"{"id":"a","name":"n","state":"teleporting","desiredState":"elsewhere","cpu":1.0,"memory":"2",
                "disk":3,"env":null,"labels":{"k":"v"},"autoStopInterval":15.0,"autoDeleteInterval":-1,
                "backupState":"None","createdAt":"2026-11-20T15:00:00.000Z","quantum":{"entangled":true},
                "toolboxProxyUrl":"https://proxy/toolbox"}"#,
        )
        .unwrap();
        assert_eq!(sandbox.state, State::Unknown("teleporting".to_owned()));
        assert_eq!((sandbox.cpu, sandbox.memory, sandbox.disk), (1, 2, 3));
        assert_eq!(sandbox.auto_delete_interval, Some(-1));
        assert!(sandbox.created_at.is_some() && !sandbox.is_ephemeral());
    }

    #[test]
    fn a_state_that_is_not_known_passes() {
        for word in ["teleporting", "unknown", "STARTED"] {
            let state = State::from(word);
            assert!(!state.is_settled() && !state.is_usable() && !state.is_failed(), "{word}");
            assert_eq!(state.as_str(), word);
        }
    }

    #[test]
    fn a_sandbox_without_a_state_is_in_none_that_is_known() {
        let sandbox: Sandbox = serde_json::from_str(r#"{"id":"a","state":null}"#).unwrap();
        assert_eq!(sandbox.state.as_str(), "unknown");
    }
}
