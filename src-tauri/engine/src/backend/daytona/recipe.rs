//! What a cloud sandbox is made of, and what can be said about one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use stigmer_daytona::{NewSandbox, Sandbox, Template};

use super::account::Account;
use crate::cost::{Rates, Shape, rounded};
use crate::state::CloudFacts;

/// Labels of our sandboxes: whose they are, and what for.
pub(crate) mod label {
    pub(crate) const HOME: &str = "stigmer.home";
    pub(crate) const WORKSPACE: &str = "stigmer.workspace";
    pub(crate) const RUN: &str = "stigmer.run";
}

/// Everything that a run asks of its cloud sandbox.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Where, and as whom.
    pub account: Account,
    /// The folder here that is copied there.
    pub workspace: PathBuf,
    /// The snapshot; Daytona's own where there is none.
    pub snapshot: Option<String>,
    /// The region; the organization's where there is none.
    pub target: Option<String>,
    /// One of its own, deleted when the run is over.
    pub fresh: bool,
    /// With `fresh`: it stays.
    pub keep: bool,
    /// This one, which is there.
    pub within: Option<String>,
    /// Whether what changed there comes back.
    pub bring_back: bool,
    /// Idle time after which it stops; zero for never.
    pub auto_stop: Duration,
    /// Time after which a stopped one is archived; zero for the longest possible.
    pub auto_archive: Duration,
    /// Time after which a stopped one is deleted; `None` for never, zero for at once.
    pub auto_delete: Option<Duration>,
    /// Variables of its processes.
    pub env: BTreeMap<String, String>,
    /// Labels besides ours.
    pub labels: BTreeMap<String, String>,
    /// What it costs.
    pub rates: Rates,
}

impl Recipe {
    /// The labels by which the sandbox of this workspace is found.
    pub(super) fn of_workspace(&self, home: &str) -> BTreeMap<String, String> {
        let name = hash(&self.workspace, self.snapshot.as_deref(), self.target.as_deref());
        BTreeMap::from([(label::HOME.to_owned(), home.to_owned()), (label::WORKSPACE.to_owned(), name)])
    }

    /// The labels of one that this run has for itself.
    pub(super) fn of_run(home: &str, run: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(label::HOME.to_owned(), home.to_owned()), (label::RUN.to_owned(), run.to_owned())])
    }

    /// One to create, with these labels of ours.
    pub(super) fn sandbox(&self, name: String, ours: BTreeMap<String, String>) -> NewSandbox {
        let template = match &self.snapshot {
            Some(snapshot) => Template::snapshot(snapshot),
            None => Template::Default,
        };
        let mut labels = self.labels.clone();
        labels.extend(ours);
        let mut new = NewSandbox::new(name, template);
        new.labels = labels;
        new.env.clone_from(&self.env);
        new.target.clone_from(&self.target);
        new.auto_stop = Some(minutes(self.auto_stop));
        new.auto_archive = Some(minutes(self.auto_archive));
        new.auto_delete = self.auto_delete.map(|time| i32::try_from(minutes(time)).unwrap_or(i32::MAX));
        if self.fresh && !self.keep { new.ephemeral() } else { new }
    }

    /// Whether a run gets another one than that of its workspace.
    pub(super) fn is_fresh_or_named(&self) -> bool {
        self.fresh || self.within.is_some()
    }

    /// Whether the one that a run gets is deleted with it.
    pub(super) fn is_thrown_away(&self) -> bool {
        self.fresh && !self.keep && self.within.is_none()
    }
}

/// What can be said about a sandbox that a run has from now on.
pub(super) fn facts(sandbox: &Sandbox, reused: bool, rates: &Rates) -> CloudFacts {
    let shape = Shape { cpu: sandbox.cpu, memory: sandbox.memory, disk: sandbox.disk };
    CloudFacts {
        id: sandbox.id.clone(),
        name: sandbox.name.clone(),
        snapshot: sandbox.snapshot.clone(),
        region: sandbox.target.clone(),
        cpu: sandbox.cpu,
        memory: sandbox.memory,
        disk: sandbox.disk,
        auto_stop: sandbox.auto_stop_interval.and_then(|minutes| u32::try_from(minutes).ok()),
        reused,
        per_hour: Some(rounded(rates.running(shape))),
        since: Some(Timestamp::now()),
    }
}

fn minutes(time: Duration) -> u32 {
    u32::try_from(time.as_secs().div_ceil(60)).unwrap_or(u32::MAX)
}

/// Names a workspace and what is asked of its sandbox: equal for equal ones, and telling nobody the path.
fn hash(workspace: &Path, snapshot: Option<&str>, target: Option<&str>) -> String {
    let mut hash = Sha256::new();
    for part in [workspace.as_os_str().as_encoded_bytes(), snapshot.unwrap_or_default().as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(target.unwrap_or_default());
    crate::backend::hex(&hash.finalize()[..8])
}
