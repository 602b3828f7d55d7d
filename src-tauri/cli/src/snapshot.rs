//! `stigmer snapshot`: what cloud sandboxes are made from, and what is done with it.

mod follow;
mod tables;

use serde_json::json;
use stigmer_engine::backend::daytona::{Account, Daytona};
use stigmer_engine::config::{self, Config, Sources};
use stigmer_engine::engine::Engine;
use stigmer_engine::snapshot::{New, Snapshot, Source};
use stigmer_engine::{Error, Report};

use crate::args::{Create, SnapshotArguments, SnapshotCommand};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};
use crate::run::Signals;

const SETTING: &str = "sandbox.snapshot_id";

/// Where snapshots are looked after.
struct Desk<'a> {
    daytona: &'a Daytona,
    account: Account,
    /// The snapshot that the settings name.
    usual: Option<String>,
    output: &'a Output,
}

/// Carries out `stigmer snapshot`.
pub(crate) async fn snapshot(
    arguments: SnapshotArguments,
    sources: Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    let config = Config::load(&sources)?;
    let text = |name| config.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let engine: Engine = crate::run::open(sources.clone(), output).await?;
    let here = sources.workspace.as_deref();
    let (daytona, account) = engine.daytona(here)?;
    let desk = Desk { daytona, account, usual: text(SETTING), output };
    match arguments.command.unwrap_or(SnapshotCommand::List { json: arguments.json }) {
        SnapshotCommand::List { json } => desk.list(json).await,
        SnapshotCommand::Show { name, json } => desk.show(&name, json).await,
        SnapshotCommand::Create(options) => desk.create(*options).await,
        SnapshotCommand::Use { name } => desk.make_usual(&name, &sources).await,
        SnapshotCommand::Activate { name, follow } => {
            let begun = daytona.activate_snapshot(&desk.account, &name).await?;
            desk.see_through(begun, false, &follow).await
        }
        SnapshotCommand::Deactivate { name } => {
            daytona.deactivate_snapshot(&desk.account, &name).await?;
            output.note(Tone::Dim, format_args!("{name} sleeps; stigmer snapshot activate {name} wakes it"));
            Ok(Exit::Success)
        }
        SnapshotCommand::Rm { names, yes } => desk.remove(&names, yes).await,
    }
}

impl Desk<'_> {
    async fn list(&self, as_json: bool) -> Result<Exit, Failure> {
        let found = self.daytona.snapshots(&self.account).await?;
        if as_json {
            answer(&found.iter().map(|one| json!(one).to_string()).collect::<Vec<_>>().join("\n"))?;
        } else if found.is_empty() {
            self.output.note(Tone::Dim, "no snapshots; `stigmer snapshot create` makes one");
        } else {
            answer(&tables::list(&found, self.usual.as_deref(), self.output))?;
        }
        Ok(Exit::Success)
    }

    async fn show(&self, name: &str, as_json: bool) -> Result<Exit, Failure> {
        let found = self.daytona.snapshot(&self.account, name).await?;
        answer(&if as_json {
            json!(found).to_string()
        } else {
            tables::detail(&found, self.is_usual(&found), self.output)
        })?;
        Ok(Exit::Success)
    }

    async fn create(&self, options: Create) -> Result<Exit, Failure> {
        let follow = options.follow;
        let source = match (options.image, options.dockerfile) {
            (Some(image), _) => Source::Image(image),
            (None, Some(path)) => {
                let read = std::fs::read_to_string(&path);
                Source::Dockerfile(read.map_err(|source| Error::File { path, source })?)
            }
            (None, None) => {
                return Err(Failure::usage("there is nothing to make it from", "name an --image"));
            }
        };
        let is_built = matches!(source, Source::Dockerfile(_));
        let new = New {
            name: options.name,
            source,
            cpu: options.cpu,
            memory: options.memory,
            disk: options.disk,
            region: options.region,
            entrypoint: options.entrypoint,
        };
        let name = new.name.clone();
        let mut signals = Signals::new()?;
        let begun = tokio::select! {
            begun = self.daytona.create_snapshot(&self.account, new) => begun?,
            // What was asked for may have arrived.
            signal = signals.stop() => return Ok(self.leave(&name, signal)),
        };
        self.see_through(begun, is_built, &follow).await
    }

    async fn make_usual(&self, name: &str, sources: &Sources) -> Result<Exit, Failure> {
        let found = self.daytona.snapshot(&self.account, name).await?;
        if found.failed() {
            return Err(unusable(&found));
        }
        let file = sources.user.path();
        config::set(file, SETTING, &found.name)?;
        self.output.note(Tone::Dim, format_args!("{SETTING} is {} in {}", found.name, file.display()));
        if !found.is_active() {
            self.output.note(Tone::Dim, format_args!("it is {}", found.words()));
        }
        let now = Config::load(sources)?;
        if now.text(SETTING) != Some(found.name.as_str()) {
            self.output.warning(format_args!("here {} says otherwise, and counts", now.origin(SETTING)));
        }
        Ok(Exit::Success)
    }

    async fn remove(&self, names: &[String], yes: bool) -> Result<Exit, Failure> {
        let mut found = Vec::new();
        for name in names {
            found.push(self.daytona.snapshot(&self.account, name).await?);
        }
        if !yes && !agreed(&found)? {
            self.output.note(Tone::Dim, "nothing is deleted");
            return Ok(Exit::No);
        }
        for one in found {
            self.daytona.remove_snapshot(&self.account, &one.id).await?;
            self.output.note(Tone::Dim, format_args!("deleted {}", one.name));
            if self.is_usual(&one) {
                self.output.warning(format_args!(
                    "{} is what {SETTING} names: use another, or stigmer config unset {SETTING}",
                    one.name
                ));
            }
        }
        Ok(Exit::Success)
    }

    fn is_usual(&self, found: &Snapshot) -> bool {
        self.usual.as_deref().is_some_and(|usual| usual == found.name || usual == found.id)
    }
}

/// Asks whoever sits there; where nobody does the answer is an error.
fn agreed(all: &[Snapshot]) -> Result<bool, Failure> {
    let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
    let names = names.join(", ");
    crate::ask::agreed(
        &format!("Delete {names}? That cannot be undone."),
        &format!("deleting {names} cannot be undone"),
        "repeat it with --yes",
    )
}

/// Why a snapshot cannot be used, and what to do about it.
fn unusable(found: &Snapshot) -> Failure {
    Failure::Report(Report {
        code: "daytona-state".to_owned(),
        message: format!("the snapshot `{}` cannot be used: {}", found.name, found.words()),
        causes: found.error.iter().cloned().collect(),
        hint: Some(found.next_step()),
    })
}
