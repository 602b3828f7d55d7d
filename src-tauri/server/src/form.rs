//! The forms of the API: what requests and answers hold. They name what the engine has and decide nothing.

pub(crate) mod cloud;
pub(crate) mod image;
mod new;
mod run;
pub(crate) mod sandbox;
pub(crate) mod snapshot;

pub(crate) use new::LanguageWord;
pub use new::{Code, Input, NewRun, Work};
pub use run::{Run, RunDetail, RunList, StartedRun};
pub use sandbox::SandboxForm;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A failure: what happened, why, what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// A word that stays; `docs/errors.md` explains it.
    #[schema(example = "run-not-found")]
    pub code: String,
    /// What happened.
    pub message: String,
    /// Why, from the outermost cause inwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<String>,
}

impl From<&stigmer_engine::Report> for Report {
    fn from(report: &stigmer_engine::Report) -> Self {
        let stigmer_engine::Report { code, message, causes, hint } = report.clone();
        Self { code, message, causes, hint }
    }
}

/// Where a run executes.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Mode {
    /// A process on this machine.
    Local,
    /// A container.
    Sandbox,
    /// A sandbox in Daytona's cloud.
    Daytona,
    /// Local or sandbox, decided by the command.
    Auto,
}

/// Who started a run.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Origin {
    /// The command line.
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

/// Where a run is in its life; the last six are ends.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum State {
    /// Waiting for its turn.
    Queued,
    /// Its place is being made ready.
    Preparing,
    /// The program runs.
    Running,
    /// The program exited with 0.
    Succeeded,
    /// The program exited with another code, or a signal ended it.
    Failed,
    /// It was stopped on request.
    Cancelled,
    /// Its time was over.
    TimedOut,
    /// It could not be carried out.
    Error,
    /// The program that looked after it died.
    Lost,
}
