//! Tests of the history, on real files. Here is what they share.

mod costs;
mod events;
mod filters;
mod opening;
mod processes;
mod rebuilding;
mod resolving;
mod retention;
mod rows;

use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Filter, History};
use crate::home::Home;
use crate::spec::{Mode, Origin, RunId, RunSpec, Work};
use crate::state::{Ending, Exit, Outcome, Place, RunRecord, RunState};

/// A home of its own for a test; it is gone with the folder.
fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join(".stigmer"));
    (folder, home)
}

fn open(home: &Home) -> History {
    History::open(home).unwrap().history
}

/// The second `n` of the tests' time.
fn second(n: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + n).unwrap()
}

/// A queued run of a shell line.
fn run(line: &str) -> RunRecord {
    RunRecord {
        id: RunId::new(),
        spec: RunSpec::new(Work::Line { line: line.into(), shell: None }, "/home/ada/project"),
        place: Place {
            mode: Mode::Local,
            reason: "the default".into(),
            rule: "default".into(),
            program: None,
            sandbox: None,
            cloud: None,
        },
        state: RunState::Queued,
        created: second(0),
        started: None,
        bytes: 0,
        pinned: false,
        host: Uuid::nil(),
    }
}

fn ending(outcome: Outcome, at: i64) -> Ending {
    Ending { outcome, at: second(at), usage: None }
}

/// A run that ended at a second, with so many bytes of output.
fn ended(line: &str, outcome: Outcome, at: i64, bytes: u64) -> RunRecord {
    RunRecord { state: RunState::Ended(ending(outcome, at)), bytes, ..run(line) }
}

/// One of every outcome.
fn outcomes() -> Vec<Outcome> {
    let error = crate::Report {
        code: "program-not-found".into(),
        message: "`x` was not found".into(),
        causes: vec!["no such file".into()],
        hint: None,
    };
    vec![
        Outcome::Succeeded,
        Outcome::Failed { exit: Exit::Code(3) },
        Outcome::Failed { exit: Exit::Signal(9) },
        Outcome::Cancelled { forced: true },
        Outcome::TimedOut { after: Duration::from_millis(1500) },
        Outcome::Error { error },
        Outcome::Lost,
    ]
}

/// The command lines of a list.
fn lines(history: &History, filter: &Filter) -> Vec<String> {
    history.list(filter).unwrap().iter().map(|record| record.spec.work.to_string()).collect()
}
