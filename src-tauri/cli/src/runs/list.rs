//! `stigmer runs list`.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::Filter;
use stigmer_engine::state::{Outcome, RunRecord, RunState};
use stigmer_server::form::Run;

use super::{short, time};
use crate::args::{Filters, List, duration};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Prints the runs that match, newest first.
pub(super) async fn list(engine: &Engine, options: &List, output: &Output) -> Result<Exit, Failure> {
    let runs = engine.list(filter(&options.text, &options.filters)?).await?;
    if options.filters.json {
        let lines: Vec<_> = runs.iter().map(|run| json!(Run::of(engine, run)).to_string()).collect();
        answer(&lines.join("\n"))?;
    } else if runs.is_empty() {
        output.note(Tone::Dim, "no runs match; `stigmer run COMMAND` makes one");
    } else {
        answer(&table(&runs, output))?;
    }
    Ok(Exit::Success)
}

fn filter(text: &[String], options: &Filters) -> Result<Filter, Failure> {
    for state in &options.state {
        if !RunState::WORDS.contains(&state.as_str()) {
            return Err(Failure::usage(
                format!("`{state}` is no state"),
                format!("the states are {}", RunState::WORDS.join(", ")),
            ));
        }
    }
    let workspace = options.workspace.as_deref().map(std::path::absolute).transpose()?;
    Ok(Filter {
        text: text.join(" "),
        states: options.state.clone(),
        modes: options.mode.clone(),
        labels: options.label.clone(),
        workspace,
        since: options.since.as_deref().map(moment).transpose()?,
        until: options.until.as_deref().map(moment).transpose()?,
        pinned: options.pinned.then_some(true),
        limit: match options.limit {
            0 => u32::MAX,
            limit => u32::try_from(limit).unwrap_or(u32::MAX),
        },
        ..Filter::default()
    })
}

/// A moment as people name it: how long ago, or a date, or a date and time.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    let zone = TimeZone::system();
    let ago = |span: std::time::Duration| {
        Timestamp::now().checked_sub(jiff::SignedDuration::try_from(span).ok()?).ok()
    };
    duration(text)
        .ok()
        .and_then(ago)
        .or_else(|| text.parse::<Timestamp>().ok())
        .or_else(|| {
            text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|at| at.timestamp())
        })
        .or_else(|| {
            text.parse::<jiff::civil::Date>().ok()?.to_zoned(zone.clone()).ok().map(|at| at.timestamp())
        })
        .ok_or_else(|| {
            Failure::usage(format!("`{text}` is no time"), "write 2h, 3d, 2026-01-31 or 2026-01-31T12:00")
        })
}

fn table(runs: &[RunRecord], output: &Output) -> String {
    // Whoever reads it from a pipe wants the whole command.
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let width = if is_terminal { usize::from(crate::run::terminal_size().0) } else { usize::MAX };
    let now = Timestamp::now();
    let mut text = output.paint(
        Tone::Dim,
        format_args!("{:8}  {:9}  {:>4}  {:>9}  {:>11}  COMMAND", "RUN", "STATE", "EXIT", "TOOK", "WHEN"),
    );
    text.push('\n');
    for run in runs {
        let outcome = run.state.ending().map(|ending| &ending.outcome);
        let exit = outcome.and_then(Outcome::exit_code).map(|code| code.to_string()).unwrap_or_default();
        let took = run.duration().map(time).unwrap_or_default();
        let state = output.paint(tone(&run.state), format_args!("{:9}", run.state.word()));
        let command = one_line(&run.spec.work.to_string(), width.saturating_sub(55).max(20));
        let pin = if run.pinned { " ·pinned" } else { "" };
        let when = when(run.created, now);
        let id = short(run.id);
        let _ = writeln!(text, "{id}  {state}  {exit:>4}  {took:>9}  {when:>11}  {command}{pin}");
    }
    text
}

/// The tone of a state.
pub(super) fn tone(state: &RunState) -> Tone {
    match state {
        RunState::Ended(ending) => match ending.outcome {
            Outcome::Succeeded => Tone::Good,
            Outcome::Cancelled { .. } | Outcome::TimedOut { .. } => Tone::Warning,
            Outcome::Failed { .. } | Outcome::Error { .. } | Outcome::Lost => Tone::Bad,
        },
        RunState::Queued | RunState::Preparing | RunState::Running => Tone::Strong,
    }
}

/// How long ago, or the date where that says more.
fn when(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..604_800 => format!("{} d ago", seconds / 86_400),
        _ => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string(),
    }
}

/// A command as one line without control characters, cut to `width` characters.
pub(super) fn one_line(command: &str, width: usize) -> String {
    let shown: String = command.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.chars().count() <= width {
        return shown;
    }
    let cut: String = shown.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}
