//! A snapshot as the server describes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{lenient, open_enum};
use crate::sandbox::BuildInfo;

open_enum! {
    /// Where a snapshot is in its life.
    ///
    /// ```text
    /// pending ─▶ pulling ─▶ active                  from an image
    /// pending ─▶ building ─▶ pulling ─▶ active      from a Dockerfile
    /// snapshotting ─▶ active                        from a sandbox
    /// active ─▶ inactive ─▶ pending ─▶ …            by hand, or after 14 days without use; and back
    /// ```
    ///
    /// States can be skipped between two looks. One that is not known is taken for one that passes.
    pub enum SnapshotState {
        /// Waits for a machine.
        Pending = "pending",
        /// Its image is being built.
        Building = "building",
        /// Its image is being fetched.
        Pulling = "pulling",
        /// It is being made of a sandbox.
        Snapshotting = "snapshotting",
        /// Sandboxes can be made from it.
        Active = "active",
        /// It must be activated before it can be used.
        Inactive = "inactive",
        /// It failed; see [`Snapshot::error_reason`].
        Error = "error",
        /// Its image could not be built.
        BuildFailed = "build_failed",
        /// It is being deleted.
        Removing = "removing",
    }
}

impl SnapshotState {
    /// Whether it failed.
    pub const fn is_failed(&self) -> bool {
        matches!(self, Self::Error | Self::BuildFailed)
    }

    /// Whether it stays like this until somebody or a timer changes it.
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Active | Self::Inactive) || self.is_failed()
    }

    /// Whether it is usable or will be.
    pub(crate) const fn is_coming(&self) -> bool {
        matches!(self, Self::Active | Self::Pending | Self::Building | Self::Pulling | Self::Snapshotting)
    }
}

/// A snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Snapshot {
    /// Its id, a UUID. Never empty.
    pub id: String,
    /// Its name, unique in the organization.
    #[serde(deserialize_with = "lenient::nullable")]
    pub name: String,
    /// Whether Daytona provides it for everybody.
    #[serde(deserialize_with = "lenient::nullable")]
    pub general: bool,
    /// The image that it was made from; none for one of a sandbox.
    pub image_name: Option<String>,
    /// Where it is in its life.
    #[serde(deserialize_with = "lenient::nullable")]
    pub state: SnapshotState,
    /// Size in GiB, once it is known.
    #[serde(deserialize_with = "lenient::number")]
    pub size: Option<f64>,
    /// What runs in its sandboxes from the start.
    pub entrypoint: Option<Vec<String>>,
    /// Processors of its sandboxes.
    #[serde(deserialize_with = "lenient::size")]
    pub cpu: u32,
    /// Graphics processors of its sandboxes.
    #[serde(deserialize_with = "lenient::size")]
    pub gpu: u32,
    /// Memory of its sandboxes in GiB. The server's word is `mem`.
    #[serde(rename = "mem", deserialize_with = "lenient::size")]
    pub memory: u32,
    /// Disk of its sandboxes in GiB.
    #[serde(deserialize_with = "lenient::size")]
    pub disk: u32,
    /// Why it failed, in the server's words.
    pub error_reason: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "lenient::moment")]
    pub created_at: Option<Timestamp>,
    /// When it changed last.
    #[serde(deserialize_with = "lenient::moment")]
    pub updated_at: Option<Timestamp>,
    /// When a sandbox was made from it last.
    #[serde(deserialize_with = "lenient::moment")]
    pub last_used_at: Option<Timestamp>,
    /// How its image was built.
    pub build_info: Option<BuildInfo>,
    /// Regions in which it can be used.
    #[serde(deserialize_with = "lenient::nullable")]
    pub region_ids: Vec<String>,
    /// Its image in Daytona's own registry.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The sandbox that it was made of.
    pub source_sandbox_id: Option<String>,
    /// The kind of its sandboxes.
    pub sandbox_class: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_read_with_what_is_missing_or_new() {
        let snapshot: Snapshot = serde_json::from_str(
            r#"{"id":"a","name":"n","general":false,"state":"warming","cpu":2,"gpu":0,"mem":4.0,"disk":5,
                "size":1.25,"entrypoint":null,"errorReason":null,"lastUsedAt":null,"regionIds":null,"new":1}"#,
        )
        .unwrap();
        assert_eq!((snapshot.cpu, snapshot.memory, snapshot.size), (2, 4, Some(1.25)));
        assert!(!snapshot.state.is_settled() && !snapshot.state.is_failed());
        assert_eq!(snapshot.state.as_str(), "warming");
    }
}
