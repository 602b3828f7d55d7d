//! `stigmer sandbox`: what sandboxes there are, here and in the cloud, and what is done with them.

mod cloud;
mod cost;
mod cp;
mod edit;
mod within;

use std::fmt::Write as _;

use serde_json::json;
use stigmer_engine::backend::docker::{Docker, Wish};
use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::Filter;
use stigmer_engine::sandbox::{Detail, Sandbox};
use stigmer_engine::size::size;
use stigmer_engine::spec::Mode;
use stigmer_engine::{Error, Result};

use crate::args::{Named, SandboxArguments, SandboxCommand, SandboxList};
use crate::exit::{Exit, Failure};
use crate::image::age;
use crate::output::{Output, Tone, answer};
use crate::table::Table;

use self::cloud::Cloud;
use self::edit::Yard;
use self::within::Within;

/// Carries out `stigmer sandbox`.
pub(crate) async fn sandbox(
    arguments: SandboxArguments,
    sources: Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    let command = arguments.command.unwrap_or(SandboxCommand::List(arguments.list));
    match command {
        SandboxCommand::Shell(awake) => within::run(awake, Within::Shell, sources, output).await,
        SandboxCommand::Packages(awake) => within::run(awake, Within::Packages, sources, output).await,
        SandboxCommand::Exec { awake, command } => {
            within::run(awake, Within::Command(command), sources, output).await
        }
        command => {
            let engine = crate::run::open(sources, output).await?;
            let done = Box::pin(quick(&engine, command, output)).await;
            // What was begun in the cloud is ended there, too.
            crate::run::close(engine).await;
            done
        }
    }
}

async fn quick(engine: &Engine, command: SandboxCommand, output: &Output) -> Result<Exit, Failure> {
    let (docker, wish) = engine.docker(None)?;
    let yard = Yard { docker, wish: wish.clone(), cloud: Cloud::of(engine)?, output };
    let cloud = &yard.cloud;
    let Cloud { daytona, account, .. } = cloud;
    match command {
        SandboxCommand::List(options) => list(docker, &wish, cloud, &options, output).await?,
        SandboxCommand::Start(Named { name }) => {
            let there = daytona.start_sandbox(account, &name);
            Box::pin(Cloud::either(docker.start_sandbox(&wish, &name), there)).await?;
        }
        SandboxCommand::Stop(Named { name }) => {
            let there = daytona.stop_sandbox(account, &name);
            Box::pin(Cloud::either(docker.stop_sandbox(&wish, &name), there)).await?;
        }
        SandboxCommand::Archive(named) => {
            let there = daytona.archive_sandbox(account, &named.name);
            Box::pin(Cloud::either(yard.not_a_container(&named, "archived"), there)).await?;
            output.note(Tone::Dim, format_args!("{} moves to the archive", named.name));
        }
        SandboxCommand::Rm { names, all } => {
            let names = if all {
                let ours = docker.sandboxes(&wish, false).await?;
                ours.into_iter().filter(|one| !one.in_use).map(|one| one.name).collect()
            } else {
                names
            };
            for name in names {
                let there = daytona.remove_sandbox(account, &name);
                Cloud::either(docker.remove_sandbox(&wish, &name), there).await?;
                output.note(Tone::Dim, format_args!("removed {name}"));
            }
        }
        SandboxCommand::Cost(options) => cost::cost(engine, &options, output).await?,
        SandboxCommand::Logs(named) => return logs(engine, &named.name).await,
        SandboxCommand::Inspect { named, json } => {
            inspect(docker, &wish, cloud, &named.name, json, output).await?;
        }
        SandboxCommand::Cp { from, to, json } => return Box::pin(yard.cp(&from, &to, json)).await,
        SandboxCommand::Ports { shown, port, within } => yard.ports(&shown, port, within).await?,
        command => Box::pin(yard.edit(command)).await?,
    }
    Ok(Exit::Success)
}

/// Prints everything about a container, or about a sandbox in the cloud.
async fn inspect(
    docker: &Docker,
    wish: &Wish,
    cloud: &Cloud<'_>,
    name: &str,
    as_json: bool,
    output: &Output,
) -> Result<(), Failure> {
    let here = async {
        let detail = docker.sandbox_detail(wish, name).await?;
        Ok(if as_json { of_mode(&detail, Mode::Sandbox).to_string() } else { facts(&detail, output) })
    };
    let there = async {
        let detail = cloud.daytona.sandbox_detail(&cloud.account, name).await?;
        let detail = cloud.engine.costed(detail, |detail| &detail.sandbox).await?;
        Ok(if as_json { json!(detail).to_string() } else { cloud::facts(&detail, output) })
    };
    answer(&Cloud::either(here, there).await?)
}

/// Lists containers and what is in the cloud. Where there is no engine for containers that is only told when the cloud
/// has some.
async fn list(
    docker: &Docker,
    wish: &Wish,
    cloud: &Cloud<'_>,
    options: &SandboxList,
    output: &Output,
) -> Result<(), Failure> {
    let (here, there) = tokio::join!(docker.sandboxes(wish, options.all), cloud.list(output));
    let here = match here {
        Err(error @ Error::BackendUnavailable { .. }) if !there.is_empty() => {
            output.warning(format_args!("containers are not listed: {error}"));
            Vec::new()
        }
        found => found?,
    };
    if options.json {
        let lines = here.iter().map(|one| of_mode(one, Mode::Sandbox).to_string());
        let lines = lines.chain(there.iter().map(|one| json!(one).to_string()));
        return answer(&lines.collect::<Vec<_>>().join("\n"));
    }
    if here.is_empty() && there.is_empty() {
        output.note(Tone::Dim, "no sandboxes; `stigmer run --mode sandbox COMMAND` makes one");
        return Ok(());
    }
    let mut tables = Vec::new();
    if !here.is_empty() {
        tables.push(table(&here, output));
    }
    if !there.is_empty() {
        tables.push(cloud::table(&there, output));
    }
    answer(&tables.join("\n\n"))?;
    cloud::point_out_unused(&there, output);
    Ok(())
}

/// What is known of something, and the mode that it belongs to.
fn of_mode(one: &impl serde::Serialize, mode: Mode) -> serde_json::Value {
    let mut line = json!(one);
    line["mode"] = json!(mode);
    line
}

/// Prints what the last run in a sandbox printed.
async fn logs(engine: &Engine, name: &str) -> Result<Exit, Failure> {
    let filter = Filter { sandbox: Some(name.to_owned()), limit: 1, ..Filter::default() };
    let last = engine.list(filter).await?.pop();
    let Some(last) = last else { return Err(Error::SandboxNotFound { name: name.to_owned() }.into()) };
    let options = crate::args::Logs::of(last.id.to_string());
    crate::runs::logs(engine, &options).await
}

fn table(all: &[Sandbox], output: &Output) -> String {
    let mut table = Table::new(["SANDBOX", "STATE", "USED", "IMAGE", "AGE", "NETWORK", "PORTS", "WORKSPACE"]);
    for one in all {
        let runs = one.state == "running";
        let kind = one.kind.as_deref().unwrap_or("not ours");
        table.row([
            (Tone::Strong, one.name.clone()),
            (if runs { Tone::Good } else { Tone::Dim }, one.state.clone()),
            (Tone::Plain, if one.in_use { format!("{kind}, in use") } else { kind.to_owned() }),
            (Tone::Plain, one.image.clone()),
            (Tone::Dim, age(one.created)),
            (Tone::Dim, one.network.clone()),
            (Tone::Plain, one.ports.join(" ")),
            (Tone::Dim, one.workspace.clone().unwrap_or_default()),
        ]);
    }
    table.text(output)
}

fn facts(detail: &Detail, output: &Output) -> String {
    let sandbox = &detail.sandbox;
    let mut limits: Vec<_> = detail.pids.iter().map(|pids| format!("{pids} processes")).collect();
    limits.extend(detail.memory.map(|memory| format!("{} of memory", size(memory))));
    limits.extend(detail.cpus.map(|cpus| format!("{cpus} CPUs")));
    let mut facts = vec![
        ("sandbox", sandbox.name.clone()),
        ("state", sandbox.status.clone()),
        ("kind", sandbox.kind.clone().unwrap_or_default()),
        ("image", sandbox.image.clone()),
        ("workspace", sandbox.workspace.clone().unwrap_or_default()),
        ("made for", sandbox.made_for.clone().unwrap_or_default()),
        ("user", detail.user.clone()),
        ("network", sandbox.network.clone()),
        ("ports", sandbox.ports.join(", ")),
        ("at most", limits.join(", ")),
    ];
    facts.extend(detail.mounts.iter().map(|mount| ("sees", mount.clone())));
    facts.extend(detail.env.iter().map(|variable| ("variable", variable.clone())));
    let mut text = String::new();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{} {value}", output.paint(Tone::Dim, format_args!("{name:9}")));
    }
    text.trim_end().to_owned()
}
