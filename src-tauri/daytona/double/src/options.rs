//! How a double behaves as long as no fault is in its way.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Every permission that a key can have.
pub(crate) const PERMISSIONS: [&str; 16] = [
    "write:registries",
    "delete:registries",
    "write:snapshots",
    "delete:snapshots",
    "write:sandboxes",
    "delete:sandboxes",
    "read:volumes",
    "write:volumes",
    "delete:volumes",
    "write:regions",
    "delete:regions",
    "read:runners",
    "write:runners",
    "delete:runners",
    "read:audit_logs",
    "write:secrets",
];

/// What a double is like.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens. Port zero takes a free one.
    pub listen: SocketAddr,
    /// The one key that is good.
    pub key: String,
    /// What that key may do.
    pub permissions: Vec<String>,
    /// How long each state lasts that passes by itself (`creating`, `stopping`, `pulling`, …).
    pub delay: Duration,
    /// How long it takes until lists show a new sandbox, which come from a search index in the original.
    pub list_lag: Duration,
    /// How long a build takes.
    pub build: Duration,
    /// How long the answer to a create or a start waits for `started`. The original holds it for 30 seconds.
    pub hold: Duration,
    /// The time between the end of a command and the end of its followed log. About a second in the original.
    pub log_close: Duration,
    /// The time between the polite and the forced end when a session is deleted. 5 seconds in the original.
    pub grace: Duration,
    /// The time after a deactivation in which a snapshot cannot be activated. 10 minutes in the original.
    pub cooldown: Duration,
    /// How long a minute of the timers (stop, archive, delete, lifetime) really lasts.
    pub minute: Duration,
    /// The largest piece of a log in one message of its socket, in bytes. Pieces have random sizes up to it.
    pub chunk: usize,
    /// What an organization may use.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            key: "dtn_test".to_owned(),
            permissions: PERMISSIONS.map(str::to_owned).to_vec(),
            delay: Duration::from_millis(300),
            list_lag: Duration::ZERO,
            build: Duration::from_millis(1500),
            hold: Duration::from_secs(30),
            log_close: Duration::from_secs(1),
            grace: Duration::from_secs(5),
            cooldown: Duration::from_secs(2),
            minute: Duration::from_mins(1),
            chunk: 1024,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// The defaults with everything that takes time taking very little.
    pub fn quick() -> Self {
        Self {
            delay: Duration::from_millis(20),
            build: Duration::from_millis(50),
            log_close: Duration::from_millis(50),
            grace: Duration::from_secs(1),
            cooldown: Duration::from_millis(200),
            ..Self::default()
        }
    }
}

/// What an organization may use: whole processors, GiB, and pieces.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Processors of one sandbox.
    pub cpu: i64,
    /// Memory of one sandbox, in GiB.
    pub memory: i64,
    /// Disk of one sandbox, in GiB.
    pub disk: i64,
    /// Processors of all sandboxes that run.
    pub total_cpu: i64,
    /// Snapshots of the organization.
    pub snapshots: usize,
    /// Volumes of the organization.
    pub volumes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cpu: 4, memory: 8, disk: 10, total_cpu: 100, snapshots: 30, volumes: 100 }
    }
}
