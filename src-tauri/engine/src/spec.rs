//! What to run, where, and within which limits.

mod image;
mod sandbox;
#[cfg(all(test, unix))]
mod tests;
mod text;
mod work;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::image::{Build, BuildSource, Customize, ImageTask};
pub use self::sandbox::{Mount, Network, Port, Sandbox};
pub use self::text::Text;
use self::text::path_form;
pub use self::work::{Code, Language, Work};
use crate::error::Error;

/// Names a run: a `UUIDv7`, so ids sort by time. Also the name of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(uuid::Uuid);

impl RunId {
    /// A new id, later than every id that this process made before.
    #[expect(clippy::new_without_default, reason = "each id is another one; a default would lie")]
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        given.parse().map(Self).map_err(|_| Error::RunNotFound { given: given.to_owned() })
    }
}

/// One run, completely described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// What to run.
    pub work: Work,
    /// Where to run it.
    #[serde(default)]
    pub target: Target,
    /// The folder that the run works on; absolute.
    #[serde(with = "path_form")]
    pub workspace: PathBuf,
    /// The working directory, if it is not the workspace; absolute or below the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "path_form::optional")]
    pub workdir: Option<PathBuf>,
    /// Its variables.
    #[serde(default)]
    pub env: Environment,
    /// Names of secrets that are put into the environment under the same names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Where its standard input comes from.
    #[serde(default)]
    pub input: Input,
    /// Limits on what it may use.
    #[serde(default)]
    pub limits: Limits,
    /// The session whose interpreter runs it, for a Python script: the variables of one run are there for the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// How it is confined; `None` leaves it to the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// Which network it sees; `None` is that of its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Who started it.
    #[serde(default)]
    pub origin: Origin,
    /// Free words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The run that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<RunId>,
    /// Whether it may run in the cloud though the limit of the month is reached. Holds for this once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_limit: bool,
}

impl RunSpec {
    /// This work on this workspace, everything else as it usually is.
    pub fn new(work: Work, workspace: impl Into<PathBuf>) -> Self {
        Self {
            work,
            target: Target::default(),
            workspace: workspace.into(),
            workdir: None,
            env: Environment::default(),
            secrets: Vec::new(),
            input: Input::default(),
            limits: Limits::default(),
            session: None,
            guard: None,
            network: None,
            origin: Origin::default(),
            labels: Vec::new(),
            rerun_of: None,
            over_limit: false,
        }
    }

    /// What the history keeps: the same without the values of variables, and without what was allowed once.
    #[must_use]
    pub fn without_values(&self) -> Self {
        let mut kept = self.clone();
        kept.env.base = Base::default();
        kept.env.set.values_mut().for_each(|value| *value = None);
        kept.over_limit = false;
        kept
    }
}

/// Where a run executes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The mode that was asked for; `None` leaves it to the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What is asked of the sandbox, where the run gets one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sandbox: Sandbox,
}

impl Target {
    /// This mode, and everything else as the settings have it.
    pub fn mode(mode: Mode) -> Self {
        Self { mode: Some(mode), ..Self::default() }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A kind of place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A process on this machine.
    #[default]
    Local,
    /// A container.
    Sandbox,
    /// A sandbox in Daytona's cloud.
    Daytona,
    /// Local or sandbox, decided by the command.
    Auto,
}

impl Mode {
    /// Its name in options, settings and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Sandbox => "sandbox",
            Self::Daytona => "daytona",
            Self::Auto => "auto",
        }
    }
}

impl FromStr for Mode {
    type Err = ();

    /// Understands the names, and `cloud` for Daytona as older settings have it.
    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "local" => Ok(Self::Local),
            "sandbox" => Ok(Self::Sandbox),
            "daytona" | "cloud" => Ok(Self::Daytona),
            "auto" => Ok(Self::Auto),
            _ => Err(()),
        }
    }
}

/// The variables of a run.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// What it starts from where the place has no environment of its own.
    #[serde(default)]
    pub base: Base,
    /// Variables set for this run. `None` stands in records, which keep names and no values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Option<Text>>,
}

impl fmt::Debug for Environment {
    /// Names only: a value may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.set.keys()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginShell => f.write_str("LoginShell"),
            Self::Caller(variables) => write!(f, "Caller({} variables)", variables.len()),
        }
    }
}

/// What the environment of a local run starts from.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// What the user's login shell has, resolved once by the engine.
    #[default]
    LoginShell,
    /// Exactly these variables: those of the caller.
    Caller(Vec<(Text, Text)>),
}

/// Where the standard input of a run comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Nowhere: reading finds the end at once.
    #[default]
    Closed,
    /// From the engine, through [`crate::engine::Engine::input`].
    Piped,
    /// From a terminal that also takes the output.
    Terminal {
        /// Columns at the start.
        cols: u16,
        /// Rows at the start.
        rows: u16,
    },
}

/// Limits of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest time from the start of the program to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Time between asking the process tree to end and forcing it.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: None, grace: Duration::from_secs(5) }
    }
}

/// How a local run is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Not at all.
    Off,
    /// It reads the system, but writes only to the workspace and to temporary folders.
    Workspace,
}

/// Who started a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The command line.
    #[default]
    CommandLine,
    /// The window.
    Window,
    /// The tray.
    Tray,
    /// A program, through the API.
    Api,
    /// A coding agent.
    Agent,
}
