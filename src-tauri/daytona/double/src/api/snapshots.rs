//! Snapshots.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sent, Shared, account, build, create, lifecycle};
use crate::cloud::{Cloud, ORGANIZATION};
use crate::reply::{Answer, Refusal};
use crate::sandbox::State as SandboxState;
use crate::snapshot::{BuildInfo, Snapshot, State as SnapshotState};
use crate::world::World;

/// The size of every image, in GiB.
const SIZE: f64 = 0.4;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    page: Option<usize>,
    limit: Option<usize>,
    name: Option<String>,
    source_sandbox_id: Option<String>,
    sort: Option<String>,
    order: Option<String>,
}

pub(super) async fn list(State(cloud): Shared, Query(wanted): Query<Page>) -> Answer {
    let (page, limit) = (wanted.page.unwrap_or(1), wanted.limit.unwrap_or(100));
    if page < 1 || !(1..=200).contains(&limit) {
        return Err(Refusal::bad("page must not be less than 1, limit must be between 1 and 200"));
    }
    let world = cloud.world();
    let part = wanted.name.unwrap_or_default().to_lowercase();
    let source = wanted.source_sandbox_id;
    let takes = |each: &&Snapshot| {
        each.name.to_lowercase().contains(&part) && (source.is_none() || each.source_sandbox_id == source)
    };
    let mut found: Vec<_> = world.snapshots.iter().filter(takes).collect();
    match wanted.sort.as_deref() {
        Some("name") => found.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("createdAt") => found.sort_by(|a, b| a.created_at.cmp(&b.created_at)),
        // Nothing is less than something, so that it is last in the usual order.
        _ => found.sort_by(|a, b| a.last_used_at.cmp(&b.last_used_at)),
    }
    if wanted.order.as_deref() != Some("asc") {
        found.reverse();
    }
    found.sort_by_key(|each| each.general);
    let items: Vec<Value> =
        found.iter().skip((page - 1) * limit).take(limit).map(|each| json!(each)).collect();
    let pages = found.len().div_ceil(limit);
    Ok(Json(json!({ "items": items, "total": found.len(), "page": page, "totalPages": pages })))
}

fn missing(name: &str) -> Refusal {
    Refusal::missing(format!("Snapshot with ID or name {name} not found"))
}

pub(super) async fn one(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    let world = cloud.world();
    Ok(Json(json!(world.snapshot(&name).ok_or_else(|| missing(&name))?)))
}

/// Sizes are whole processors and GiB.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    name: String,
    image_name: Option<String>,
    build_info: Option<BuildInfo>,
    entrypoint: Option<Vec<String>>,
    cpu: Option<i64>,
    memory: Option<i64>,
    disk: Option<i64>,
    region_id: Option<String>,
}

pub(super) async fn create(State(cloud): Shared, Sent(wanted): Sent<Create>) -> Answer {
    let (shown, id) = {
        let mut world = cloud.world();
        let snapshot = admitted(&cloud, &world, wanted)?;
        let shown = json!(snapshot);
        let id = snapshot.id.clone();
        world.snapshots.push(snapshot);
        (shown, id)
    };
    tokio::spawn(make(Arc::clone(&cloud), id));
    Ok(Json(shown))
}

fn admitted(cloud: &Cloud, world: &World, wanted: Create) -> Result<Snapshot, Refusal> {
    named(cloud, world, &wanted.name)?;
    let region = wanted.region_id.unwrap_or_else(|| "us".to_owned());
    account::region(&region)?;
    let now = cloud.clock.text();
    let mut snapshot = Snapshot::new(&wanted.name, SnapshotState::Pending, &now);
    match (&wanted.build_info, wanted.image_name) {
        (Some(_), Some(_)) => return Err(Refusal::bad("Cannot set an image name when using build info")),
        (Some(_), None) if wanted.entrypoint.is_some() => {
            return Err(Refusal::bad("Cannot set an entrypoint when using build info"));
        }
        (Some(info), None) => snapshot.build_info = Some(build::info(info, &now)?),
        (None, Some(image)) => snapshot.image_name = Some(pullable(image)?),
        (None, None) => return Err(Refusal::bad("Must specify an image name or build info")),
    }
    snapshot.entrypoint = wanted.entrypoint;
    snapshot.cpu = wanted.cpu.unwrap_or(1);
    snapshot.mem = wanted.memory.unwrap_or(1);
    snapshot.disk = wanted.disk.unwrap_or(3);
    snapshot.region_ids = vec![region];
    create::per_sandbox(cloud, snapshot.cpu, snapshot.mem, snapshot.disk)?;
    Ok(snapshot)
}

/// Whether another snapshot may be made, with this name.
fn named(cloud: &Cloud, world: &World, name: &str) -> Result<(), Refusal> {
    if !written(name) {
        return Err(Refusal::bad(
            "Snapshot name can only contain letters, numbers, dots, underscores, colons, slashes and hyphens",
        ));
    }
    let mut own = world.snapshots.iter().filter(|each| !each.general);
    if own.clone().any(|each| each.name == name) {
        let message = format!("Snapshot with name \"{name}\" already exists for this organization");
        return Err(Refusal::conflict(message));
    }
    let most = cloud.options.limits.snapshots;
    if own.by_ref().count() >= most {
        return Err(Refusal::bad(format!("Snapshot quota exceeded. Maximum allowed: {most}")));
    }
    Ok(())
}

fn written(name: &str) -> bool {
    let good = |each: char| each.is_ascii_alphanumeric() || "_.-:/".contains(each);
    !name.is_empty() && name.chars().all(good) && !name.split('/').any(str::is_empty)
}

/// Whether an image has a name that can be pulled.
fn pullable(image: String) -> Result<String, Refusal> {
    let (name, digest) = image.split_once('@').map_or((&*image, None), |(name, digest)| (name, Some(digest)));
    if !written(name) {
        return Err(Refusal::bad("Invalid image name format"));
    }
    if let Some(digest) = digest {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.chars().all(|each| each.is_ascii_hexdigit()) {
            return Err(Refusal::bad("Invalid image digest format"));
        }
        return Ok(image);
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(':').map(|(_, tag)| tag) {
        None | Some("") => {
            Err(Refusal::bad("Image name must include a tag (e.g., ubuntu:22.04) or a digest"))
        }
        Some("latest") => Err(Refusal::bad("Images with tag \":latest\" are not allowed")),
        Some(_) => Ok(image),
    }
}

/// Changes a snapshot, unless it is gone.
fn set(cloud: &Cloud, id: &str, change: impl FnOnce(&mut Snapshot)) -> bool {
    let now = cloud.clock.text();
    let mut world = cloud.world();
    let found = world.snapshot_mut(id).filter(|each| each.state != SnapshotState::Removing);
    found
        .map(|snapshot| {
            change(snapshot);
            snapshot.updated_at = now;
        })
        .is_some()
}

/// Takes a snapshot to its state. An image whose name contains `missing` cannot be pulled.
async fn make(cloud: Arc<Cloud>, id: String) {
    let found = cloud.world().snapshot(&id).map(|each| {
        (each.image_name.clone(), each.build_info.clone(), each.build_log.clone(), each.files.is_some())
    });
    let Some((image, info, log, captured)) = found else { return };
    let known = info.as_ref().is_some_and(|info| cloud.world().built.contains(&info.snapshot_ref));
    cloud.pass().await;
    if let Some(info) = info {
        set(&cloud, &id, |snapshot| snapshot.state = SnapshotState::Building);
        if let Err(why) = build::run(&cloud, &info, &log).await {
            set(&cloud, &id, |snapshot| {
                snapshot.state = SnapshotState::BuildFailed;
                snapshot.error_reason = Some(why);
            });
            return;
        }
    }
    if !known && !captured {
        set(&cloud, &id, |snapshot| snapshot.state = SnapshotState::Pulling);
        cloud.pass().await;
    }
    set(&cloud, &id, |snapshot| match image.filter(|image| image.contains("missing")) {
        Some(image) => {
            snapshot.state = SnapshotState::Error;
            snapshot.error_reason =
                Some(format!("pull access denied for {image}, repository does not exist"));
        }
        None => {
            snapshot.state = SnapshotState::Active;
            snapshot.size = Some(SIZE);
        }
    });
}

pub(super) async fn delete(State(cloud): Shared, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    {
        let mut world = cloud.world();
        let named = world.snapshot(&id).is_some();
        match world.snapshot_mut(&id) {
            None if named => return Err(Refusal::bad("Validation failed (uuid is expected)")),
            None => return Err(missing(&id)),
            Some(snapshot) if snapshot.general => {
                return Err(Refusal::api(StatusCode::FORBIDDEN, "You cannot delete a general snapshot"));
            }
            Some(snapshot) => snapshot.state = SnapshotState::Removing,
        }
    }
    tokio::spawn(async move {
        cloud.pass().await;
        let files = {
            let mut world = cloud.world();
            let files = world.snapshot(&id).and_then(|each| each.files.clone());
            world.snapshots.retain(|each| each.id != id);
            files
        };
        if let Some(files) = files {
            let _ = std::fs::remove_dir_all(files);
        }
    });
    Ok(StatusCode::OK)
}

pub(super) async fn activate(State(cloud): Shared, Path(id): Path<String>) -> Answer {
    let shown = {
        let cooldown = cloud.options.cooldown;
        let mut world = cloud.world();
        let snapshot = world.snapshot_mut(&id).ok_or_else(|| missing(&id))?;
        if snapshot.state == SnapshotState::Active {
            return Err(Refusal::bad(format!("Snapshot {id} is already active")));
        }
        if snapshot.state != SnapshotState::Inactive {
            return Err(Refusal::bad(format!("Snapshot {id} cannot be activated in its state")));
        }
        if snapshot.deactivated.is_some_and(|at| at.elapsed() < cooldown) {
            return Err(Refusal::bad("Snapshot deactivation is still in progress. Please try again later."));
        }
        snapshot.state = SnapshotState::Pending;
        json!(snapshot)
    };
    tokio::spawn(async move {
        cloud.pass().await;
        set(&cloud, &id, |snapshot| snapshot.state = SnapshotState::Active);
    });
    Ok(Json(shown))
}

pub(super) async fn deactivate(State(cloud): Shared, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let mut world = cloud.world();
    let snapshot = world.snapshot_mut(&id).ok_or_else(|| missing(&id))?;
    match snapshot.state {
        SnapshotState::Inactive => {}
        SnapshotState::Active => {
            snapshot.state = SnapshotState::Inactive;
            snapshot.deactivated = Some(Instant::now());
        }
        _ => return Err(Refusal::bad(format!("Snapshot {id} cannot be deactivated in its state"))),
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct Capture {
    name: String,
}

/// Makes a snapshot of a sandbox, which is busy meanwhile and then what it was.
pub(super) async fn capture(
    State(cloud): Shared,
    Path(name): Path<String>,
    Sent(wanted): Sent<Capture>,
) -> Answer {
    let now = cloud.clock.text();
    let (shown, sandbox, turn, before, snapshot) = {
        let mut world = cloud.world();
        named(&cloud, &world, &wanted.name)?;
        let sandbox = world.sandbox_mut(&name)?;
        let before = sandbox.state;
        match before {
            SandboxState::Started | SandboxState::Stopped => {}
            state if state.is_stable() => return Err(Refusal::bad("Sandbox must be started or stopped")),
            _ => return Err(Refusal::conflict("Sandbox state change in progress")),
        }
        let turn = sandbox.begin(SandboxState::Snapshotting, before, now.clone());
        let mut snapshot = Snapshot::new(&wanted.name, SnapshotState::Snapshotting, &now);
        snapshot.organization_id = Some(ORGANIZATION);
        (snapshot.cpu, snapshot.mem, snapshot.disk) = (sandbox.cpu, sandbox.memory, sandbox.disk);
        snapshot.source_sandbox_id = Some(sandbox.id.clone());
        snapshot.region_ids = vec![sandbox.target.clone()];
        let files = cloud.folder().join("snapshots").join(&snapshot.id);
        snapshot.files = Some(files);
        let ids = (sandbox.json(), sandbox.id.clone(), turn, before, snapshot.id.clone());
        world.snapshots.push(snapshot);
        ids
    };
    tokio::spawn(async move {
        let files = cloud.folder().join("snapshots").join(&snapshot);
        cloud.pass().await;
        let copied = match std::fs::create_dir_all(&files) {
            Ok(()) => lifecycle::copy(&cloud.disk(&sandbox), &files).await,
            Err(error) => Err(error.to_string()),
        };
        set(&cloud, &snapshot, |snapshot| match copied {
            Ok(()) => (snapshot.state, snapshot.size) = (SnapshotState::Active, Some(SIZE)),
            Err(why) => (snapshot.state, snapshot.error_reason) = (SnapshotState::Error, Some(why)),
        });
        let now = cloud.clock.text();
        if let Ok(sandbox) = cloud.world().sandbox_mut(&sandbox)
            && sandbox.turn == turn
        {
            sandbox.set(before, now);
        }
    });
    Ok(Json(shown))
}
