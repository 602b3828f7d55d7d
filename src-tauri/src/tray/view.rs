//! What the tray shows, made from the history alone.

use std::collections::HashSet;

use stigmer_engine::spec::RunId;
use stigmer_engine::state::{Outcome, RunRecord, RunState};

/// Runs listed while they go on. More of them are counted.
const MOST_RUNNING: usize = 8;

/// Commands offered to be run again.
const MOST_RECENT: usize = 8;

/// Letters of a command in the menu.
const LONGEST: usize = 48;

/// The state of everything in one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Nothing runs.
    Idle,
    /// Something runs.
    Running,
    /// Nothing runs, and the last run failed.
    Failed,
}

/// A line of the menu that stands for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) run: RunId,
    pub(super) label: String,
}

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) mood: Mood,
    /// One line about everything.
    pub(super) status: String,
    pub(super) running: Vec<Line>,
    pub(super) recent: Vec<Line>,
}

impl View {
    /// Of the runs that go on and the latest of all, both newest first.
    pub(super) fn of(running: &[RunRecord], latest: &[RunRecord]) -> Self {
        let last = latest.iter().find_map(|run| run.state.ending());
        let mood = match (running.is_empty(), last.map(|ending| &ending.outcome)) {
            (false, _) => Mood::Running,
            (true, None | Some(Outcome::Succeeded | Outcome::Cancelled { .. })) => Mood::Idle,
            (true, Some(_)) => Mood::Failed,
        };
        let status = match running.len() {
            0 if mood == Mood::Failed => "The last run failed".to_owned(),
            0 => "Nothing is running".to_owned(),
            1 => "1 run is going on".to_owned(),
            count => format!("{count} runs are going on"),
        };
        let stop = |run: &RunRecord| Line { run: run.id, label: format!("Stop: {}", command(run)) };
        let running = running.iter().take(MOST_RUNNING).map(stop).collect();
        // Of several runs of one command in one place the latest stands for all.
        let mut seen = HashSet::new();
        let ended = latest.iter().filter(|run| run.state.ending().is_some());
        let recent = ended
            .filter(|run| seen.insert((run.spec.work.to_string(), run.spec.workspace.clone())))
            .take(MOST_RECENT)
            .map(|run| Line { run: run.id, label: format!("{} {}", mark(&run.state), command(run)) })
            .collect();
        Self { mood, status, running, recent }
    }
}

/// How a run ended, in one sign.
fn mark(state: &RunState) -> char {
    match state.ending().map(|ending| &ending.outcome) {
        Some(Outcome::Succeeded) => '✓',
        Some(Outcome::Cancelled { .. }) => '–',
        _ => '✗',
    }
}

/// The command in one short line, with its folder.
fn command(run: &RunRecord) -> String {
    let work = run.spec.work.to_string();
    let line: Vec<_> =
        work.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let line = line.join(" ");
    let mut short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    let folder = run.spec.workspace.file_name().unwrap_or_default().to_string_lossy();
    // In a menu `&` marks a key; two of them are one.
    format!("{short} — {folder}").replace('&', "&&")
}

#[cfg(test)]
mod tests {
    use stigmer_engine::spec::Mode;
    use stigmer_engine::state::{Ending, Place};

    use super::*;

    fn run(line: &str, state: &str) -> RunRecord {
        let work = serde_json::json!({"kind": "line", "line": line});
        let spec = serde_json::json!({"work": work, "workspace": "/w/project"});
        let outcome = match state {
            "running" => None,
            "failed" => Some(Outcome::Failed { exit: stigmer_engine::state::Exit::Code(1) }),
            "cancelled" => Some(Outcome::Cancelled { forced: false }),
            _ => Some(Outcome::Succeeded),
        };
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        RunRecord {
            id: RunId::new(),
            spec: serde_json::from_value(spec).unwrap(),
            place: Place {
                mode: Mode::Local,
                reason: String::new(),
                rule: String::new(),
                program: None,
                sandbox: None,
                cloud: None,
            },
            state: outcome
                .map_or(RunState::Running, |outcome| RunState::Ended(Ending { outcome, at, usage: None })),
            created: at,
            started: None,
            bytes: 0,
            pinned: false,
            host: "00000000-0000-0000-0000-000000000000".parse().unwrap(),
        }
    }

    fn labels(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.label.as_str()).collect()
    }

    #[test]
    fn the_picture_tells_what_runs_and_else_how_the_last_run_ended() {
        for (running, latest, mood) in [
            (vec![], vec![], Mood::Idle),
            (vec![run("a", "running")], vec![run("b", "failed")], Mood::Running),
            (vec![], vec![run("b", "failed"), run("c", "succeeded")], Mood::Failed),
            (vec![], vec![run("c", "cancelled"), run("b", "failed")], Mood::Idle),
        ] {
            assert_eq!(View::of(&running, &latest).mood, mood);
        }
    }

    #[test]
    fn what_runs_can_be_stopped_and_each_recent_command_run_again_once() {
        let going = run("sleep 60", "running");
        let latest = [run("make", "failed"), run("make", "succeeded"), run("a\n  && b", "succeeded")];
        let view = View::of(std::slice::from_ref(&going), &latest);
        assert_eq!(labels(&view.running), ["Stop: sleep 60 — project"]);
        assert_eq!(labels(&view.recent), ["✗ make — project", "✓ a &&&& b — project"]);
        assert_eq!((view.running[0].run, view.recent[0].run), (going.id, latest[0].id));
    }

    #[test]
    fn a_long_command_is_cut() {
        let view = View::of(&[run(&"x".repeat(500), "running")], &[]);
        assert_eq!(view.running[0].label, format!("Stop: {}… — project", "x".repeat(LONGEST)));
    }
}
