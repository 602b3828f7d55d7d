//! `stigmer run`: from options to a specification, and from a run to output and an exit code.

mod attach;
mod carrier;
mod detach;
mod dry_run;
mod env_file;
mod leaving;
mod limit;
mod specify;
mod steps;
mod terminal;
mod watch;

pub(crate) use attach::{Attachment, Signals, attach};
pub(crate) use carrier::{Carrier, Printed, Run as Carried};
pub(crate) use detach::{ask, options_for_host};
pub(crate) use specify::{own_variables, variables};
pub(crate) use terminal::{hidden_line, size as terminal_size};

use std::path::Path;

use stigmer_engine::config::{Config, Sources};
use stigmer_engine::cost::about;
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;

use crate::args::Run;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Carries out `stigmer run`.
pub(crate) async fn run(options: Run, sources: Sources, output: &Output) -> Result<Exit, Failure> {
    let request = specify::specify(&options)?;
    warn_about_settings(&sources, &request.spec.workspace, output);
    if !options.dry_run && !leaving::agreed(&options, &request.spec, &sources, output)? {
        return Ok(Exit::INTERRUPT);
    }
    if options.detach {
        return detach::detach(request.spec, &sources, options.json, output).await;
    }
    if options.dry_run {
        let engine = open(sources, output).await.map_err(|failure| refuse(failure, options.json))?;
        return dry_run::dry_run(&engine, &request.spec, options.json);
    }
    let mut carrier = Carrier::new(sources);
    let exit = if options.watch.is_empty() {
        let attachment = Attachment { json: options.json, stdin: request.stdin };
        attach(&mut carrier, request.spec, attachment, std::future::pending(), output).await
    } else {
        watch::watch(&mut carrier, &request, &options, output).await
    };
    carrier.close().await;
    exit
}

/// Tells a program that reads JSON, too, that there is no run.
fn refuse(failure: Failure, as_json: bool) -> Failure {
    if let (Failure::Report(error), true) = (&failure, as_json) {
        // Told on standard error in any case.
        let _ = answer(&stigmer_engine::json::refused(error).to_string());
    }
    failure
}

/// Opens the engine of this process.
pub(crate) async fn open(sources: Sources, output: &Output) -> Result<Engine, Failure> {
    let engine = Engine::open(Home::of_user()?, sources).await?;
    if let Some(damaged) = engine.recovered() {
        output.warning(format_args!(
            "the history was damaged and has been rebuilt from the runs; the old file is {}",
            damaged.display()
        ));
    }
    Ok(engine)
}

/// Warns of what is not understood in the settings that hold for a workspace. What is wrong with them is the
/// error of whoever needs them.
fn warn_about_settings(sources: &Sources, workspace: &Path, output: &Output) {
    let sources = Sources { workspace: Some(workspace.to_owned()), ..sources.clone() };
    if let Ok(config) = Config::load(&sources) {
        config.warnings().iter().for_each(|warning| output.warning(warning));
    }
}

/// Ends the engine of this process, after the run and not before it the place for housekeeping.
pub(crate) async fn close(engine: Engine) {
    if let Err(error) = engine.tidy().await {
        tracing::warn!(%error, "old runs could not be removed");
    }
    engine.close(Stop::Force).await;
}

/// The line that closes a run where somebody watches.
fn closing_line(record: &stigmer_engine::state::RunRecord, output: &Output) {
    use stigmer_engine::state::Outcome;

    let Some(ending) = record.state.ending() else { return };
    let (tone, what) = match &ending.outcome {
        Outcome::Succeeded => (Tone::Dim, "succeeded".to_owned()),
        outcome @ Outcome::Failed { .. } => match outcome.exit_code() {
            Some(code) if ending.ran_out_of_memory() => {
                (Tone::Bad, format!("failed with exit code {code}: its sandbox had no memory left"))
            }
            Some(code) => (Tone::Bad, format!("failed with exit code {code}")),
            None => (Tone::Bad, "failed".to_owned()),
        },
        Outcome::Cancelled { forced: true } => (Tone::Warning, "cancelled, by force".to_owned()),
        Outcome::Cancelled { forced: false } => (Tone::Warning, "cancelled".to_owned()),
        Outcome::TimedOut { after } => {
            (Tone::Warning, format!("timed out after {}", crate::runs::time(*after)))
        }
        Outcome::Error { error } => return output.report(error),
        Outcome::Lost => (Tone::Bad, "lost".to_owned()),
    };
    let took = match (&ending.outcome, record.duration()) {
        (Outcome::TimedOut { .. }, _) | (_, None) => String::new(),
        (_, Some(took)) => format!(" in {}", crate::runs::time(took)),
    };
    let id = crate::runs::short(record.id);
    let cost = record.cost(ending.at).map(|cost| format!(" · {}", about(cost))).unwrap_or_default();
    output.note(tone, format_args!("── {what}{took} · {}{cost} · {id}", record.place.mode.name()));
}
