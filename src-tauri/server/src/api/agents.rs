//! One call for a program that writes code: run this, wait, answer with what it printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use stigmer_engine::Error;
use stigmer_engine::config::Value;
use stigmer_engine::engine::Engine;
use stigmer_engine::log::{Piece, Stream, Tail};
use stigmer_engine::spec::{
    Code, Environment, Guard, Language, Limits, Mode, Origin, RunId, RunSpec, Target, Work,
};
use stigmer_engine::state::Outcome;
use utoipa::ToSchema;

use super::Shared;
use crate::form::{self, Report};
use crate::leash::Leash;
use crate::problem::{Problem, Refusal};
use crate::routes::Routes;
use crate::take::{InBody, InPath};

/// Most bytes of output in the answer: half of it from the beginning, half from the end.
const OUTPUT: usize = 1 << 20;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_execute, execute)
}

/// What an agent wants to be run: code, or a line for a shell.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Execute {
    /// Code in `language`.
    #[serde(default)]
    code: Option<String>,
    /// The language of the code; Python by default.
    #[serde(default)]
    #[schema(value_type = Option<form::LanguageWord>)]
    language: Option<Language>,
    /// A line for a shell, instead of code.
    #[serde(default)]
    command: Option<String>,
    /// Where to run it; by default what the settings say.
    #[serde(default)]
    #[schema(value_type = Option<form::Mode>)]
    mode: Option<Mode>,
    /// The folder to work on; absolute. By default the usual workspace.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    workspace: Option<PathBuf>,
    /// Variables to set.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Longest time from the start of the program to its end.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    timeout_ms: Option<u64>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
struct Executed {
    /// Whether it exited with 0.
    success: bool,
    /// The program's own code, or 128 + N when signal N ended it; `null` if it has none.
    exit_code: Option<i32>,
    /// What it printed, both streams in order of arrival. Where it is more than 1 MiB, the middle is left out and a
    /// line says how much.
    output: String,
    /// The run, to read more of it.
    #[schema(value_type = String, format = Uuid)]
    run_id: RunId,
    /// `succeeded`, `failed`, `cancelled`, `timed_out`, `error` or `lost`.
    #[schema(value_type = form::State)]
    state: &'static str,
    /// What stood in its way, if it could not be carried out.
    error: Option<Report>,
}

/// Runs what an agent wrote, waits for its end, and answers with its output. If the caller goes away, the run is
/// ended. In local mode it may write only to its workspace and to temporary folders.
#[utoipa::path(post, path = "/api/v1/agents/{agent_id}/execute", tag = "agents", request_body = Execute,
    params(("agent_id" = String, Path, description = "A name for the agent; its runs have it as a label")),
    responses((status = 200, body = Executed), Refusal))]
async fn execute(
    State(engine): State<Engine>,
    InPath(agent): InPath<String>,
    InBody(wanted): InBody<Execute>,
) -> Result<Json<Executed>, Refusal> {
    let spec = spec(&engine, agent, wanted)?;
    allow(&engine, &spec)?;
    let (leash, id, tail) = start(engine.clone(), spec).await?;
    let output = read(tail, id).await?;
    let record = engine.finished(id).await?;
    leash.release();
    let outcome = record.state.ending().map(|ending| &ending.outcome);
    Ok(Json(Executed {
        success: matches!(outcome, Some(Outcome::Succeeded)),
        exit_code: outcome.and_then(Outcome::exit_code),
        output,
        run_id: id,
        state: record.state.word(),
        error: match outcome {
            Some(Outcome::Error { error }) => Some(error.into()),
            _ => None,
        },
    }))
}

/// Starts a run that belongs to its caller. A caller who goes away while it starts drops this and not the task, which
/// ends with the leash in its hand.
async fn start(engine: Engine, spec: RunSpec) -> Result<(Leash, RunId, Tail), Refusal> {
    let starting = tokio::spawn(async move {
        let (id, tail) = engine.start_attached(spec).await?;
        Ok((Leash::new(engine, id), id, tail))
    });
    starting.await.unwrap_or_else(|_| Err(Error::Stopped.into()))
}

fn spec(engine: &Engine, agent: String, wanted: Execute) -> Result<RunSpec, Refusal> {
    let work = match (wanted.code, wanted.command) {
        (Some(text), None) => Work::Script {
            language: wanted.language.unwrap_or(Language::Python),
            code: Code::Inline { text },
            args: Vec::new(),
        },
        (None, Some(line)) if wanted.language.is_none() => Work::Line { line: line.into(), shell: None },
        _ => {
            return Err(Problem::Invalid {
                what: "there must be `code`, with or without a `language`, or a `command`".to_owned(),
                hint: "give exactly one of them",
            }
            .into());
        }
    };
    let workspace = wanted.workspace.unwrap_or_else(|| super::app::usual_workspace(engine.home().root()));
    let set = wanted.env.into_iter().map(|(name, value)| (name, Some(value.into()))).collect();
    Ok(RunSpec {
        target: Target { mode: wanted.mode, ..Target::default() },
        env: Environment { set, ..Environment::default() },
        limits: Limits { timeout: wanted.timeout_ms.map(Duration::from_millis), ..Limits::default() },
        guard: Some(Guard::Workspace),
        origin: Origin::Agent,
        labels: vec![agent],
        ..RunSpec::new(work, workspace)
    })
}

/// Which modes agents may use is a setting.
fn allow(engine: &Engine, spec: &RunSpec) -> Result<(), Refusal> {
    let mode = engine.place(spec)?.mode.name();
    let config = engine.config(&spec.workspace)?;
    let is_it = |value: &Value| matches!(value, Value::Text(text) if text == mode);
    if config.list("mcp.modes").iter().any(is_it) {
        return Ok(());
    }
    Err(Problem::ModeNotAllowed { mode }.into())
}

/// What a run prints until its end, the middle left out where it is too much.
async fn read(mut tail: Tail, id: RunId) -> Result<String, Refusal> {
    let (mut head, mut end, mut left_out) = (Vec::new(), Vec::new(), 0_u64);
    while let Some(piece) = tail.next().await? {
        let bytes = match piece {
            Piece::Bytes { stream: Stream::Stdout | Stream::Stderr, bytes, .. } => bytes,
            Piece::Bytes { stream: Stream::System, .. } => continue,
            Piece::LeftOut { length, .. } => {
                left_out += length;
                continue;
            }
        };
        let (first, rest) = bytes.split_at(bytes.len().min(OUTPUT / 2 - head.len()));
        head.extend_from_slice(first);
        end.extend_from_slice(rest);
        if end.len() > OUTPUT {
            left_out += cut_to(&mut end, OUTPUT / 2);
        }
    }
    left_out += cut_to(&mut end, OUTPUT / 2);
    let mut output = String::from_utf8_lossy(&head).into_owned();
    if left_out > 0 {
        let _ = write!(output, "\n[… {left_out} bytes left out; all of it: stigmer runs logs {id} …]\n");
    }
    output.push_str(&String::from_utf8_lossy(&end));
    Ok(output)
}

/// Removes from the beginning what is more than `most`, and says how much that was.
fn cut_to(bytes: &mut Vec<u8>, most: usize) -> u64 {
    let more = bytes.len().saturating_sub(most);
    bytes.drain(..more);
    more as u64
}
