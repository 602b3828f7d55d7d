//! A run as programs see it: the rows of `stigmer runs --json` and the answers of the API.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use stigmer_engine::engine::Engine;
use stigmer_engine::history::{Event, What};
use stigmer_engine::spec::{Mode, Origin, RunId};
use stigmer_engine::state::{Outcome, RunRecord, RunState};
use stigmer_engine::{Error, Result};
use utoipa::ToSchema;

use super::Report;

/// A run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Run {
    /// Its id, a `UUIDv7`: later ones are greater.
    #[schema(value_type = String, format = Uuid)]
    pub run_id: RunId,
    /// Where it is in its life.
    #[schema(value_type = super::State)]
    pub state: &'static str,
    /// The program's own code, or 128 + N when signal N ended it.
    pub exit_code: Option<i32>,
    /// The mode that was taken.
    #[schema(value_type = super::Mode)]
    pub mode: Mode,
    /// What runs, as one line.
    pub command: String,
    /// The folder that it works on.
    pub workspace: String,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When its program started.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// From the start of the program to its end.
    pub duration_ms: Option<u64>,
    /// What its cloud sandbox cost it in US dollars, estimated; so far while it goes on. Null for runs elsewhere, and where
    /// nobody knows.
    pub cost_usd: Option<f64>,
    /// What an hour of that sandbox costs in US dollars, by the rates when the run got it.
    pub cost_per_hour: Option<f64>,
    /// Since when the run has it: from here on it costs something.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cost_since: Option<Timestamp>,
    /// Bytes of output, known at its end.
    pub bytes: u64,
    /// Free words to find it by.
    pub labels: Vec<String>,
    /// Who started it.
    #[schema(value_type = super::Origin)]
    pub origin: Origin,
    /// Whether it is kept whatever its age.
    pub pinned: bool,
    /// The run that it repeats.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub rerun_of: Option<RunId>,
    /// The session whose interpreter ran it.
    pub session: Option<String>,
    /// What stood in its way, if that is how it ended.
    pub error: Option<Report>,
    /// What its place is waiting for, while it is being made ready.
    pub step: Option<String>,
}

impl Run {
    /// The run of a record. For one that is being made ready, `events` say with what.
    pub fn new(record: &RunRecord, events: &[Event]) -> Self {
        let outcome = record.state.ending().map(|ending| &ending.outcome);
        let is_preparing = matches!(record.state, RunState::Preparing);
        let step = events.iter().rev().find_map(|event| match &event.what {
            What::Preparing { step } | What::Progress { step, .. } if is_preparing => Some(step.clone()),
            _ => None,
        });
        let meter = record.place.cloud.as_ref().and_then(|cloud| cloud.meter());
        Self {
            run_id: record.id,
            state: record.state.word(),
            exit_code: outcome.and_then(Outcome::exit_code),
            mode: record.place.mode,
            command: record.spec.work.to_string(),
            workspace: shown(&record.spec.workspace),
            created: record.created,
            started: record.started,
            ended: record.state.ending().map(|ending| ending.at),
            duration_ms: record.duration().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            cost_usd: record.cost(Timestamp::now()),
            cost_per_hour: meter.map(|(per_hour, _)| per_hour),
            cost_since: meter.map(|(_, since)| since),
            bytes: record.bytes,
            labels: record.spec.labels.clone(),
            origin: record.spec.origin,
            pinned: record.pinned,
            rerun_of: record.spec.rerun_of,
            session: record.spec.session.clone(),
            error: match outcome {
                Some(Outcome::Error { error }) => Some(error.into()),
                _ => None,
            },
            step,
        }
    }

    /// The same, asking the engine for what the record does not say.
    pub fn of(engine: &Engine, record: &RunRecord) -> Self {
        // Only runs that are being made ready have a step, and they are few.
        let is_preparing = matches!(record.state, RunState::Preparing);
        let events = if is_preparing { engine.events(record.id, 0) } else { Ok((Vec::new(), None)) };
        Self::new(record, &events.map(|(events, _)| events).unwrap_or_default())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Everything that is known about a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunDetail {
    /// What a list says about it.
    #[serde(flatten)]
    pub run: Run,
    /// What was asked for; variables by name only.
    #[schema(value_type = Object)]
    pub spec: Value,
    /// The mode that was taken, why, and what was found there.
    #[schema(value_type = Object)]
    pub place: Value,
    /// How it ended.
    #[schema(value_type = Option<Object>)]
    pub ending: Value,
    /// What happened to it, in order.
    #[schema(value_type = Vec<Object>)]
    pub events: Value,
    /// Lines of output so far.
    pub lines: u64,
    /// The folder of its log and its events.
    pub folder: String,
}

impl RunDetail {
    /// Everything about a run.
    pub async fn read(engine: &Engine, id: RunId) -> Result<Self> {
        let record = engine.get(id).await?;
        let (events, _) = engine.events(id, 0)?;
        let log = engine.log(id);
        let length = move || Ok::<_, Error>((log.length()?, log.line_count()?));
        let (bytes, lines) = tokio::task::spawn_blocking(length).await.unwrap_or(Err(Error::Stopped))?;
        let mut run = Run::new(&record, &events);
        if record.state.ending().is_none() {
            run.bytes = bytes;
        }
        Ok(Self {
            run,
            spec: json!(record.spec),
            place: json!(record.place),
            ending: json!(record.state.ending()),
            events: json!(events),
            lines,
            folder: shown(&engine.home().run(id)),
        })
    }
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunList {
    /// Newest first.
    pub runs: Vec<Run>,
    /// How many match, on all pages.
    pub total: u64,
}

/// The answer to a run that was started.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedRun {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub run_id: RunId,
}
