//! Starting, stopping, keeping and deleting sandboxes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;

use super::{Sent, Shared, build, create};
use crate::cloud::Cloud;
use crate::place::{self, Folders, Place};
use crate::reply::{Answer, Refusal};
use crate::sandbox::{self, Sandbox, State as SandboxState};
use crate::snapshot::BuildInfo;
use crate::toolbox::Toolbox;

/// Takes a sandbox through these states to `started`, in the background.
pub(super) fn rise(cloud: &Arc<Cloud>, name: &str, path: Vec<SandboxState>) -> Result<(), Refusal> {
    let (id, turn) = {
        let mut world = cloud.world();
        let sandbox = world.sandbox_mut(name)?;
        let first = path.first().copied().unwrap_or(SandboxState::Starting);
        let turn = sandbox.begin(first, SandboxState::Started, cloud.clock.text());
        (sandbox.id.clone(), turn)
    };
    let cloud = Arc::clone(cloud);
    tokio::spawn(async move {
        if let Err((state, why)) = risen(&cloud, &id, turn, &path).await {
            on_turn(&cloud, &id, turn, |sandbox, now| {
                sandbox.set(state, now);
                sandbox.error_reason = Some(why);
            });
        }
    });
    Ok(())
}

async fn risen(
    cloud: &Arc<Cloud>,
    id: &str,
    turn: u64,
    path: &[SandboxState],
) -> Result<(), (SandboxState, String)> {
    for &state in path {
        if on_turn(cloud, id, turn, |sandbox, now| sandbox.set(state, now)).is_none() {
            return Ok(());
        }
        if state == SandboxState::BuildingSnapshot {
            built(cloud, id).await.map_err(|why| (SandboxState::BuildFailed, why))?;
        } else {
            cloud.pass().await;
        }
    }
    let opened = open(cloud, id).await.map_err(|why| (SandboxState::Error, why))?;
    let taken = on_turn(cloud, id, turn, |sandbox, now| {
        sandbox.set(SandboxState::Started, now);
        sandbox.error_reason = None;
        sandbox.toolbox = Some(Arc::clone(&opened));
    });
    if taken.is_none() {
        opened.end().await;
    }
    Ok(())
}

async fn built(cloud: &Arc<Cloud>, id: &str) -> Result<(), String> {
    let found = cloud.world().sandbox(id).ok().map(|each| (each.build_info.clone(), each.build_log.clone()));
    let Some((Some(info), log)) = found else { return Ok(()) };
    build::run(cloud, &info, &log).await
}

/// Starts what runs in a sandbox.
async fn open(cloud: &Arc<Cloud>, id: &str) -> Result<Arc<Toolbox>, String> {
    let gone = || "the sandbox is gone".to_owned();
    let (env, volumes, files, info, user) = {
        let world = cloud.world();
        let sandbox = world.sandbox(id).map_err(|_| gone())?;
        let snapshot = sandbox.snapshot.as_deref().and_then(|name| world.snapshot(name));
        let info = sandbox.build_info.clone().or_else(|| snapshot.and_then(|each| each.build_info.clone()));
        let files = snapshot.and_then(|each| each.files.clone());
        let mut env = sandbox.secrets.clone();
        env.extend(sandbox.env.clone());
        (env, sandbox.volumes.clone(), files, info, sandbox.user.clone())
    };
    let disk = cloud.disk(id);
    if !disk.exists() {
        std::fs::create_dir_all(&disk).map_err(|error| error.to_string())?;
        if let Some(files) = files {
            copy(&files, &disk).await?;
        }
    }
    let mounts: Vec<_> = volumes.iter().map(|each| volume(cloud, each)).collect();
    for (source, _) in &mounts {
        std::fs::create_dir_all(source).map_err(|error| error.to_string())?;
    }
    let home = if user == "root" { "/root".to_owned() } else { format!("/home/{user}") };
    let work = info.as_ref().and_then(BuildInfo::work_dir).unwrap_or_else(|| home.clone());
    let mut all = info.as_ref().map(BuildInfo::variables).unwrap_or_default();
    all.extend(env);
    let all = place::variables(id, &user, &home, all);
    let place =
        Place::open(&disk, &mounts, Folders { home, work }).await.map_err(|error| error.to_string())?;
    Ok(Arc::new(Toolbox::new(place, disk, all)))
}

fn volume(cloud: &Cloud, mounted: &sandbox::Mounted) -> (PathBuf, String) {
    let mut source = cloud.folder().join("volumes").join(&mounted.volume_id);
    if let Some(subpath) = &mounted.subpath {
        source.push(subpath.trim_start_matches('/'));
    }
    (source, mounted.mount_path.clone())
}

/// Copies the files of a sandbox.
pub(super) async fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<(), String> {
    let mut command = tokio::process::Command::new("cp");
    command.args(["-a", "--reflink=auto"]).arg(from.join(".")).arg(to);
    let output = command.output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Changes a sandbox unless another change was begun since `turn`.
fn on_turn<T>(
    cloud: &Cloud,
    id: &str,
    turn: u64,
    change: impl FnOnce(&mut Sandbox, String) -> T,
) -> Option<T> {
    let now = cloud.clock.text();
    let mut world = cloud.world();
    let sandbox = world.sandbox_mut(id).ok()?;
    (sandbox.turn == turn).then(|| change(sandbox, now))
}

/// Waits until a sandbox is started or will not be, as long as answers are held.
pub(super) async fn held(cloud: &Cloud, id: &str) {
    let settled = async {
        while cloud.world().sandbox(id).is_ok_and(|sandbox| !sandbox.state.is_stable()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let _ = tokio::time::timeout(cloud.options.hold, settled).await;
}

fn shown(cloud: &Cloud, name: &str) -> Answer {
    Ok(Json(cloud.world().sandbox(name)?.json()))
}

/// Refuses while another change is under way.
fn settled(sandbox: &Sandbox) -> Result<(), Refusal> {
    if sandbox.state.is_stable() {
        return Ok(());
    }
    Err(Refusal::conflict("Sandbox state change in progress"))
}

pub(super) async fn start(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    let (id, state) = {
        let world = cloud.world();
        let sandbox = world.sandbox(&name)?;
        (sandbox.id.clone(), sandbox.state)
    };
    match state {
        SandboxState::Started => return shown(&cloud, &id),
        SandboxState::Stopped => {
            let (cpu, memory, disk) = {
                let world = cloud.world();
                let sandbox = world.sandbox(&id)?;
                (sandbox.cpu, sandbox.memory, sandbox.disk)
            };
            create::quota(&cloud, &cloud.world(), cpu, memory, disk)?;
            rise(&cloud, &id, vec![SandboxState::Starting])?;
        }
        SandboxState::Archived => {
            rise(&cloud, &id, vec![SandboxState::Restoring])?;
            return shown(&cloud, &id);
        }
        SandboxState::Error | SandboxState::BuildFailed => {
            return Err(Refusal::bad("Sandbox is in an errored state"));
        }
        _ => return Err(Refusal::conflict("Sandbox state change in progress")),
    }
    held(&cloud, &id).await;
    shown(&cloud, &id)
}

#[derive(Deserialize)]
pub(super) struct Stop {
    #[serde(default)]
    force: bool,
}

pub(super) async fn stop(State(cloud): Shared, Path(name): Path<String>, Query(how): Query<Stop>) -> Answer {
    stopped(&cloud, &name, how.force)?;
    shown(&cloud, &name)
}

/// Stops a sandbox in the background. One that is deleted when it stops is deleted.
pub(super) fn stopped(cloud: &Arc<Cloud>, name: &str, force: bool) -> Result<(), Refusal> {
    let (id, turn, toolbox) = {
        let mut world = cloud.world();
        let sandbox = world.sandbox_mut(name)?;
        settled(sandbox)?;
        match sandbox.state {
            SandboxState::Started => {}
            SandboxState::Stopped => return Ok(()),
            SandboxState::Error => return Err(Refusal::bad("Sandbox is in an errored state")),
            _ => return Err(Refusal::bad("Sandbox is not in a stoppable state")),
        }
        if sandbox.auto_delete_interval == 0 {
            drop(world);
            return deleted(cloud, name);
        }
        let turn = sandbox.begin(SandboxState::Stopping, SandboxState::Stopped, cloud.clock.text());
        (sandbox.id.clone(), turn, sandbox.toolbox.take())
    };
    let cloud = Arc::clone(cloud);
    tokio::spawn(async move {
        if let Some(toolbox) = toolbox {
            if !force {
                toolbox.place.ask().await;
            }
            cloud.pass().await;
            toolbox.end().await;
        }
        on_turn(&cloud, &id, turn, |sandbox, now| sandbox.set(SandboxState::Stopped, now));
    });
    Ok(())
}

pub(super) async fn delete(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    let id = cloud.world().sandbox(&name)?.id.clone();
    deleted(&cloud, &id)?;
    shown(&cloud, &id)
}

/// Deletes a sandbox in the background.
pub(super) fn deleted(cloud: &Arc<Cloud>, name: &str) -> Result<(), Refusal> {
    let (id, toolbox) = {
        let mut world = cloud.world();
        let sandbox = world.sandbox_mut(name)?;
        settled(sandbox)?;
        sandbox.begin(SandboxState::Destroying, SandboxState::Destroyed, cloud.clock.text());
        (sandbox.id.clone(), sandbox.toolbox.take())
    };
    let cloud = Arc::clone(cloud);
    tokio::spawn(async move {
        if let Some(toolbox) = toolbox {
            toolbox.end().await;
        }
        cloud.pass().await;
        sandbox::forget(&cloud, &id);
    });
    Ok(())
}

pub(super) async fn archive(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    archived(&cloud, &name)?;
    shown(&cloud, &name)
}

pub(super) fn archived(cloud: &Arc<Cloud>, name: &str) -> Result<(), Refusal> {
    let (id, turn) = {
        let mut world = cloud.world();
        let sandbox = world.sandbox_mut(name)?;
        settled(sandbox)?;
        if sandbox.state != SandboxState::Stopped {
            return Err(Refusal::bad("Sandbox is not stopped"));
        }
        if sandbox.auto_delete_interval == 0 {
            return Err(Refusal::bad("Ephemeral sandboxes cannot be archived"));
        }
        let turn = sandbox.begin(SandboxState::Archiving, SandboxState::Archived, cloud.clock.text());
        (sandbox.id.clone(), turn)
    };
    let cloud = Arc::clone(cloud);
    tokio::spawn(async move {
        cloud.pass().await;
        on_turn(&cloud, &id, turn, |sandbox, now| {
            sandbox.set(SandboxState::Archived, now);
            sandbox.backup_state = "Completed";
        });
    });
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recovery {
    #[serde(default)]
    skip_start: bool,
}

pub(super) async fn recover(
    State(cloud): Shared,
    Path(name): Path<String>,
    Query(how): Query<Recovery>,
) -> Answer {
    let id = {
        let mut world = cloud.world();
        let sandbox = world.sandbox_mut(&name)?;
        if sandbox.state != SandboxState::Error {
            return Err(Refusal::bad("Sandbox must be in error state to recover"));
        }
        if !sandbox.recoverable {
            return Err(Refusal::bad("Sandbox is not recoverable"));
        }
        if how.skip_start {
            sandbox.begin(SandboxState::Stopped, SandboxState::Stopped, cloud.clock.text());
            (sandbox.error_reason, sandbox.recoverable) = (None, false);
            return Ok(Json(sandbox.json()));
        }
        sandbox.id.clone()
    };
    rise(&cloud, &id, vec![SandboxState::Starting])?;
    held(&cloud, &id).await;
    shown(&cloud, &id)
}

/// Whole processors and GiB.
#[derive(Deserialize)]
pub(super) struct Resize {
    cpu: Option<i64>,
    memory: Option<i64>,
    disk: Option<i64>,
}

pub(super) async fn resize(
    State(cloud): Shared,
    Path(name): Path<String>,
    Sent(wanted): Sent<Resize>,
) -> Answer {
    let (id, turn, before) = {
        let mut world = cloud.world();
        let sandbox = world.sandbox_mut(&name)?;
        settled(sandbox)?;
        let (cpu, memory, disk) = resized(sandbox, &wanted)?;
        create::per_sandbox(&cloud, cpu, memory, disk)?;
        let before = sandbox.state;
        let turn = sandbox.begin(SandboxState::Resizing, before, cloud.clock.text());
        (sandbox.cpu, sandbox.memory, sandbox.disk) = (cpu, memory, disk);
        (sandbox.id.clone(), turn, before)
    };
    let later = Arc::clone(&cloud);
    let of = id.clone();
    tokio::spawn(async move {
        later.pass().await;
        on_turn(&later, &of, turn, |sandbox, now| sandbox.set(before, now));
    });
    shown(&cloud, &id)
}

/// The size that a sandbox will have, if it may.
fn resized(sandbox: &Sandbox, wanted: &Resize) -> Result<(i64, i64, i64), Refusal> {
    let size = (
        wanted.cpu.unwrap_or(sandbox.cpu),
        wanted.memory.unwrap_or(sandbox.memory),
        wanted.disk.unwrap_or(sandbox.disk),
    );
    if size.0.min(size.1).min(size.2) < 1 {
        return Err(Refusal::bad("Resources must be at least 1"));
    }
    if size == (sandbox.cpu, sandbox.memory, sandbox.disk) {
        return Err(Refusal::bad("No resource changes"));
    }
    if size.2 < sandbox.disk {
        return Err(Refusal::bad("Sandbox disk size cannot be decreased"));
    }
    match sandbox.state {
        SandboxState::Started if size.2 > sandbox.disk => {
            Err(Refusal::bad("Disk resize can only be performed on a stopped sandbox"))
        }
        SandboxState::Started if size.0 < sandbox.cpu || size.1 < sandbox.memory => {
            Err(Refusal::bad("CPU and memory cannot be decreased while the sandbox is started"))
        }
        SandboxState::Started | SandboxState::Stopped => Ok(size),
        _ => Err(Refusal::bad("Sandbox must be started or stopped to be resized")),
    }
}
