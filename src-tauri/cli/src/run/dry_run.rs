//! `stigmer run --dry-run`: where a run would go and why.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stigmer_engine::cost::about;
use stigmer_engine::engine::Engine;
use stigmer_engine::spec::RunSpec;
use stigmer_engine::state::{CloudFacts, SandboxFacts};

use super::leaving;
use crate::exit::{Exit, Failure};
use crate::output::answer;

/// Says it, and runs nothing.
pub(super) fn dry_run(engine: &Engine, spec: &RunSpec, as_json: bool) -> Result<Exit, Failure> {
    let place = engine.place(spec)?;
    let dir = spec.workdir.as_ref().map_or(spec.workspace.clone(), |dir| spec.workspace.join(dir));
    let mut facts: Vec<(&str, Value)> = Vec::new();
    let mut uploads = None;
    facts.extend(place.sandbox.as_deref().map(container).into_iter().flatten());
    if let Some(facts_of_cloud) = place.cloud.as_deref() {
        let config = engine.config(&spec.workspace)?;
        let ephemeral = config.flag("daytona.ephemeral").unwrap_or_default();
        facts.extend(cloud(facts_of_cloud, spec, ephemeral));
        uploads = Some(leaving::survey(spec, &config, engine.home())?);
    }
    if as_json {
        let mut target = json!({ "workspace": spec.workspace, "workdir": dir });
        for (name, value) in facts {
            target[name] = value;
        }
        if let Some(upload) = uploads {
            let is_first = upload.is_some();
            target["upload"] = upload.map_or_else(|| Ok(json!({})), serde_json::to_value).unwrap_or_default();
            target["upload"]["first"] = is_first.into();
        }
        let line =
            json!({ "mode": place.mode, "reason": place.reason, "rule": place.rule, "target": target });
        answer(&line.to_string())?;
        return Ok(Exit::Success);
    }
    let mut lines = format!(
        "would run  {}\nmode       {} ({})\nin         {}",
        spec.work,
        place.mode.name(),
        place.reason,
        dir.display()
    );
    for (name, value) in facts {
        let shown = if name == "usd_per_hour" { "an hour".to_owned() } else { name.replace('_', " ") };
        let _ = write!(lines, "\n{shown:10} {}", words(name, &value));
    }
    if let Some(upload) = uploads {
        let what =
            upload.as_ref().map_or_else(|| "what changed since the last run".to_owned(), leaving::details);
        let _ = write!(lines, "\nuploads    {what}");
    }
    answer(&lines)?;
    Ok(Exit::Success)
}

fn container(sandbox: &SandboxFacts) -> Vec<(&'static str, Value)> {
    vec![("image", sandbox.image.clone().into()), ("network", sandbox.network.clone().into())]
}

/// What a run in the cloud would get, as far as it is known without asking there.
fn cloud(facts: &CloudFacts, spec: &RunSpec, ephemeral: bool) -> Vec<(&'static str, Value)> {
    let asked = &spec.target.sandbox;
    let kind = match (&asked.within, asked.keep, asked.fresh || ephemeral) {
        (Some(name), ..) => name,
        (None, true, _) => "kept",
        (None, false, true) => "fresh",
        (None, false, false) => "shared",
    };
    let region = (!facts.region.is_empty()).then_some(facts.region.as_str());
    vec![
        ("snapshot", facts.snapshot.clone().into()),
        ("region", region.into()),
        ("sandbox", kind.into()),
        ("auto_stop", facts.auto_stop.into()),
        ("cpu", facts.cpu.into()),
        ("memory", facts.memory.into()),
        ("disk", facts.disk.into()),
        ("usd_per_hour", facts.per_hour.into()),
        ("bring_back", asked.bring_back.into()),
    ]
}

fn words(name: &str, value: &Value) -> String {
    match (name, value) {
        ("snapshot", Value::Null) => "Daytona's own".to_owned(),
        ("region", Value::Null) => "the organization's".to_owned(),
        ("sandbox", Value::String(kind)) => match kind.as_str() {
            "shared" => "that of this workspace".to_owned(),
            "fresh" => "one of its own, deleted afterwards".to_owned(),
            "kept" => "one of its own, which stays".to_owned(),
            name => name.to_owned(),
        },
        ("auto_stop", Value::Number(minutes)) if minutes.as_u64() == Some(0) => "never".to_owned(),
        ("auto_stop", Value::Number(minutes)) => format!("after {minutes} min without use"),
        ("cpu", count) => format!("{count} virtual"),
        ("memory" | "disk", gib) => format!("{gib} GiB"),
        ("usd_per_hour", Value::Number(dollars)) => about(dollars.as_f64().unwrap_or_default()),
        ("bring_back", Value::Bool(back)) => {
            (if *back { "what changed there" } else { "nothing" }).to_owned()
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}
