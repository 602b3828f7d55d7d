//! A snapshot: what sandboxes are made from.

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::cloud::ORGANIZATION;
use crate::world::new_id;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Pending,
    Building,
    Pulling,
    Snapshotting,
    Active,
    Inactive,
    Error,
    BuildFailed,
    Removing,
}

/// What something was built from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BuildInfo {
    pub(crate) dockerfile_content: String,
    pub(crate) context_hashes: Vec<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) snapshot_ref: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) organization_id: Option<&'static str>,
    pub(crate) general: bool,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_name: Option<String>,
    pub(crate) state: State,
    /// GiB, once it is known.
    pub(crate) size: Option<f64>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cpu: i64,
    pub(crate) gpu: i64,
    pub(crate) mem: i64,
    pub(crate) disk: i64,
    pub(crate) error_reason: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build_info: Option<BuildInfo>,
    pub(crate) region_ids: Vec<String>,
    pub(crate) source_sandbox_id: Option<String>,
    pub(crate) sandbox_class: &'static str,
    /// The files of the sandbox that it was captured from.
    #[serde(skip)]
    pub(crate) files: Option<PathBuf>,
    #[serde(skip)]
    pub(crate) build_log: watch::Sender<(String, bool)>,
    #[serde(skip)]
    pub(crate) deactivated: Option<Instant>,
}

impl Snapshot {
    /// One of the organization, as it begins.
    pub(crate) fn new(name: &str, state: State, now: &str) -> Self {
        Self {
            id: new_id(),
            organization_id: Some(ORGANIZATION),
            general: false,
            name: name.to_owned(),
            image_name: None,
            state,
            size: None,
            entrypoint: None,
            cpu: 1,
            gpu: 0,
            mem: 1,
            disk: 3,
            error_reason: None,
            created_at: now.to_owned(),
            updated_at: now.to_owned(),
            last_used_at: None,
            build_info: None,
            region_ids: vec!["us".to_owned()],
            source_sandbox_id: None,
            sandbox_class: "container",
            files: None,
            build_log: watch::Sender::new((String::new(), false)),
            deactivated: None,
        }
    }

    /// One that is there for everybody.
    pub(crate) fn general(name: &str, cpu: i64, mem: i64, disk: i64, now: &str) -> Self {
        Self {
            organization_id: None,
            general: true,
            image_name: Some(format!("daytonaio/{name}").replace("daytonaio/daytonaio", "daytonaio")),
            size: Some(1.2),
            cpu,
            mem,
            disk,
            region_ids: vec!["us".to_owned(), "eu".to_owned()],
            ..Self::new(name, State::Active, now)
        }
    }
}
