//! `stigmer runs show`.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use stigmer_engine::cost::about;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::{Event, What};
use stigmer_engine::size::size;
use stigmer_engine::spec::Guard;
use stigmer_engine::state::{CloudFacts, Ending, Outcome, RunRecord, SandboxFacts};
use stigmer_server::form::RunDetail;

use super::{list, time};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Prints everything that is known about a run.
pub(super) async fn show(
    engine: &Engine,
    given: &str,
    as_json: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let id = engine.resolve(given).await?;
    if as_json {
        answer(&json!(RunDetail::read(engine, id).await?).to_string())?;
    } else {
        let record = engine.get(id).await?;
        let (events, _) = engine.events(id, 0)?;
        let log = engine.log(id);
        let facts = facts(engine, &record, log.length()?, log.line_count()?);
        answer(&format!("{}{}", rows(&facts, &record, output), timeline(&events, record.created, output)))?;
    }
    Ok(Exit::Success)
}

fn facts(engine: &Engine, record: &RunRecord, bytes: u64, lines: u64) -> Vec<(&'static str, String)> {
    let spec = &record.spec;
    let mut facts = vec![("run", record.id.to_string()), ("command", spec.work.to_string())];
    facts.push(("state", state(record)));
    facts.push(("mode", format!("{} ({})", record.place.mode.name(), record.place.reason)));
    facts.push(("workspace", spec.workspace.display().to_string()));
    if let Some(workdir) = &spec.workdir {
        facts.push(("in", workdir.display().to_string()));
    }
    if let Some(session) = &spec.session {
        facts.push(("session", session.clone()));
    }
    if let Some(took) = record.duration() {
        facts.push(("took", time(took)));
    }
    if let Some(cost) = record.cost(Timestamp::now()) {
        let so_far = if record.state.ending().is_none() { " so far" } else { "" };
        facts.push(("cost", format!("{}{so_far}", about(cost))));
    }
    if spec.guard == Some(Guard::Workspace) {
        let network = if spec.network.is_some() { ", no network" } else { "" };
        facts.push(("guard", format!("writes only to the workspace and temporary folders{network}")));
    }
    if let Some(sandbox) = &record.place.sandbox {
        facts.extend(sandbox_facts(sandbox));
    }
    if let Some(cloud) = &record.place.cloud {
        facts.extend(cloud_facts(cloud, spec.target.sandbox.bring_back));
    }
    if let Some(timeout) = spec.limits.timeout {
        facts.push(("limit", time(timeout)));
    }
    if let Some(usage) = record.state.ending().and_then(|ending| ending.usage) {
        let cpu = std::time::Duration::from_micros(usage.user_us + usage.system_us);
        facts.push((
            "used",
            format!("{} of processor time, {} of memory", time(cpu), size(usage.max_rss_kib * 1024)),
        ));
    }
    let names: Vec<_> = spec.env.set.keys().chain(&spec.secrets).map(String::as_str).collect();
    if !names.is_empty() {
        facts.push(("variables", names.join(", ")));
    }
    if !spec.labels.is_empty() {
        facts.push(("labels", spec.labels.join(", ")));
    }
    if let Some(earlier) = spec.rerun_of {
        facts.push(("repeats", super::short(earlier)));
    }
    facts.push((
        "output",
        format!("{}, {}", size(bytes), super::counted(usize::try_from(lines).unwrap_or(0), "line")),
    ));
    facts.push(("folder", engine.home().run(record.id).display().to_string()));
    facts
}

fn sandbox_facts(sandbox: &SandboxFacts) -> Vec<(&'static str, String)> {
    let id = sandbox.image_id.trim_start_matches("sha256:");
    let how = if sandbox.reused { "used before" } else { "new" };
    let mut limits = vec![format!("{} processes", sandbox.pids)];
    limits.extend(sandbox.memory.map(|memory| format!("{} of memory", size(memory))));
    limits.extend(sandbox.cpus.map(|cpus| format!("{cpus} CPUs")));
    let mut facts = vec![
        ("image", format!("{} ({})", sandbox.image, id.get(..12).unwrap_or(id))),
        ("sandbox", format!("{}, {how}, as {}", sandbox.container, sandbox.user)),
        ("network", sandbox.network.clone()),
        ("engine", sandbox.engine.clone()),
        ("workspace", if sandbox.copied { "a copy, brought back at the end" } else { "shared" }.to_owned()),
        ("at most", limits.join(", ")),
    ];
    if !sandbox.ports.is_empty() {
        let ports: Vec<_> = sandbox.ports.iter().map(ToString::to_string).collect();
        facts.push(("ports", ports.join(", ")));
    }
    if !sandbox.loosened.is_empty() {
        facts.push(("loosened", sandbox.loosened.join("; ")));
    }
    facts
}

fn cloud_facts(cloud: &CloudFacts, brings_back: bool) -> Vec<(&'static str, String)> {
    let how = if cloud.reused { "used before" } else { "new" };
    let stops = match cloud.auto_stop {
        None => String::new(),
        Some(0) => "never by itself".to_owned(),
        Some(minutes) => format!("after {minutes} min without use"),
    };
    let workspace = if brings_back { "a copy, brought back at the end" } else { "a copy" };
    let per_hour = cloud.per_hour.map(|dollars| format!("{} an hour", about(dollars)));
    let mut facts = vec![
        ("sandbox", format!("{}, {how}", cloud.name)),
        ("id", cloud.id.clone()),
        ("snapshot", cloud.snapshot.clone().unwrap_or_default()),
        ("region", cloud.region.clone()),
        ("workspace", workspace.to_owned()),
        ("has", format!("{} CPU, {} GiB of memory, {} GiB of disk", cloud.cpu, cloud.memory, cloud.disk)),
        ("stops", stops),
        ("rate", per_hour.unwrap_or_default()),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn state(record: &RunRecord) -> String {
    let word = record.state.word();
    let ending = record.state.ending();
    let memory = if ending.is_some_and(Ending::ran_out_of_memory) { ", out of memory" } else { "" };
    match record.state.ending().map(|ending| &ending.outcome) {
        Some(outcome @ Outcome::Failed { .. }) => {
            format!("{word}, exit code {}{memory}", outcome.exit_code().unwrap_or_default())
        }
        Some(Outcome::Cancelled { forced: true }) => format!("{word}, by force"),
        Some(Outcome::Error { error }) => format!("{word}: {}", error.message),
        _ => word.to_owned(),
    }
}

fn rows(facts: &[(&str, String)], record: &RunRecord, output: &Output) -> String {
    let mut text = String::new();
    for (name, value) in facts {
        let value = list::one_line(value, usize::MAX);
        let value = if *name == "state" { output.paint(list::tone(&record.state), value) } else { value };
        let _ = writeln!(text, "{} {value}", output.paint(Tone::Dim, format_args!("{name:10}")));
    }
    text
}

fn timeline(events: &[Event], created: Timestamp, output: &Output) -> String {
    let mut text = String::new();
    for event in events {
        let what = match &event.what {
            What::Created { .. } => "queued".to_owned(),
            What::Preparing { step } => format!("preparing: {step}"),
            What::Running { .. } => "running".to_owned(),
            What::Note { text } => text.clone(),
            What::Pinned { pinned } => (if *pinned { "pinned" } else { "unpinned" }).to_owned(),
            What::Ended { ending, .. } => ending.outcome.word().to_owned(),
            What::Progress { .. } | What::Placed { .. } | What::Adopted { .. } => continue,
        };
        let at = event.at.to_zoned(TimeZone::system());
        let since = std::time::Duration::try_from(event.at.duration_since(created)).unwrap_or_default();
        let stamp =
            output.paint(Tone::Dim, format_args!("{}  {:>9}", at.strftime("%H:%M:%S%.3f"), time(since)));
        let _ = writeln!(text, "{stamp}  {what}");
    }
    text
}
