//! `stigmer runs`: the history, the logs, and what can be done with them.

mod compare;
mod export;
mod list;
mod logs;
mod prune;
mod rerun;
mod search;
mod show;

pub(crate) use logs::logs;

use std::time::Duration;

use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::RunId;

use crate::args::{List, RunsArguments, RunsCommand};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};

/// Carries out `stigmer runs`.
pub(crate) async fn runs(
    arguments: RunsArguments,
    sources: Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    let engine = crate::run::open(sources, output).await?;
    let command =
        arguments.command.unwrap_or(RunsCommand::List(List { text: Vec::new(), filters: arguments.filters }));
    match command {
        RunsCommand::List(options) => list::list(&engine, &options, output).await,
        RunsCommand::Show { run, json } => show::show(&engine, &run.run, json, output).await,
        RunsCommand::Logs(options) => logs(&engine, &options).await,
        RunsCommand::Search(options) => search::search(&engine, options, output).await,
        RunsCommand::Rerun(options) => rerun::rerun(engine, options, output).await,
        RunsCommand::Cancel { runs, force } => cancel(&engine, &runs, force, output).await,
        RunsCommand::Compare { before, after, json } => {
            compare::compare(&engine, &before, &after, json, output).await
        }
        RunsCommand::Export(options) => export::export(&engine, &options).await,
        RunsCommand::Pin { run, undo } => {
            let id = engine.resolve(&run.run).await?;
            engine.pin(id, !undo).await?;
            output
                .note(Tone::Dim, format_args!("{} {}", if undo { "unpinned" } else { "pinned" }, short(id)));
            Ok(Exit::Success)
        }
        RunsCommand::Rm { runs } => {
            let ids = resolve_all(&engine, &runs).await?;
            let count = ids.len();
            engine.remove(ids).await?;
            output.note(Tone::Dim, format_args!("removed {}", counted(count, "run")));
            Ok(Exit::Success)
        }
        RunsCommand::Prune { older_than, keep, dry_run, json } => {
            prune::prune(&engine, older_than, keep.as_deref(), dry_run, json, output).await
        }
    }
}

async fn resolve_all(engine: &Engine, given: &[String]) -> Result<Vec<RunId>, Failure> {
    let mut ids = Vec::new();
    for given in given {
        ids.push(engine.resolve(given).await?);
    }
    Ok(ids)
}

/// Asks runs to end and waits until they have.
async fn cancel(engine: &Engine, given: &[String], force: bool, output: &Output) -> Result<Exit, Failure> {
    let ids = resolve_all(engine, given).await?;
    let stop = if force { Stop::Force } else { Stop::Ask(Manner::Terminate) };
    let (mut asked, mut refused) = (Vec::new(), None);
    for id in ids {
        match engine.stop(id, stop).await {
            Ok(()) => asked.push(id),
            // The others are cancelled all the same.
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    for id in asked {
        let record = engine.finished(id).await?;
        output.note(Tone::Dim, format_args!("{} {}", short(id), record.state.word()));
    }
    refused.map_or(Ok(Exit::Success), |error| Err(error.into()))
}

/// The short form of an id: its end, since runs of one time begin alike.
pub(crate) fn short(id: RunId) -> String {
    let id = id.to_string();
    id[id.len() - 8..].to_owned()
}

/// A time as people read it, with three figures at most: `12 ms`, `3.4 s`, `2 min 5 s`, `3 h 12 min`.
pub(crate) fn time(time: Duration) -> String {
    let (whole, ms) = (time.as_secs(), time.as_millis());
    match whole {
        _ if ms < 1_000 => format!("{ms} ms"),
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
    }
}

/// `1 run`, `2 runs`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
