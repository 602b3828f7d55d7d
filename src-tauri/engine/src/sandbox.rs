//! Sandboxes: what there is of them, as lists and details show it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// A container.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sandbox {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Whether it was made here.
    pub is_ours: bool,
    /// The image as it was asked for.
    pub image: String,
    /// The image itself.
    pub image_id: String,
    /// Where it is in its life, in the engine's own word.
    pub state: String,
    /// The same with times, in the engine's own words.
    pub status: String,
    /// What it is for: `shared`, `fresh` or `kept`; nothing for those of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The folder of this machine that it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The run that it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_for: Option<String>,
    /// Whether a run or an engine that stays has it in use.
    pub in_use: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Its network.
    pub network: String,
    /// Ports of it that this machine reaches, each `HOST:SANDBOX`.
    pub ports: Vec<String>,
}

/// Everything about one container.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// What a list says about it.
    #[serde(flatten)]
    pub sandbox: Sandbox,
    /// The user that commands run as.
    pub user: String,
    /// Its variables.
    pub env: Vec<String>,
    /// What it sees of this machine: `SOURCE:TARGET`, with `:ro` where it only reads.
    pub mounts: Vec<String>,
    /// CPUs that it may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Memory that it may use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processes that it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// Whether it may write only to the workspace and temporary folders.
    pub read_only: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}
