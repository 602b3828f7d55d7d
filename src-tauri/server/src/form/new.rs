//! A run that is asked for through the API.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use stigmer_engine::spec::{self, Environment, Guard, Language, Limits, Mode, Origin, RunSpec, Target};
use utoipa::ToSchema;

use super::sandbox::{SandboxForm, parsed};
use crate::problem::Problem;

/// A run to start. It begins with the environment of the user's login shell.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// What to run.
    pub work: Work,
    /// Where to run it; by default what the settings say.
    #[serde(default)]
    #[schema(value_type = Option<super::Mode>)]
    pub mode: Option<Mode>,
    /// The folder that it works on; absolute.
    #[schema(pattern = "^/[^\\x00]*$", example = "/home/you/project")]
    pub workspace: String,
    /// The working directory, if it is not the workspace; absolute or below the workspace.
    #[serde(default)]
    pub workdir: Option<String>,
    /// Variables to set.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of secrets in the keychain, to be set as variables of the same names.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Where its standard input comes from.
    #[serde(default)]
    pub input: Input,
    /// Longest time from the start of the program to its end.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    pub timeout_ms: Option<u64>,
    /// Time between asking it to end and forcing it; 5 seconds by default.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    pub grace_ms: Option<u64>,
    /// The session whose interpreter runs it, for a Python script: the variables of one run are there for the next.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,32}$")]
    pub session: Option<String>,
    /// `workspace` lets it write only there and to temporary folders; by default what the settings say.
    #[serde(default)]
    #[schema(value_type = Option<GuardWord>)]
    pub guard: Option<Guard>,
    /// The network of its sandbox: `none`, `bridge`, `host` or the name of one. `none` works with the guard, too: it
    /// can open and accept no TCP connection.
    #[serde(default)]
    pub network: Option<String>,
    /// What is asked of its sandbox, in a mode that has any.
    #[serde(default)]
    pub sandbox: SandboxForm,
    /// Whether it may run in the cloud though the setting `daytona.monthly_limit` is reached.
    #[serde(default)]
    pub over_limit: bool,
    /// Free words to find it by.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Who starts it; `api` by default.
    #[serde(default)]
    #[schema(value_type = Option<super::Origin>)]
    pub origin: Option<Origin>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "names the values of the engine's own type in the description")]
enum GuardWord {
    Off,
    Workspace,
}

/// What a run executes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// A line for a shell.
    Line {
        /// The line.
        line: String,
        /// The shell; by default the setting `local.shell`, else `sh`.
        #[serde(default)]
        shell: Option<String>,
    },
    /// A program and its arguments, passed exactly as they are.
    Program {
        /// Program first.
        #[schema(min_items = 1)]
        argv: Vec<String>,
    },
    /// A script in a language that has an interpreter.
    Script {
        /// The language.
        #[schema(value_type = LanguageWord)]
        language: Language,
        /// Where the code is.
        code: Code,
        /// Arguments for the script.
        #[serde(default)]
        args: Vec<String>,
    },
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "names the values of the engine's own type in the description")]
pub(crate) enum LanguageWord {
    Python,
    Javascript,
    Typescript,
    Bash,
}

/// Where the code of a script is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Code {
    /// In a file.
    File {
        /// The file; absolute.
        path: String,
    },
    /// Here.
    Inline {
        /// The code.
        text: String,
    },
}

/// Where the standard input of a run comes from.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// Nowhere: reading finds the end at once.
    #[default]
    Closed,
    /// From `POST /runs/{id}/input`.
    Piped,
    /// From a terminal, fed by the same, that also takes the output.
    Terminal {
        /// Columns at the start.
        #[schema(maximum = 65535)]
        #[serde(deserialize_with = "crate::take::whole")]
        cols: u16,
        /// Rows at the start.
        #[schema(maximum = 65535)]
        #[serde(deserialize_with = "crate::take::whole")]
        rows: u16,
    },
}

impl TryFrom<NewRun> for RunSpec {
    type Error = Problem;

    fn try_from(new: NewRun) -> Result<Self, Problem> {
        let set = new.env.into_iter().map(|(name, value)| (name, Some(value.into()))).collect();
        let grace = new.grace_ms.map_or_else(|| Limits::default().grace, Duration::from_millis);
        Ok(Self {
            workdir: new.workdir.map(Into::into),
            target: Target { mode: new.mode, sandbox: new.sandbox.try_into()? },
            env: Environment { set, ..Environment::default() },
            secrets: new.secrets,
            input: match new.input {
                Input::Closed => spec::Input::Closed,
                Input::Piped => spec::Input::Piped,
                Input::Terminal { cols, rows } => spec::Input::Terminal { cols, rows },
            },
            limits: Limits { timeout: new.timeout_ms.map(Duration::from_millis), grace },
            session: new.session,
            guard: new.guard,
            network: new.network.map(|name| parsed(&name, "network")).transpose()?,
            labels: new.labels,
            over_limit: new.over_limit,
            origin: new.origin.unwrap_or(Origin::Api),
            ..Self::new(new.work.into(), new.workspace)
        })
    }
}

impl From<Work> for spec::Work {
    fn from(work: Work) -> Self {
        match work {
            Work::Line { line, shell } => Self::Line { line: line.into(), shell: shell.map(Into::into) },
            Work::Program { argv } => Self::Program { argv: argv.into_iter().map(Into::into).collect() },
            Work::Script { language, code, args } => Self::Script {
                language,
                code: match code {
                    Code::File { path } => spec::Code::File { path: path.into() },
                    Code::Inline { text } => spec::Code::Inline { text },
                },
                args: args.into_iter().map(Into::into).collect(),
            },
        }
    }
}
