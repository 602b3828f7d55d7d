//! Everything that exists in the organization.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::api::Used;
use crate::clock;
use crate::reply::Refusal;
use crate::sandbox::{Sandbox, State};
use crate::snapshot::Snapshot;

/// The snapshot that a sandbox is made from unless its creator says otherwise.
pub(crate) const DEFAULT_SNAPSHOT: &str = "daytonaio/sandbox:0.8.0";

#[derive(Debug)]
pub(crate) struct World {
    /// In the order in which they were made.
    pub(crate) sandboxes: Vec<Sandbox>,
    pub(crate) snapshots: Vec<Snapshot>,
    /// By id, as the API shows them.
    pub(crate) volumes: BTreeMap<String, Value>,
    pub(crate) registries: BTreeMap<String, Value>,
    pub(crate) secrets: BTreeMap<String, Value>,
    /// What sandboxes used that are destroyed.
    pub(crate) past: Vec<Used>,
    /// References of the builds that succeeded.
    pub(crate) built: Vec<String>,
}

impl World {
    pub(crate) fn new(now: Timestamp) -> Self {
        let now = clock::text(now);
        let general = [
            (DEFAULT_SNAPSHOT, 1, 1, 3),
            ("daytona-small", 1, 1, 3),
            ("daytona-medium", 2, 4, 8),
            ("daytona-large", 4, 8, 10),
        ];
        let snapshots = general.map(|(name, cpu, mem, disk)| Snapshot::general(name, cpu, mem, disk, &now));
        Self {
            sandboxes: Vec::new(),
            snapshots: snapshots.into(),
            volumes: BTreeMap::new(),
            registries: BTreeMap::new(),
            secrets: BTreeMap::new(),
            past: Vec::new(),
            built: Vec::new(),
        }
    }

    fn sandbox_at(&self, name: &str) -> Result<usize, Refusal> {
        let by_id = self.sandboxes.iter().position(|each| each.id == name);
        let named = |each: &Sandbox| each.name == name && each.state != State::Destroying;
        by_id
            .or_else(|| self.sandboxes.iter().position(named))
            .ok_or_else(|| Refusal::missing(format!("Sandbox with ID or name {name} not found")))
    }

    /// A sandbox by its id or name.
    pub(crate) fn sandbox(&self, name: &str) -> Result<&Sandbox, Refusal> {
        self.sandbox_at(name).map(|at| &self.sandboxes[at])
    }

    pub(crate) fn sandbox_mut(&mut self, name: &str) -> Result<&mut Sandbox, Refusal> {
        self.sandbox_at(name).map(|at| &mut self.sandboxes[at])
    }

    /// A snapshot by its id or name, one of the organization before a general one.
    pub(crate) fn snapshot(&self, name: &str) -> Option<&Snapshot> {
        let by_id = self.snapshots.iter().find(|each| each.id == name);
        let named =
            |general| self.snapshots.iter().find(move |each| each.name == name && each.general == general);
        by_id.or_else(|| named(false)).or_else(|| named(true))
    }

    pub(crate) fn snapshot_mut(&mut self, id: &str) -> Option<&mut Snapshot> {
        self.snapshots.iter_mut().find(|each| each.id == id)
    }

    /// A volume by its id or name.
    pub(crate) fn volume(&self, name: &str) -> Option<&Value> {
        self.volumes.get(name).or_else(|| self.volumes.values().find(|each| each["name"] == name))
    }
}

pub(crate) fn new_id() -> String {
    Uuid::new_v4().to_string()
}
