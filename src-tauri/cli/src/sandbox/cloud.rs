//! The sandboxes in the cloud, beside the containers.

use std::fmt::Write as _;

use stigmer_engine::backend::daytona::{Account, Daytona};
use stigmer_engine::cloud::{CloudDetail, CloudSandbox, Costed, SandboxCost, unused_words};
use stigmer_engine::cost::{about, shown};
use stigmer_engine::engine::Engine;
use stigmer_engine::{Error, Report, Result};

use crate::image::{age, ago};
use crate::output::{Output, Tone};
use crate::table::Table;

/// Who is asked about them.
pub(super) struct Cloud<'a> {
    pub(super) engine: &'a Engine,
    pub(super) daytona: &'a Daytona,
    pub(super) account: Account,
}

impl<'a> Cloud<'a> {
    pub(super) fn of(engine: &'a Engine) -> Result<Self> {
        let here = std::env::current_dir().ok();
        let (daytona, account) = engine.daytona(here.as_deref())?;
        Ok(Self { engine, daytona, account })
    }

    /// Those of this home; empty where they cannot be listed, which is said on one line. Where there is no key nobody is
    /// asked.
    pub(super) async fn list(&self, output: &Output) -> Vec<Costed<CloudSandbox>> {
        let here = std::env::current_dir().ok();
        match self.engine.cloud_sandboxes(here.as_deref()).await {
            Ok(found) => found,
            // Most people have none, and nothing is wrong with that.
            Err(error @ Error::NoCloudKey { .. }) => {
                output.note(Tone::Dim, format_args!("none of the cloud (stigmer auth login): {error}"));
                Vec::new()
            }
            Err(error) => {
                let report = Report::from(error);
                let line = report.message.replace(char::is_control, " ");
                output.warning(format_args!("the cloud's are not listed: {line} [{}]", report.code));
                Vec::new()
            }
        }
    }

    /// Does something to a sandbox: to the container of that name, else to the one in the cloud.
    pub(super) async fn either<T>(
        container: impl Future<Output = Result<T>>,
        cloud: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let error = match container.await {
            Ok(done) => return Ok(done),
            Err(error @ (Error::SandboxNotFound { .. } | Error::BackendUnavailable { .. })) => error,
            Err(error) => return Err(error),
        };
        match cloud.await {
            // It is not here, and there nobody was asked.
            Err(Error::NoCloudKey { .. }) => Err(error),
            other => other,
        }
    }
}

/// Says on one line which of them nobody uses any more.
pub(super) fn point_out_unused(all: &[Costed<CloudSandbox>], output: &Output) {
    if let Some(line) = unused_words(all) {
        let names: Vec<_> =
            all.iter().filter(|one| one.is_unused).map(|one| one.sandbox.name.as_str()).collect();
        output.note(Tone::Warning, format_args!("{line}; stigmer sandbox rm {}", names.join(" ")));
    }
}

pub(super) fn table(all: &[Costed<CloudSandbox>], output: &Output) -> String {
    let heads = [
        "CLOUD SANDBOX",
        "STATE",
        "KIND",
        "SNAPSHOT",
        "AGE",
        "USED",
        "REGION",
        "CPU",
        "MEMORY",
        "DISK",
        "STOPS",
        "PER HOUR",
        "SO FAR",
    ];
    let mut table = Table::new(heads);
    for Costed { sandbox: one, cost, .. } in all {
        let tone = match () {
            () if one.runs() => Tone::Good,
            () if one.failed() => Tone::Bad,
            () => Tone::Dim,
        };
        table.row([
            (Tone::Strong, one.name.clone()),
            (tone, one.state.clone()),
            (Tone::Plain, one.kind.to_owned()),
            (Tone::Plain, one.snapshot.clone().unwrap_or_default()),
            (Tone::Dim, one.created.map(age).unwrap_or_default()),
            (Tone::Dim, one.used.map(age).unwrap_or_default()),
            (Tone::Dim, one.region.clone()),
            (Tone::Plain, one.cpu.to_string()),
            (Tone::Plain, format!("{} GiB", one.memory)),
            (Tone::Plain, format!("{} GiB", one.disk)),
            (Tone::Dim, stops(one)),
            (Tone::Plain, about(cost.per_hour)),
            (Tone::Dim, at_most(cost)),
        ]);
    }
    table.text(output)
}

fn at_most(cost: &SandboxCost) -> String {
    cost.at_most.map(|most| format!("at most {}", shown(most))).unwrap_or_default()
}

fn stops(one: &CloudSandbox) -> String {
    match one.auto_stop {
        None => String::new(),
        Some(0) => "never".to_owned(),
        Some(minutes) => format!("idle {minutes} min"),
    }
}

pub(super) fn facts(costed: &Costed<CloudDetail>, output: &Output) -> String {
    let Costed { sandbox: detail, cost, runs_cost, .. } = costed;
    let one = &detail.sandbox;
    let when = |at: Option<jiff::Timestamp>| at.map(ago).unwrap_or_default();
    let minutes = |minutes: Option<i64>, zero: &str| match minutes {
        None | Some(..0) => String::new(),
        Some(0) => zero.to_owned(),
        Some(minutes) => format!("after {minutes} min"),
    };
    let mut facts = vec![
        ("sandbox", one.name.clone()),
        ("id", one.id.clone()),
        ("state", one.state.clone()),
        ("reason", one.error.clone().unwrap_or_default()),
        ("kind", one.kind.to_owned()),
        ("made for", one.made_for.clone().unwrap_or_default()),
        ("snapshot", one.snapshot.clone().unwrap_or_default()),
        ("region", one.region.clone()),
        ("has", format!("{} CPU, {} GiB of memory, {} GiB of disk", one.cpu, one.memory, one.disk)),
        ("costs", format!("{} an hour as it is now", about(cost.per_hour))),
        ("so far", at_most(cost)),
        ("its runs", format!("{} of that", about(*runs_cost))),
        ("stops", minutes(one.auto_stop, "never by itself")),
        ("archived", minutes(one.auto_archive, "as late as possible")),
        ("deleted", minutes(one.auto_delete, "when it stops")),
        ("made", when(one.created)),
        ("used", when(one.used)),
        ("user", detail.user.clone()),
        ("network", (if detail.is_offline { "none" } else { "" }).to_owned()),
        ("ports", (if detail.is_public { "open to everybody" } else { "" }).to_owned()),
        ("variables", detail.env.join(", ")),
    ];
    facts.extend(detail.labels.iter().map(|(name, value)| ("label", format!("{name}={value}"))));
    let mut text = String::new();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let value = value.replace(char::is_control, " ");
        let _ = writeln!(text, "{} {value}", output.paint(Tone::Dim, format_args!("{name:9}")));
    }
    text.trim_end().to_owned()
}
