//! Daytona as programs see it: the key as much as it may be seen, sandboxes in the cloud, and snapshots.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stigmer_engine::cloud::{Access, KeySource, Size, Timers};
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
    /// Whether one that failed can be brought back.
    is_recoverable: bool,
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
    /// What it costs, estimated.
    cost: SandboxCostForm,
    /// What the runs in it cost, removed ones too, in US dollars: a part of the same.
    runs_cost: f64,
    /// Whether no run is in it, and none was for the days of the setting `daytona.unused_days`. None that is archived.
    is_unused: bool,
}

/// What a cloud sandbox costs in US dollars, estimated.
#[derive(ToSchema)]
#[schema(as = SandboxCost)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct SandboxCostForm {
    /// In an hour, in the state that it is in now.
    per_hour: f64,
    /// The most that it can have cost so far. Nobody tells when it ran and when it did not.
    #[schema(nullable = false)]
    at_most: Option<f64>,
}

/// What the runs of something cost together.
#[derive(ToSchema)]
#[schema(as = CostOf)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct CostOfForm {
    /// What they have in common: a day, the first day of a month, or the name of a sandbox.
    of: String,
    /// How many.
    runs: u64,
    /// What they cost in US dollars, estimated.
    cost: f64,
}

/// What Daytona takes for a second, in US dollars, by the settings `daytona.rates`.
#[derive(ToSchema)]
#[schema(as = Rates)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct RatesForm {
    /// Of one virtual CPU.
    cpu: f64,
    /// Of a GiB of memory.
    memory: f64,
    /// Of a GiB of disk.
    disk: f64,
    /// GiB of a sandbox's disk that cost nothing.
    free_disk: u32,
}

/// What the runs in the cloud cost, whether the history still has them or not: an estimate.
#[derive(ToSchema)]
#[schema(as = CostReport)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct CostReportForm {
    /// The first day of the month that the sums are of.
    #[schema(format = Date)]
    month: String,
    /// How many runs got a sandbox in it.
    runs: u64,
    /// What they cost in US dollars. Runs that go on count so far.
    cost: f64,
    /// The same for each day that has any, in order.
    days: Vec<CostOfForm>,
    /// The same for each sandbox, the dearest first. Those that a single run had for itself are one, `sandboxes of single
    /// runs`, two months after the run when it was removed.
    sandboxes: Vec<CostOfForm>,
    /// All months that have any, in order.
    months: Vec<CostOfForm>,
    /// How much a month may cost before that is asked about.
    limit: Option<f64>,
    /// The rates of now. A run keeps the rate that it was started with.
    rates: RatesForm,
}

/// What an hour in the cloud would cost.
#[derive(ToSchema)]
#[schema(as = CostEstimate)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct EstimateForm {
    /// Virtual CPUs.
    cpu: u32,
    /// Memory in GiB.
    memory: u32,
    /// Disk in GiB.
    disk: u32,
    /// What an hour costs in which it runs, in US dollars.
    per_hour: f64,
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
        Self {
            words: snapshot.words(),
            is_settled: snapshot.is_settled(),
            is_broken: snapshot.failed(),
            snapshot,
        }
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

/// A new size of a cloud sandbox; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SizeForm {
    /// Virtual CPUs.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 1024)]
    pub cpu: Option<u32>,
    /// Memory in GiB.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 65536)]
    pub memory: Option<u32>,
    /// Disk in GiB; it only grows, and only while the sandbox is stopped.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 65536)]
    pub disk: Option<u32>,
}

impl From<SizeForm> for Size {
    fn from(form: SizeForm) -> Self {
        Self { cpu: form.cpu, memory: form.memory, disk: form.disk }
    }
}

/// New timers of a cloud sandbox, in minutes; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TimersForm {
    /// Idleness after which it stops; zero for never.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(maximum = 2_147_483_647)]
    pub auto_stop: Option<u32>,
    /// Time after stopping after which it is archived; zero for the longest possible.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(maximum = 2_147_483_647)]
    pub auto_archive: Option<u32>,
    /// Time after stopping after which it is deleted; -1 for never, zero for at once.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = -1, maximum = 2_147_483_647)]
    pub auto_delete: Option<i32>,
}

impl From<TimersForm> for Timers {
    fn from(form: TimersForm) -> Self {
        let TimersForm { auto_stop, auto_archive, auto_delete } = form;
        Self { auto_stop, auto_archive, auto_delete: auto_delete.map(|minutes| minutes.max(-1)) }
    }
}

/// Labels of a cloud sandbox to set, by name; `null` takes one off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelsForm {
    /// None of them begins with `stigmer.`.
    pub labels: BTreeMap<String, Option<String>>,
}

/// An address of a port of a cloud sandbox. Whoever knows it gets in.
#[derive(ToSchema)]
#[schema(as = Preview)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct PreviewForm {
    /// The address, for a browser.
    url: String,
    /// Seconds that it works.
    seconds: u32,
}
