//! Daytona as programs see it: the key as much as it may be seen, sandboxes in the cloud, and snapshots.

use std::collections::BTreeMap;

use serde::Serialize;
use stigmer_engine::cloud::{Access, KeySource};
use stigmer_engine::config::Origin;
use stigmer_engine::snapshot::Snapshot;
use utoipa::ToSchema;

/// The key that runs use, as much as may be seen of it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Key {
    /// Whether there is one.
    pub has_key: bool,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<Source>,
    /// The same in words, with the file or the variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// How it begins and ends; never the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
    /// The address of the API.
    pub api_url: String,
    /// Whether a key can be kept here.
    pub keychain: Keychain,
    /// What Daytona says of it, where that was asked and it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<AccessForm>)]
    pub access: Option<Access>,
    /// Why it does not work, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<super::Report>)]
    pub error: Option<stigmer_engine::Report>,
}

/// Where a key comes from.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Keychain,
    Environment,
    File,
}

impl Source {
    /// A word for programs, and words for people.
    pub(crate) fn of(source: &KeySource) -> (Option<Self>, Option<String>) {
        let (source, words) = match source {
            KeySource::Keychain => (Self::Keychain, "the keychain".to_owned()),
            KeySource::Settings(origin @ Origin::File { .. }) => (Self::File, origin.to_string()),
            KeySource::Settings(origin) => (Self::Environment, origin.to_string()),
        };
        (Some(source), Some(words))
    }
}

/// How the keychain stands.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Keychain {
    /// Whether it can be used now.
    pub state: KeychainWord,
    /// What was found where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub why: Option<String>,
}

/// Whether the keychain can be used now.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeychainWord {
    #[default]
    Ready,
    Locked,
    Absent,
}

/// What Daytona says of a key.
#[derive(ToSchema)]
#[schema(as = Access)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct AccessForm {
    /// The name that its owner gave it.
    name: String,
    /// The organization that it belongs to, as far as the server says it.
    #[schema(nullable = false)]
    organization: Option<String>,
    /// What it may change.
    permissions: Vec<String>,
    /// What it lacks of what is needed here.
    lacks: Vec<String>,
    /// When it stops working; missing for never.
    #[schema(nullable = false, format = DateTime)]
    expires: Option<String>,
    /// Version of the server.
    server: String,
}

/// A sandbox in the cloud.
#[derive(ToSchema)]
#[schema(as = CloudSandbox)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct CloudSandboxRow {
    /// Always `daytona`.
    mode: String,
    /// Its name.
    name: String,
    /// Its id.
    id: String,
    /// Where it is in its life, in Daytona's own word: `started`, `stopped`, `archived`, …
    state: String,
    /// Why it failed, in Daytona's own words.
    #[schema(nullable = false)]
    error: Option<String>,
    /// What it is for: `shared`, `fresh` or `kept`.
    kind: String,
    /// The run that it was made for.
    #[schema(nullable = false)]
    made_for: Option<String>,
    /// The snapshot that it was made from.
    #[schema(nullable = false)]
    snapshot: Option<String>,
    /// Its region.
    region: String,
    /// Virtual CPUs.
    cpu: u32,
    /// Memory in GiB.
    memory: u32,
    /// Disk in GiB.
    disk: u32,
    /// Minutes of idleness after which it stops; zero for never.
    #[schema(nullable = false)]
    auto_stop: Option<i64>,
    /// Minutes after stopping after which it is archived; zero for the longest possible time.
    #[schema(nullable = false)]
    auto_archive: Option<i64>,
    /// Minutes after stopping after which it is deleted; negative for never, zero for at once.
    #[schema(nullable = false)]
    auto_delete: Option<i64>,
    /// When it was made.
    #[schema(nullable = false, format = DateTime)]
    created: Option<String>,
    /// When it was used last.
    #[schema(nullable = false, format = DateTime)]
    used: Option<String>,
}

/// Everything about a sandbox in the cloud.
#[derive(ToSchema)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct CloudSandboxDetail {
    #[serde(flatten)]
    sandbox: CloudSandboxRow,
    /// The user of its processes.
    user: String,
    /// The names of its variables.
    env: Vec<String>,
    /// Its labels.
    labels: BTreeMap<String, String>,
    /// Whether it has no network at all.
    is_offline: bool,
    /// Whether its ports are open to everybody.
    is_public: bool,
}

/// A snapshot, and where it is in its life in words.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    #[serde(flatten)]
    snapshot: Snapshot,
    words: String,
    is_settled: bool,
    is_broken: bool,
}

impl From<Snapshot> for Told {
    fn from(snapshot: Snapshot) -> Self {
        let (words, is_settled, is_broken) = (snapshot.words(), snapshot.is_settled(), snapshot.failed());
        Self { snapshot, words, is_settled, is_broken }
    }
}

/// A snapshot.
#[derive(ToSchema)]
#[schema(as = Snapshot)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct SnapshotRow {
    /// Its name.
    name: String,
    /// Its id.
    id: String,
    /// Whether Daytona provides it for everybody.
    is_general: bool,
    /// Where it is in its life, in Daytona's own word.
    state: String,
    /// The same for people.
    words: String,
    /// Whether it stays as it is until somebody changes it.
    is_settled: bool,
    /// Whether it failed.
    is_broken: bool,
    /// Why it failed, in Daytona's own words.
    #[schema(nullable = false)]
    error: Option<String>,
    /// The image that it was made from.
    #[schema(nullable = false)]
    image: Option<String>,
    /// The Dockerfile that it was built from.
    #[schema(nullable = false)]
    dockerfile: Option<String>,
    /// What runs in its sandboxes from the start.
    #[schema(nullable = false)]
    entrypoint: Option<Vec<String>>,
    /// Size in GiB, once it is known.
    #[schema(nullable = false)]
    size: Option<f64>,
    /// Virtual CPUs of its sandboxes.
    cpu: u32,
    /// Memory of its sandboxes in GiB.
    memory: u32,
    /// Disk of its sandboxes in GiB.
    disk: u32,
    /// Where it can be used.
    regions: Vec<String>,
    /// When it was made.
    #[schema(nullable = false, format = DateTime)]
    created: Option<String>,
    /// When a sandbox was made from it last.
    #[schema(nullable = false, format = DateTime)]
    used: Option<String>,
}
