//! What a sandbox is made of, and the container that follows from it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount as DockerMount, MountBindOptions,
    MountTmpfsOptions, MountType, MountVolumeOptions, PortBinding,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::find::Wish;
use crate::backend::hex;
use crate::os;
use crate::spec::{Mount, Network, Port};
use crate::state::SandboxFacts;

/// The workspace inside a sandbox.
pub const WORKSPACE: &str = "/workspace";

/// What is ours, inside a sandbox.
pub(super) const OURS: &str = "/run/stigmer";

/// What its commands may write to of that: the socket and the home folder. Shared with this machine where both have the
/// same disk.
pub(super) const SHARED: &str = "/run/stigmer/shared";

/// The runner, inside a sandbox.
pub(super) const RUNNER: &str = "/run/stigmer/runner";

/// Longest time for which a sandbox of one run, on another disk, waits for its next conversation.
const BETWEEN: Duration = Duration::from_mins(1);

/// Labels of our containers: whose they are, and what they are for.
pub(super) mod label {
    pub(in crate::backend::docker) const HOME: &str = "stigmer.home";
    pub(in crate::backend::docker) const KIND: &str = "stigmer.kind";
    pub(in crate::backend::docker) const RUN: &str = "stigmer.run";
    pub(in crate::backend::docker) const WORKSPACE: &str = "stigmer.workspace";
    pub(in crate::backend::docker) const IMAGE: &str = "stigmer.image";
}

/// Everything that makes a sandbox what it is. Runs with equal recipes may share one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recipe {
    /// The image: a name with or without a tag, or an id.
    pub image: String,
    /// The folder here that is [`WORKSPACE`] there.
    pub workspace: PathBuf,
    /// A folder of this machine inside the workspace that it must not see.
    pub hidden: Option<PathBuf>,
    /// What it reaches.
    pub network: Network,
    /// CPUs that it may use.
    pub cpus: Option<f64>,
    /// Memory that it may use, in bytes; swap does not add to it.
    pub memory: Option<u64>,
    /// Processes that it may have.
    pub pids: u64,
    /// What it sees of this machine besides the workspace.
    pub mounts: Vec<Mount>,
    /// Ports of it that this machine reaches.
    pub ports: Vec<Port>,
    /// The user that commands run as: `UID:GID` or a name of the image.
    pub user: String,
    /// Name servers; those of the engine if there are none.
    pub dns: Vec<String>,
    /// Whether it may write only to the workspace and temporary folders.
    pub read_only: bool,
    /// Variables of every command.
    pub env: BTreeMap<String, String>,
    /// What makes it less strict than usual, a sentence each.
    pub loosened: Vec<String>,
    /// How it is come by.
    #[serde(skip)]
    pub supply: Supply,
}

/// How a sandbox is come by and what becomes of it. Does not change what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Supply {
    /// Where the engine is.
    pub engine: Wish,
    /// Whether a missing image may be fetched.
    pub auto_pull: bool,
    /// One of its own for this run.
    pub fresh: bool,
    /// With `fresh`: it stays when the run is over.
    pub keep: bool,
    /// This one, which is there.
    pub within: Option<String>,
    /// How long it stays after its last run; `None` for ever.
    pub ttl: Option<Duration>,
    /// How many unused ones an engine that stays holds ready.
    pub warm: u64,
}

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Runs with the same recipe share it.
    Shared,
    /// One run has it, and it goes with the run.
    Fresh,
    /// One run has it, and it stays.
    Kept,
    /// A task has it for several conversations and removes it then.
    Serving,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Fresh => "fresh",
            Self::Kept => "kept",
            Self::Serving => "serving",
        }
    }
}

/// What a container is made with, besides its recipe.
pub(super) struct Making<'a> {
    pub home: &'a str,
    pub kind: Kind,
    pub run: &'a str,
    /// The image itself.
    pub image_id: &'a str,
    /// The folder here that is [`SHARED`] there; `None` where the engine has another disk.
    pub shared: Option<&'a Path>,
    /// The runner here, which is sent into the container where the engine has another disk.
    pub runner: &'a Path,
}

impl Recipe {
    /// Names the recipe with this image: equal for equal ones.
    pub(super) fn key(&self, home: &str, image_id: &str) -> String {
        let mut hash = Sha256::new();
        for part in [home, image_id] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(serde_json::to_vec(self).unwrap_or_default());
        let ttl = self.supply.ttl.map_or(u64::MAX, |ttl| ttl.as_secs());
        hash.update(ttl.to_le_bytes());
        // A runner of another version would not understand us.
        hash.update(stigmer_runner::protocol::VERSION.to_le_bytes());
        hex(&hash.finalize()[..8])
    }

    /// Whether its commands run as the user that we are, so that both may do the same with files.
    pub(super) fn is_for_own_user(&self) -> bool {
        let (uid, gid) = os::ids();
        self.user == format!("{uid}:{gid}")
    }

    /// The container to create.
    pub(super) fn container(&self, making: &Making<'_>) -> ContainerCreateBody {
        let labels = HashMap::from(
            [
                (label::HOME, making.home.to_owned()),
                (label::KIND, self.kept_as(making.kind).name().to_owned()),
                (label::RUN, making.run.to_owned()),
                (label::WORKSPACE, self.workspace.display().to_string()),
                (label::IMAGE, self.image.clone()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let ports: HashMap<_, _> =
            self.ports.iter().map(|port| (format!("{}/tcp", port.sandbox), *port)).collect();
        ContainerCreateBody {
            image: Some(making.image_id.to_owned()),
            entrypoint: Some(vec![RUNNER.to_owned()]),
            cmd: Some(self.serve(making.kind, making.shared.is_none())),
            user: Some(self.user.clone()),
            env: Some(self.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            working_dir: Some(WORKSPACE.to_owned()),
            labels: Some(labels),
            exposed_ports: Some(ports.keys().cloned().collect()),
            // Healthchecks and stop signals of the image are for its own program, which does not run here.
            stop_signal: Some("SIGTERM".to_owned()),
            healthcheck: Some(bollard::models::HealthConfig {
                test: Some(vec!["NONE".to_owned()]),
                ..Default::default()
            }),
            host_config: Some(self.host_config(making, ports)),
            ..ContainerCreateBody::default()
        }
    }

    fn host_config(&self, making: &Making<'_>, ports: HashMap<String, Port>) -> HostConfig {
        let bindings = ports.into_iter().map(|(name, port)| {
            let binding =
                PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(port.host.to_string()) };
            (name, Some(vec![binding]))
        });
        let bytes = |memory| i64::try_from(memory).unwrap_or(i64::MAX);
        let has_own_network = !matches!(self.network, Network::None | Network::Host);
        HostConfig {
            auto_remove: Some(self.supply.ttl.is_some() && making.kind != Kind::Kept),
            // The runner carries the output; what the engine logged would fill its disk and slow the program.
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            mounts: Some(self.mounts(making)),
            network_mode: Some(self.network.name().to_owned()),
            port_bindings: Some(bindings.collect()),
            dns: has_own_network.then(|| self.dns.clone()),
            extra_hosts: has_own_network.then(|| vec!["host.docker.internal:host-gateway".to_owned()]),
            memory: self.memory.map(bytes),
            memory_swap: self.memory.map(bytes),
            #[expect(clippy::cast_possible_truncation, reason = "settings allow 1024 at most")]
            nano_cpus: self.cpus.map(|cpus| (cpus * 1e9) as i64),
            pids_limit: Some(bytes(self.pids)),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(self.read_only),
            ..HostConfig::default()
        }
    }

    /// What it is for once its run is over: without a time to live it stays.
    fn kept_as(&self, kind: Kind) -> Kind {
        if self.supply.ttl.is_none() { Kind::Kept } else { kind }
    }

    /// What the first process of the container is told.
    fn serve(&self, kind: Kind, is_far: bool) -> Vec<String> {
        // What another user makes we could not remove.
        let home =
            if self.is_for_own_user() { format!("{SHARED}/home") } else { "/tmp/stigmer-home".to_owned() };
        let mut words = vec!["serve".to_owned(), format!("{SHARED}/socket"), home];
        match (kind, self.supply.ttl) {
            // What brings the workspace there and back are conversations, too: the first is not the only one.
            (Kind::Fresh, Some(ttl)) if is_far => words.push(ttl.min(BETWEEN).as_secs().to_string()),
            (Kind::Kept, _) | (_, None) => {}
            (Kind::Shared | Kind::Serving, Some(ttl)) => words.push(ttl.as_secs().to_string()),
            (Kind::Fresh, Some(ttl)) => words.extend([ttl.as_secs().to_string(), "once".to_owned()]),
        }
        words
    }

    fn mounts(&self, making: &Making<'_>) -> Vec<DockerMount> {
        let bind = |source: &Path, target: &str, read_only| DockerMount {
            typ: Some(MountType::BIND),
            source: Some(source.display().to_string()),
            target: Some(target.to_owned()),
            read_only: Some(read_only),
            bind_options: Some(MountBindOptions::default()),
            ..DockerMount::default()
        };
        let memory = |target: String, mode| DockerMount {
            typ: Some(MountType::TMPFS),
            target: Some(target),
            tmpfs_options: Some(MountTmpfsOptions { mode: Some(mode), ..Default::default() }),
            ..DockerMount::default()
        };
        // Without a name it goes with its container.
        let volume = |target: &str| DockerMount {
            typ: Some(MountType::VOLUME),
            target: Some(target.to_owned()),
            volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
            ..DockerMount::default()
        };
        let mut mounts = match making.shared {
            Some(shared) => vec![
                bind(making.runner, RUNNER, true),
                bind(&self.workspace, WORKSPACE, false),
                bind(shared, SHARED, false),
            ],
            None => vec![volume(OURS), volume(WORKSPACE)],
        };
        mounts.extend(self.mounts.iter().map(|mount| bind(&mount.source, &mount.target, mount.read_only)));
        // What is copied does not have it.
        let hidden = self.hidden.iter().filter(|_| making.shared.is_some());
        let hidden = hidden.map(|folder| memory(format!("{WORKSPACE}/{}", folder.display()), 0o700));
        mounts.extend(hidden);
        if self.read_only {
            mounts.extend(["/tmp", "/var/tmp"].map(|folder| memory(folder.to_owned(), 0o1777)));
        }
        mounts
    }

    /// What can be said about a sandbox of this recipe.
    pub(crate) fn facts(&self, image_id: &str, digest: Option<String>, engine: &str) -> SandboxFacts {
        SandboxFacts {
            image: self.image.clone(),
            image_id: image_id.to_owned(),
            digest,
            engine: engine.to_owned(),
            user: self.user.clone(),
            network: self.network.name().to_owned(),
            cpus: self.cpus,
            memory: self.memory,
            pids: self.pids,
            mounts: self.mounts.clone(),
            ports: self.ports.clone(),
            loosened: self.loosened.clone(),
            ..SandboxFacts::default()
        }
    }
}
