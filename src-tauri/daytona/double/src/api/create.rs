//! Making a sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;
use serde::Deserialize;

use super::lifecycle::{held, rise};
use super::{Sent, Shared, account, build, secrets};
use crate::clock;
use crate::cloud::Cloud;
use crate::reply::{Answer, Refusal};
use crate::sandbox::{Mounted, Sandbox, State as SandboxState};
use crate::snapshot::{BuildInfo, State as SnapshotState};
use crate::world::{DEFAULT_SNAPSHOT, World};

/// The longest time until a stopped sandbox is archived, in minutes.
pub(super) const MAX_ARCHIVE: i64 = 43_200;

/// Intervals are minutes, sizes whole processors and GiB.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Create {
    name: Option<String>,
    snapshot: Option<String>,
    build_info: Option<BuildInfo>,
    user: Option<String>,
    env: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    public: bool,
    target: Option<String>,
    cpu: Option<i64>,
    memory: Option<i64>,
    disk: Option<i64>,
    gpu: Option<i64>,
    auto_stop_interval: Option<i64>,
    auto_archive_interval: Option<i64>,
    auto_delete_interval: Option<i64>,
    ttl_minutes: Option<i64>,
    volumes: Vec<Mounted>,
    secrets: Option<secrets::Wanted>,
    network_block_all: bool,
    network_allow_list: Option<String>,
    domain_allow_list: Option<String>,
    kvm: bool,
    spot: bool,
}

pub(super) async fn create(State(cloud): Shared, Sent(wanted): Sent<Create>) -> Answer {
    let built = wanted.build_info.is_some();
    let id = {
        let mut world = cloud.world();
        let sandbox = admitted(&cloud, &mut world, wanted)?;
        let id = sandbox.id.clone();
        world.sandboxes.push(sandbox);
        id
    };
    let path = if built {
        vec![SandboxState::PendingBuild, SandboxState::BuildingSnapshot, SandboxState::Creating]
    } else {
        vec![SandboxState::Creating]
    };
    rise(&cloud, &id, path)?;
    if !built {
        held(&cloud, &id).await;
    }
    let world = cloud.world();
    let sandbox = world.sandbox(&id)?;
    if sandbox.state == SandboxState::Error {
        let why = sandbox.error_reason.clone().unwrap_or_default();
        return Err(Refusal::bad(format!("Sandbox failed to start: {why}")));
    }
    Ok(Json(sandbox.json()))
}

fn admitted(cloud: &Arc<Cloud>, world: &mut World, wanted: Create) -> Result<Sandbox, Refusal> {
    let now = cloud.clock.text();
    let begun = Sandbox::new(&cloud.origin, &now);
    let target = wanted.target.clone().unwrap_or_else(|| "us".to_owned());
    account::region(&target)?;
    let name = wanted.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| begun.id.clone());
    if world.sandbox(&name).is_ok() {
        let message = format!("Sandbox with name \"{name}\" already exists for this organization");
        return Err(Refusal::conflict(message));
    }
    if wanted.gpu.unwrap_or(0) > 0 || wanted.kvm || wanted.spot {
        return Err(Refusal::bad("No available runners"));
    }
    let (snapshot, build_info, (cpu, memory, disk)) = source(world, &wanted, &target, &now)?;
    quota(cloud, world, cpu, memory, disk)?;
    let lifetime = wanted.ttl_minutes.unwrap_or(0);
    let ends = cloud.clock.now().checked_add(SignedDuration::from_mins(lifetime)).ok();
    Ok(Sandbox {
        name,
        snapshot,
        user: wanted.user.unwrap_or_else(|| "daytona".to_owned()),
        env: wanted.env,
        labels: wanted.labels,
        public: wanted.public,
        network_block_all: wanted.network_block_all,
        network_allow_list: wanted.network_allow_list,
        domain_allow_list: wanted.domain_allow_list,
        target,
        cpu,
        memory,
        disk,
        auto_stop_interval: not_below(wanted.auto_stop_interval.unwrap_or(15), 0, "Auto-stop")?,
        auto_archive_interval: archive_after(wanted.auto_archive_interval.unwrap_or(10_080))?,
        auto_delete_interval: wanted.auto_delete_interval.unwrap_or(-1).max(-1),
        auto_destroy_at: ends.filter(|_| lifetime > 0).map(clock::text),
        secrets: secrets::placeholders(world, &wanted.secrets.unwrap_or_default())?,
        volumes: mounts(world, wanted.volumes)?,
        build_info,
        lifetime,
        ..begun
    })
}

/// Processors, memory and disk, whole and in GiB.
type Size = (i64, i64, i64);

/// What a sandbox is to be made from, and its size: a snapshot, or something to be built.
fn source(
    world: &mut World,
    wanted: &Create,
    target: &str,
    now: &str,
) -> Result<(Option<String>, Option<BuildInfo>, Size), Refusal> {
    let Some(info) = &wanted.build_info else {
        let (snapshot, size) = from_snapshot(world, wanted, target, now)?;
        return Ok((Some(snapshot), None, size));
    };
    let size = (wanted.cpu.unwrap_or(1), wanted.memory.unwrap_or(1), wanted.disk.unwrap_or(3));
    Ok((None, Some(build::info(info, now)?), size))
}

/// The volumes of a sandbox by their ids, if they are there.
fn mounts(world: &World, mut volumes: Vec<Mounted>) -> Result<Vec<Mounted>, Refusal> {
    for mounted in &mut volumes {
        let missing = || Refusal::missing(format!("Volume '{}' not found", mounted.volume_id));
        let volume = world.volume(&mounted.volume_id).ok_or_else(missing)?;
        if volume["state"] != "ready" {
            return Err(Refusal::bad(format!("Volume '{}' is not in a ready state", mounted.volume_id)));
        }
        mounted.volume_id = volume["id"].as_str().unwrap_or_default().to_owned();
    }
    Ok(volumes)
}

/// The name and the size of the snapshot that a sandbox is to be made from.
fn from_snapshot(
    world: &mut World,
    wanted: &Create,
    target: &str,
    now: &str,
) -> Result<(String, Size), Refusal> {
    if wanted.cpu.or(wanted.memory).or(wanted.disk).or(wanted.gpu).is_some() {
        return Err(Refusal::bad("Cannot specify Sandbox resources when using a snapshot"));
    }
    let name = wanted.snapshot.clone().unwrap_or_else(|| DEFAULT_SNAPSHOT.to_owned());
    let missing =
        || Refusal::bad(format!("Snapshot {name} not found. Did you add it through the Daytona Dashboard?"));
    let snapshot = world.snapshot(&name).ok_or_else(missing)?;
    match snapshot.state {
        SnapshotState::Active => {}
        SnapshotState::Building => return Err(Refusal::bad(format!("Snapshot {name} is building"))),
        other => {
            let state = serde_json::to_value(other).unwrap_or_default();
            let state = state.as_str().unwrap_or_default();
            return Err(Refusal::bad(format!("Snapshot {name} is {state}")));
        }
    }
    if !snapshot.region_ids.iter().any(|region| region == target) {
        return Err(Refusal::bad(format!("Snapshot {name} is not available in region {target}")));
    }
    let id = snapshot.id.clone();
    let found = (snapshot.name.clone(), (snapshot.cpu, snapshot.mem, snapshot.disk));
    if let Some(snapshot) = world.snapshot_mut(&id) {
        snapshot.last_used_at = Some(now.to_owned());
    }
    Ok(found)
}

/// Whether a sandbox of this size is within what the organization may use.
pub(super) fn quota(cloud: &Cloud, world: &World, cpu: i64, memory: i64, disk: i64) -> Result<(), Refusal> {
    per_sandbox(cloud, cpu, memory, disk)?;
    let limits = &cloud.options.limits;
    let counts = |state: SandboxState| !matches!(state, SandboxState::Stopped | SandboxState::Archived);
    let running: i64 = world.sandboxes.iter().filter(|each| counts(each.state)).map(|each| each.cpu).sum();
    if running + cpu > limits.total_cpu {
        return Err(Refusal::bad(format!(
            "Total CPU limit exceeded. Maximum allowed: {}.",
            limits.total_cpu
        )));
    }
    Ok(())
}

pub(super) fn per_sandbox(cloud: &Cloud, cpu: i64, memory: i64, disk: i64) -> Result<(), Refusal> {
    let limits = &cloud.options.limits;
    for (what, asked, most) in
        [("CPU", cpu, limits.cpu), ("Memory", memory, limits.memory), ("Disk", disk, limits.disk)]
    {
        if asked > most {
            let message = format!(
                "{what} request {asked} exceeds maximum allowed per sandbox ({most}). Contact support to raise it."
            );
            return Err(Refusal::bad(message));
        }
    }
    Ok(())
}

pub(super) fn not_below(minutes: i64, least: i64, what: &str) -> Result<i64, Refusal> {
    if minutes < least {
        return Err(Refusal::bad(format!("{what} interval must be non-negative")));
    }
    Ok(minutes)
}

pub(super) fn archive_after(minutes: i64) -> Result<i64, Refusal> {
    let minutes = not_below(minutes, 0, "Auto-archive")?;
    Ok(if minutes == 0 { MAX_ARCHIVE } else { minutes.min(MAX_ARCHIVE) })
}
