//! The settings of the engine: what they are, where they come from, how they change.
//!
//! A setting is taken from the strongest place that has it: command line, environment, project file, user
//! file, default. Every value remembers its [`Origin`]. Nothing here reads the process environment: what
//! counts is in [`Sources`]. One table, [`KEYS`], says what there is; the rest derives from it.
//!
//! [`Config::load`] fails at the first mistake, [`check`] finds them all, [`set`] and [`unset`] edit a file
//! without touching the rest of it, [`watch()`] sees the files change.

mod edit;
mod file;
mod keys;
mod kind;
mod reference;
mod sources;
mod units;
mod value;
mod watch;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

pub use self::edit::{set, unset};
pub use self::keys::{KEYS, Key, Variable, find, nearest};
pub use self::kind::{Field, Kind};
pub use self::reference::reference;
pub use self::sources::{Environment, Sources, UserFile, project_file};
pub use self::units::Unit;
pub use self::value::{Secret, Value};
pub use self::watch::{State, watch};

use crate::error::{Error, Result};
use crate::os;
use crate::spec::{Guard, Mode};

/// Name of the settings of a project.
pub const PROJECT_FILE: &str = ".stigmer.yaml";

/// All settings, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// One for each key, in the order of [`KEYS`].
    settings: Vec<Setting>,
    warnings: Vec<Warning>,
}

/// One setting, resolved.
#[derive(Clone)]
pub struct Setting {
    /// What it is.
    pub key: &'static Key,
    /// Its value; `None` if nobody set it and it has no default.
    pub value: Option<Value>,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line of its name, from 1.
        line: usize,
        /// Whose settings these are.
        which: Which,
    },
    /// The environment.
    Environment {
        /// The variable.
        variable: &'static str,
    },
    /// The command line.
    Option,
}

/// Whose settings a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The user's.
    User,
    /// The project's.
    Project,
}

/// Something in a file that is probably not what its author wants, and no reason to fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The name as it stands there, in full.
    pub key: String,
    /// What is the matter with it, to be read after the name.
    pub what: String,
    /// The known name that may have been meant.
    pub nearest: Option<&'static str>,
}

/// The limits of what is kept of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logs {
    /// Bytes kept of one run's output.
    pub max_run_size: u64,
    /// How long an unpinned run is remembered.
    pub retention: Duration,
    /// Bytes that all runs together may take.
    pub max_total_size: u64,
}

/// What is wrong and what is doubtful with a configuration.
#[derive(Debug)]
pub struct Findings {
    /// Mistakes, weakest source first. Not empty means that [`Config::load`] fails.
    pub problems: Vec<Error>,
    /// Doubts.
    pub warnings: Vec<Warning>,
}

/// Finds every mistake in every source.
pub fn check(sources: &Sources) -> Findings {
    let (config, problems) = sources::resolve(sources);
    Findings { problems, warnings: config.warnings }
}

impl Config {
    /// Resolves all settings. Reads files, so it does not belong on a thread that must not wait.
    ///
    /// Fails at the first mistake of the weakest source that has one.
    pub fn load(sources: &Sources) -> Result<Self> {
        let (config, problems) = sources::resolve(sources);
        problems.into_iter().next().map_or(Ok(config), Err)
    }

    /// Where runs execute unless told otherwise.
    pub fn mode(&self) -> Mode {
        match self.value("mode") {
            Some(Value::Mode(mode)) => *mode,
            _ => Mode::default(),
        }
    }

    /// The shell for command lines, if the user chose one.
    pub fn shell(&self) -> Option<&Path> {
        self.text("local.shell").map(Path::new)
    }

    /// How local runs are confined.
    pub fn guard(&self) -> Guard {
        if self.text("local.guard") == Some("workspace") { Guard::Workspace } else { Guard::Off }
    }

    /// The limits of what is kept of runs.
    pub fn logs(&self) -> Logs {
        let days = self.integer("logs.retention_days").unwrap_or(30);
        Logs {
            max_run_size: self.size("logs.max_run_size").unwrap_or(1 << 30),
            retention: Duration::from_secs(days * 86_400),
            max_total_size: self.size("logs.max_total_size").unwrap_or(5 << 30),
        }
    }

    /// The setting of this name. Fails if there is none, with the nearest name that exists.
    pub fn get(&self, name: &str) -> Result<&Setting> {
        self.settings.iter().find(|setting| setting.key.name == name).ok_or_else(|| unknown(name))
    }

    /// Where the value of a setting comes from.
    pub fn origin(&self, name: &str) -> &Origin {
        debug_assert!(find(name).is_some(), "the table has no `{name}`");
        let setting = self.settings.iter().find(|setting| setting.key.name == name);
        setting.map_or(&Origin::Default, |setting| &setting.origin)
    }

    /// Every setting, in the order in which people are shown them.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Doubts about the files.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A text or choice. Like the other getters, `None` also stands for a value of another kind.
    pub fn text(&self, name: &str) -> Option<&str> {
        if let Some(Value::Text(text)) = self.value(name) { Some(text) } else { None }
    }

    /// A yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        if let Some(Value::Bool(yes)) = self.value(name) { Some(*yes) } else { None }
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Option<u64> {
        if let Some(Value::Integer(number)) = self.value(name) { Some(*number) } else { None }
    }

    /// A number that may have a fraction.
    pub fn number(&self, name: &str) -> Option<f64> {
        if let Some(Value::Number(number)) = self.value(name) { Some(*number) } else { None }
    }

    /// A time.
    pub fn time(&self, name: &str) -> Option<Duration> {
        if let Some(Value::Time(time)) = self.value(name) { Some(*time) } else { None }
    }

    /// Bytes.
    pub fn size(&self, name: &str) -> Option<u64> {
        if let Some(Value::Size(bytes)) = self.value(name) { Some(*bytes) } else { None }
    }

    /// A list; empty if nobody set it.
    pub fn list(&self, name: &str) -> &[Value] {
        if let Some(Value::List(items)) = self.value(name) { items } else { &[] }
    }

    /// Texts by name; empty if nobody set it.
    pub fn texts(&self, name: &str) -> BTreeMap<String, String> {
        let text = |(name, value): (&String, &Value)| match value {
            Value::Text(text) => Some((name.clone(), text.clone())),
            _ => None,
        };
        let Some(Value::Map(entries)) = self.value(name) else { return BTreeMap::new() };
        entries.iter().filter_map(text).collect()
    }

    /// Something that nobody is shown.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        if let Some(Value::Secret(secret)) = self.value(name) { Some(secret) } else { None }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        debug_assert!(find(name).is_some(), "the table has no `{name}`");
        self.settings.iter().find(|setting| setting.key.name == name)?.value.as_ref()
    }

    /// Whether all values and doubts are the same, wherever the values come from.
    fn says_the_same(&self, other: &Self) -> bool {
        let values = self.settings.iter().map(|one| &one.value);
        values.eq(other.settings.iter().map(|one| &one.value)) && self.warnings == other.warnings
    }
}

impl Setting {
    /// The value as text that `config set` takes; empty if there is none, masked if it is secret.
    pub fn shown(&self) -> String {
        self.value.as_ref().map(|value| self.key.kind.show(value)).unwrap_or_default()
    }
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.key.name == other.key.name && self.value == other.value && self.origin == other.origin
    }
}

impl fmt::Debug for Setting {
    /// `sandbox.ttl = 3600 (default)`, as the key itself would fill a page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.key.name, self.shown(), self.origin)
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Setting", 4)?;
        fields.serialize_field("key", self.key.name)?;
        fields.serialize_field("value", &self.value)?;
        fields.serialize_field("shown", &self.shown())?;
        fields.serialize_field("origin", &self.origin)?;
        fields.end()
    }
}

/// Makes an empty settings file that only its owner may read, where there is none.
pub fn create_if_missing(path: &Path) -> Result<()> {
    let create = || {
        if let Some(folder) = path.parent() {
            os::create_private_dir(folder)?;
        }
        os::private(std::fs::OpenOptions::new().append(true).create(true)).open(path).map(drop)
    };
    create().map_err(Error::storage("creating", path))
}

/// A size as people write it, such as `1 GiB` or `500MB`, in bytes.
pub fn parse_size(text: &str) -> Result<u64> {
    units::size(text).ok_or_else(|| Error::Config {
        what: format!("`{text}` is no size"),
        hint: "write a size such as 500 MiB or 2 GiB".to_owned(),
    })
}

impl Origin {
    /// The kind of place, as programs are told it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { which: Which::User, .. } => "user",
            Self::File { which: Which::Project, .. } => "project",
            Self::Environment { .. } => "environment",
            Self::Option => "option",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Self::Environment { variable } => f.write_str(variable),
            Self::Option => f.write_str("command line"),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: `{}` {}", self.path.display(), self.line, self.key, self.what)?;
        self.nearest.map_or(Ok(()), |known| write!(f, "; did you mean `{known}`?"))
    }
}

/// There is no such setting.
fn unknown(name: &str) -> Error {
    let inside =
        KEYS.iter().find(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    if let Some(inside) = inside {
        let hint = format!("name one of its settings, for instance `{}`", inside.name);
        return Error::Config { what: format!("`{name}` is a section of settings"), hint };
    }
    let hint = match nearest(name) {
        Some(known) => format!("did you mean `{known}`?"),
        None => "see `stigmer config list` for what there is".to_owned(),
    };
    Error::Config { what: format!("there is no setting `{name}`"), hint }
}
