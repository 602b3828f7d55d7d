//! What can be set on a sandbox without changing its state.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::{Sent, Shared, create};
use crate::clock;
use crate::cloud::Cloud;
use crate::reply::{Answer, Refusal};
use crate::sandbox::Sandbox;
use crate::world::new_id;

/// Changes a sandbox and shows it.
fn set(cloud: &Cloud, name: &str, change: impl FnOnce(&mut Sandbox)) -> Answer {
    let now = cloud.clock.text();
    let mut world = cloud.world();
    let sandbox = world.sandbox_mut(name)?;
    change(sandbox);
    sandbox.updated_at = now;
    Ok(Json(sandbox.json()))
}

#[derive(Deserialize)]
pub(super) struct Labels {
    labels: BTreeMap<String, String>,
}

pub(super) async fn labels(
    State(cloud): Shared,
    Path(name): Path<String>,
    Sent(sent): Sent<Labels>,
) -> Answer {
    let _ = set(&cloud, &name, |sandbox| sandbox.labels.clone_from(&sent.labels))?;
    Ok(Json(json!({ "labels": sent.labels })))
}

pub(super) async fn auto_stop(State(cloud): Shared, Path((name, minutes)): Path<(String, i64)>) -> Answer {
    let minutes = create::not_below(minutes, 0, "Auto-stop")?;
    set(&cloud, &name, |sandbox| sandbox.auto_stop_interval = minutes)
}

pub(super) async fn auto_archive(State(cloud): Shared, Path((name, minutes)): Path<(String, i64)>) -> Answer {
    let minutes = create::archive_after(minutes)?;
    set(&cloud, &name, |sandbox| sandbox.auto_archive_interval = minutes)
}

pub(super) async fn auto_delete(State(cloud): Shared, Path((name, minutes)): Path<(String, i64)>) -> Answer {
    set(&cloud, &name, |sandbox| sandbox.auto_delete_interval = minutes.max(-1))
}

pub(super) async fn lifetime(State(cloud): Shared, Path((name, minutes)): Path<(String, i64)>) -> Answer {
    let minutes = create::not_below(minutes, 0, "TTL")?;
    let ends = cloud.clock.now().checked_add(SignedDuration::from_mins(minutes)).ok();
    set(&cloud, &name, |sandbox| {
        let lived = i64::try_from(sandbox.born.elapsed().as_secs() / 60).unwrap_or(0);
        sandbox.lifetime = if minutes == 0 { 0 } else { lived + minutes };
        sandbox.auto_destroy_at = ends.filter(|_| minutes > 0).map(clock::text);
    })
}

pub(super) async fn public(State(cloud): Shared, Path((name, public)): Path<(String, bool)>) -> Answer {
    set(&cloud, &name, |sandbox| sandbox.public = public)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Network {
    network_block_all: Option<bool>,
    network_allow_list: Option<String>,
    domain_allow_list: Option<String>,
}

pub(super) async fn network(
    State(cloud): Shared,
    Path(name): Path<String>,
    Sent(sent): Sent<Network>,
) -> Answer {
    set(&cloud, &name, |sandbox| {
        sandbox.network_block_all = sent.network_block_all.unwrap_or(sandbox.network_block_all);
        if sent.network_allow_list.is_some() {
            sandbox.network_allow_list = sent.network_allow_list;
        }
        if sent.domain_allow_list.is_some() {
            sandbox.domain_allow_list = sent.domain_allow_list;
        }
    })
}

pub(super) async fn last_activity(
    State(cloud): Shared,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    let now = cloud.clock.text();
    let _ = set(&cloud, &name, |sandbox| {
        sandbox.active = std::time::Instant::now();
        sandbox.last_activity_at = now;
    })?;
    Ok(StatusCode::CREATED)
}

pub(super) async fn toolbox_proxy_url(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    Ok(Json(json!({ "url": cloud.world().sandbox(&name)?.toolbox_proxy_url })))
}

pub(super) async fn backup(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    if cloud.world().sandbox(&name)?.auto_delete_interval == 0 {
        return Err(Refusal::bad("Ephemeral sandboxes cannot be backed up"));
    }
    set(&cloud, &name, |sandbox| sandbox.backup_state = "Completed")
}

/// What only virtual machines can, and the double has none.
pub(super) async fn only_for_machines(State(cloud): Shared, Path(name): Path<String>) -> Refusal {
    match cloud.world().sandbox(&name) {
        Ok(_) => {
            Refusal::api(StatusCode::UNPROCESSABLE_ENTITY, "Not supported for sandboxes of class container")
        }
        Err(refusal) => refusal,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Expiry {
    expires_in_minutes: Option<i64>,
}

pub(super) async fn ssh_access(
    State(cloud): Shared,
    Path(name): Path<String>,
    Query(expiry): Query<Expiry>,
) -> Answer {
    let id = cloud.world().sandbox(&name)?.id.clone();
    let now = cloud.clock.now();
    let ends =
        now.checked_add(SignedDuration::from_mins(expiry.expires_in_minutes.unwrap_or(60))).unwrap_or(now);
    let token = new_id().replace('-', "");
    let now = clock::text(now);
    Ok(Json(json!({
        "id": new_id(),
        "sandboxId": id,
        "token": token,
        "expiresAt": clock::text(ends),
        "createdAt": now,
        "updatedAt": now,
        "sshCommand": format!("ssh -p 2222 {token}@localhost"),
    })))
}

pub(super) async fn end_ssh_access(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    Ok(Json(cloud.world().sandbox(&name)?.json()))
}

pub(super) async fn preview_url(State(cloud): Shared, Path((name, port)): Path<(String, u16)>) -> Answer {
    let id = cloud.world().sandbox(&name)?.id.clone();
    let url = format!("http://{port}-{id}.localhost");
    Ok(Json(json!({ "sandboxId": id, "url": url, "token": new_id() })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seconds {
    expires_in_seconds: Option<u32>,
}

pub(super) async fn signed_preview_url(
    State(cloud): Shared,
    Path((name, port)): Path<(String, u16)>,
    Query(Seconds { expires_in_seconds }): Query<Seconds>,
) -> Answer {
    if !(1..=86_400).contains(&expires_in_seconds.unwrap_or(60)) {
        return Err(Refusal::bad("expiresInSeconds must be between 1 and 86400"));
    }
    let id = cloud.world().sandbox(&name)?.id.clone();
    let token = new_id().replace('-', "");
    let url = format!("http://{port}-{token}.localhost");
    Ok(Json(json!({ "sandboxId": id, "port": port, "url": url, "token": token })))
}
