//! Every setting there is, in one table.
//!
//! Validation, listing, editing, names of variables, suggestions and the reference in
//! `docs/configuration.md` all derive from it: a new setting is a new line here.

use super::kind::{Field, Kind};
use super::units::Unit;

/// A setting: what it is called, what it may be, what it is for.
#[derive(Debug)]
pub struct Key {
    /// Its full name, as in `sandbox.ttl`.
    pub name: &'static str,
    /// Environment variables that set it, strongest first.
    pub variables: &'static [Variable],
    /// What it may be.
    pub kind: Kind,
    /// Its value if nobody sets it, as text.
    pub default: Option<&'static str>,
    /// What it is for, in one line of Markdown without a full stop.
    pub doc: &'static str,
    /// Whether only the user's own file may set it. A project file comes with somebody else's code: it may
    /// not say where keys are sent, which programs stand in for the user's, or how far the guard reaches.
    pub personal: bool,
}

/// An environment variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Whether other programs use it too. Then a value that does not fit is theirs and no mistake.
    pub shared: bool,
}

const fn var(name: &'static str) -> Variable {
    Variable { name, shared: false }
}

const fn shared(name: &'static str) -> Variable {
    Variable { name, shared: true }
}

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, variables: &[], kind, default: None, doc, personal: false }
}

impl Key {
    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn from(mut self, variables: &'static [Variable]) -> Self {
        self.variables = variables;
        self
    }

    const fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    /// Whether its value is never shown and never written to a file.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }

    /// A value that it may have, as it stands in a file.
    pub fn example(&self) -> String {
        self.default.map_or_else(|| self.kind.example(), str::to_owned)
    }
}

const TEXTS: Kind = Kind::List(&Kind::Text);

/// Every setting, in the order in which people are shown them.
pub static KEYS: &[Key] = &[
    key(
        "mode",
        Kind::Mode,
        "Where commands run unless told otherwise; `cloud` is an older name of `daytona`",
    )
    .or("local")
    .from(&[var("STIGMER_EXECUTION_MODE"), shared("MODE")]),
    key("local.shell", Kind::Text, "The shell for command lines; by default `sh`").personal(),
    key(
        "local.guard",
        Kind::Choice(&["off", "workspace"]),
        "`workspace` lets local runs write only to the workspace and temporary folders",
    )
    .or("off")
    .personal(),
    key("session.memory", Kind::Size, "Memory that the interpreter of a session may write to").or("4 GiB"),
    key(
        "session.idle",
        Kind::Time(Unit::Seconds),
        "How long a session goes on after its last run where no app or server looks after it",
    )
    .or("3600"),
    key(
        "sandbox.type",
        Kind::Choice(&["docker", "daytona", "local"]),
        "Accepted from older files and without effect: `mode` decides",
    ),
    key("sandbox.image", Kind::Text, "The image that sandboxes are made from")
        .or("ghcr.io/stigmer/agent-sandbox-basic:latest")
        .from(&[var("STIGMER_SANDBOX_IMAGE")]),
    key("sandbox.auto_pull", Kind::Bool, "Fetch the image when it is missing")
        .or("true")
        .from(&[var("STIGMER_SANDBOX_AUTO_PULL")]),
    key("sandbox.cleanup", Kind::Bool, "Remove containers that are no longer used")
        .or("true")
        .from(&[var("STIGMER_SANDBOX_CLEANUP")]),
    key(
        "sandbox.ttl",
        Kind::Time(Unit::Seconds),
        "How long a container is kept after its last run, in seconds",
    )
    .or("3600")
    .from(&[var("STIGMER_SANDBOX_TTL")]),
    key("sandbox.warm", Kind::Integer(0, 16), "How many unused containers are held ready for fresh runs")
        .or("1"),
    key("sandbox.snapshot_id", Kind::Text, "The Daytona snapshot to start from; by default Daytona's own")
        .from(&[var("DAYTONA_DEV_TOOLS_SNAPSHOT_ID")]),
    key(
        "sandbox.network",
        Kind::Choice(&["none", "bridge", "host"]),
        "What of the network a sandbox reaches",
    )
    .or("bridge"),
    key(
        "sandbox.cpus",
        Kind::Number(0.01, 1024.0),
        "CPUs that a sandbox may use; by default chosen for the machine",
    ),
    key("sandbox.memory", Kind::Size, "Memory that a sandbox may use; by default chosen for the machine"),
    key("sandbox.pids", Kind::Integer(1, 4_194_304), "Processes that a sandbox may have").or("4096"),
    key("sandbox.mounts", TEXTS, "Folders that a sandbox sees, each `SRC:DST` or `SRC:DST:ro`"),
    key("sandbox.env", Kind::Map, "Variables that are set in a sandbox"),
    key("sandbox.ports", TEXTS, "Ports that are reachable from outside, each `HOST:SANDBOX`"),
    key("sandbox.user", Kind::Text, "User that commands run as, `UID:GID` or a name; by default yours"),
    key("sandbox.dns", TEXTS, "Name servers of a sandbox; by default those of Docker"),
    key("sandbox.read_only", Kind::Bool, "Forbid writing outside the workspace and temporary folders")
        .or("false"),
    key(
        "sandbox.docker_host",
        Kind::Text,
        "Socket or address of Docker; by default that of the current context",
    )
    .from(&[var("DOCKER_HOST")])
    .personal(),
    key("sandbox.docker_context", Kind::Text, "Docker context to use; by default the current one")
        .from(&[var("DOCKER_CONTEXT")])
        .personal(),
    key("sandbox.docker_cert_path", Kind::Text, "Folder of the certificates for a remote Docker")
        .from(&[var("DOCKER_CERT_PATH")])
        .personal(),
    key("sandbox.docker_tls_verify", Kind::Bool, "Check the certificate of a remote Docker")
        .from(&[var("DOCKER_TLS_VERIFY")])
        .personal(),
    key("daytona.api_key", Kind::Secret, "The Daytona API key; better not in a file")
        .from(&[var("DAYTONA_API_KEY")])
        .personal(),
    key("daytona.api_url", Kind::Text, "Address of the Daytona API; by default Daytona's cloud")
        .from(&[var("DAYTONA_API_URL")])
        .personal(),
    key(
        "daytona.target",
        Kind::Text,
        "Region that sandboxes are made in; by default that of the organization",
    )
    .from(&[var("DAYTONA_TARGET")]),
    key(
        "daytona.organization_id",
        Kind::Text,
        "Organization that sandboxes belong to; by default that of the key",
    )
    .from(&[var("DAYTONA_ORGANIZATION_ID")])
    .personal(),
    key(
        "daytona.auto_stop",
        Kind::Time(Unit::Minutes),
        "Idle time after which a sandbox stops, in minutes; `0` for never",
    )
    .or("15"),
    key(
        "daytona.auto_archive",
        Kind::Time(Unit::Minutes),
        "Time after which a stopped sandbox is archived, in minutes; `0` for the longest possible",
    )
    .or("7d"),
    key(
        "daytona.auto_delete",
        Kind::Time(Unit::Minutes),
        "Time after which a stopped sandbox is deleted, in minutes; `0` for at once, by default never",
    ),
    key("daytona.ephemeral", Kind::Bool, "Delete each sandbox when it stops").or("false"),
    key(
        "daytona.confirm_upload",
        Kind::Bool,
        "Ask before a workspace is copied to the cloud for the first time",
    )
    .or("true")
    .personal(),
    key("daytona.cpu", Kind::Integer(1, 4), "Virtual CPUs of a sandbox").or("1"),
    key("daytona.memory", Kind::Integer(1, 8), "Memory of a sandbox, in GiB").or("1"),
    key("daytona.disk", Kind::Integer(1, 10), "Disk of a sandbox, in GiB").or("3"),
    key("daytona.env", Kind::Map, "Variables that are set in a Daytona sandbox"),
    key("daytona.labels", Kind::Map, "Labels that Daytona sandboxes carry besides ours"),
    key("daytona.rates.cpu", Kind::Number(0.0, 1.0), "What a virtual CPU costs in a second, in US dollars")
        .or("0.000014")
        .personal(),
    key("daytona.rates.memory", Kind::Number(0.0, 1.0), "What a GiB of memory costs in a second, in US dollars")
        .or("0.0000045")
        .personal(),
    key("daytona.rates.disk", Kind::Number(0.0, 1.0), "What a GiB of disk costs in a second, in US dollars")
        .or("0.00000003")
        .personal(),
    key("daytona.rates.free_disk", Kind::Integer(0, 10_000), "GiB of a sandbox's disk that cost nothing")
        .or("5")
        .personal(),
    key(
        "daytona.monthly_limit",
        Kind::Number(0.01, 1_000_000.0),
        "What runs in the cloud may cost in a month, in US dollars, before you are asked; by default anything",
    )
    .personal(),
    key(
        "daytona.unused_days",
        Kind::Integer(1, 3650),
        "Days without use after which a cloud sandbox is pointed out",
    )
    .or("3"),
    key(
        "auto.rules",
        Kind::Records(RULES),
        "Rules of your own for `mode: auto`, tried before the built-in ones",
    ),
    key("logs.max_run_size", Kind::Size, "How much of a run's output is kept").or("1 GiB"),
    key("logs.retention_days", Kind::Integer(1, 36_500), "Days after which an unpinned run is forgotten")
        .or("30"),
    key(
        "logs.max_total_size",
        Kind::Size,
        "How much the logs of all runs may take before old runs are forgotten",
    )
    .or("5 GiB"),
    key("quick_runs", Kind::Records(QUICK_RUNS), "Saved commands, one keystroke or tray click away"),
    key(
        "mcp.modes",
        Kind::List(&Kind::Choice(&["local", "sandbox", "daytona"])),
        "Modes that coding agents may use; `local` only with the guard",
    )
    .or("[local, sandbox, daytona]")
    .personal(),
    key("ui.theme", Kind::Choice(&["system", "light", "dark"]), "Colours of the window")
        .or("system")
        .personal(),
    key("ui.font_size", Kind::Integer(8, 32), "Size of the text of logs, in pixels").or("13").personal(),
    key("ui.shortcut", Kind::Text, "Global shortcut that opens the palette")
        .or("CmdOrCtrl+Shift+Space")
        .personal(),
];

/// A rule of auto mode.
const RULES: &[Field] = &[
    Field { name: "command", kind: Kind::Text, required: true },
    Field { name: "mode", kind: Kind::Choice(&["local", "sandbox"]), required: true },
    Field { name: "reason", kind: Kind::Text, required: false },
];

/// A saved command.
const QUICK_RUNS: &[Field] = &[
    Field { name: "name", kind: Kind::Text, required: true },
    Field { name: "command", kind: Kind::Text, required: true },
    Field { name: "mode", kind: Kind::Mode, required: false },
    Field { name: "workspace", kind: Kind::Text, required: false },
    Field { name: "shortcut", kind: Kind::Text, required: false },
];

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether settings stand below this name.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The setting or section whose name is nearest to one that does not exist, if it is near enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let sections = KEYS.iter().filter_map(|key| key.name.split_once('.').map(|(section, _)| section));
    // `ttl` alone is as likely meant as a misspelt `sandbox.tll`.
    let last = name.rsplit('.').next().unwrap_or(name);
    let unplaced = KEYS.iter().find(|key| key.name.rsplit('.').next() == Some(last)).map(|key| key.name);
    KEYS.iter()
        .map(|key| key.name)
        .chain(sections)
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 5) && *distance < name.len())
        .map(|(_, known)| known)
        .or(unplaced)
}
