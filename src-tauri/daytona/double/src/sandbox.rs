//! A sandbox as the control plane knows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api::Used;
use crate::cloud::{Cloud, ORGANIZATION};
use crate::reply::Refusal;
use crate::snapshot::BuildInfo;
use crate::toolbox::Toolbox;
use crate::world::new_id;

/// The states of containers. Only `Started` has a toolbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    PendingBuild,
    BuildingSnapshot,
    Creating,
    Restoring,
    Starting,
    Started,
    Stopping,
    Stopped,
    Archiving,
    Archived,
    Resizing,
    Snapshotting,
    Destroying,
    Destroyed,
    Error,
    BuildFailed,
}

impl State {
    /// Whether it stays until somebody asks for another.
    pub(crate) const fn is_stable(self) -> bool {
        use State::{Archived, BuildFailed, Destroyed, Error, Started, Stopped};
        matches!(self, Started | Stopped | Archived | Destroyed | Error | BuildFailed)
    }
}

/// A volume within a sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mounted {
    pub(crate) volume_id: String,
    pub(crate) mount_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subpath: Option<String>,
}

/// Sizes are whole processors and GiB; intervals are minutes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sandbox {
    pub(crate) id: String,
    pub(crate) organization_id: &'static str,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<String>,
    pub(crate) user: String,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) public: bool,
    pub(crate) network_block_all: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_allow_list: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain_allow_list: Option<String>,
    pub(crate) target: String,
    pub(crate) kvm: bool,
    pub(crate) cpu: i64,
    pub(crate) gpu: i64,
    pub(crate) memory: i64,
    pub(crate) disk: i64,
    pub(crate) state: State,
    pub(crate) desired_state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_reason: Option<String>,
    pub(crate) recoverable: bool,
    pub(crate) backup_state: &'static str,
    pub(crate) auto_stop_interval: i64,
    pub(crate) auto_archive_interval: i64,
    pub(crate) auto_delete_interval: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auto_destroy_at: Option<String>,
    pub(crate) volumes: Vec<Mounted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build_info: Option<BuildInfo>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) last_activity_at: String,
    pub(crate) sandbox_class: &'static str,
    pub(crate) daemon_version: &'static str,
    pub(crate) runner_id: &'static str,
    pub(crate) toolbox_proxy_url: String,
    /// What runs in it, while it is started.
    #[serde(skip)]
    pub(crate) toolbox: Option<Arc<Toolbox>>,
    /// Counts the changes of state that were begun; one that finds another number has lost the race.
    #[serde(skip)]
    pub(crate) turn: u64,
    /// Variables with the placeholders of its secrets.
    #[serde(skip)]
    pub(crate) secrets: BTreeMap<String, String>,
    /// Signs URLs of its files.
    #[serde(skip)]
    pub(crate) signing_key: String,
    /// The log of its build, and whether that is complete.
    #[serde(skip)]
    pub(crate) build_log: watch::Sender<(String, bool)>,
    #[serde(skip)]
    pub(crate) born: Instant,
    /// Minutes from its birth that it lives at most; zero without an end.
    #[serde(skip)]
    pub(crate) lifetime: i64,
    /// Since when its state is what it is.
    #[serde(skip)]
    pub(crate) since: Instant,
    #[serde(skip)]
    pub(crate) active: Instant,
}

impl Sandbox {
    /// One that was asked for a moment ago.
    pub(crate) fn new(origin: &str, now: &str) -> Self {
        let id = new_id();
        let moment = Instant::now();
        Self {
            name: id.clone(),
            id,
            organization_id: ORGANIZATION,
            snapshot: None,
            user: "daytona".to_owned(),
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            public: false,
            network_block_all: false,
            network_allow_list: None,
            domain_allow_list: None,
            target: "us".to_owned(),
            kvm: false,
            cpu: 1,
            gpu: 0,
            memory: 1,
            disk: 3,
            state: State::Creating,
            desired_state: State::Started,
            error_reason: None,
            recoverable: false,
            backup_state: "None",
            auto_stop_interval: 15,
            auto_archive_interval: 10_080,
            auto_delete_interval: -1,
            auto_destroy_at: None,
            volumes: Vec::new(),
            build_info: None,
            created_at: now.to_owned(),
            updated_at: now.to_owned(),
            last_activity_at: now.to_owned(),
            sandbox_class: "container",
            daemon_version: "0.226.1",
            runner_id: "9f1b7f52-58a4-4c5c-9a53-3f2d4e6b1a77",
            toolbox_proxy_url: format!("{origin}/toolbox"),
            toolbox: None,
            turn: 0,
            secrets: BTreeMap::new(),
            signing_key: new_id(),
            build_log: watch::Sender::new((String::new(), false)),
            born: moment,
            lifetime: 0,
            since: moment,
            active: moment,
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!(self)
    }

    /// What lists have of it.
    pub(crate) fn item(&self) -> Value {
        let mut value = self.json();
        if let Some(fields) = value.as_object_mut() {
            for left_out in ["env", "kvm", "volumes", "buildInfo"] {
                fields.remove(left_out);
            }
        }
        value
    }

    pub(crate) fn set(&mut self, state: State, now: String) {
        self.state = state;
        self.since = Instant::now();
        self.active = self.since;
        self.last_activity_at.clone_from(&now);
        self.updated_at = now;
    }

    /// Begins a change of state, which makes those lose that are under way.
    pub(crate) fn begin(&mut self, state: State, desired: State, now: String) -> u64 {
        self.desired_state = desired;
        self.set(state, now);
        self.turn += 1;
        self.turn
    }
}

/// Takes a sandbox into a state as if it happened by itself; out of `error-for-good` nothing leads. Its processes are
/// gone afterwards.
pub(crate) async fn change(
    cloud: Arc<Cloud>,
    name: String,
    state: String,
    reason: Option<String>,
) -> Result<(), Refusal> {
    let is_recoverable = state == "error";
    let state = match state.as_str() {
        "error" | "error-for-good" => State::Error,
        "stopped" => State::Stopped,
        "archived" => State::Archived,
        "destroyed" => State::Destroyed,
        other => return Err(Refusal::bad(format!("no sandbox becomes `{other}` by itself"))),
    };
    let now = cloud.clock.text();
    let (id, toolbox) = {
        let mut world = cloud.world();
        let sandbox = world.sandbox_mut(&name)?;
        sandbox.begin(state, if state == State::Error { sandbox.desired_state } else { state }, now);
        sandbox.recoverable = is_recoverable;
        sandbox.error_reason =
            (state == State::Error).then(|| reason.unwrap_or_else(|| "runner lost".to_owned()));
        (sandbox.id.clone(), sandbox.toolbox.take())
    };
    if let Some(toolbox) = toolbox {
        toolbox.end().await;
    }
    if state == State::Destroyed {
        forget(&cloud, &id);
    }
    Ok(())
}

/// A sandbox that is destroyed is no longer there, nor are its files.
pub(crate) fn forget(cloud: &Cloud, id: &str) {
    let now = cloud.clock.text();
    let mut world = cloud.world();
    let used = world.sandboxes.iter().find(|each| each.id == id).map(|each| Used::by(each, now));
    world.past.extend(used);
    world.sandboxes.retain(|each| each.id != id);
    drop(world);
    let _ = std::fs::remove_dir_all(cloud.disk(id));
}
