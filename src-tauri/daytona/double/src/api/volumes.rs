//! Volumes: folders that sandboxes share and that outlive them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sent, Shared};
use crate::cloud::ORGANIZATION;
use crate::reply::{Answer, Refusal};
use crate::world::new_id;

pub(super) async fn list(State(cloud): Shared) -> Json<Value> {
    Json(cloud.world().volumes.values().cloned().collect())
}

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
}

pub(super) async fn create(State(cloud): Shared, Sent(sent): Sent<Create>) -> Answer {
    let (id, now) = (new_id(), cloud.clock.text());
    let name = if sent.name.is_empty() { id.clone() } else { sent.name };
    let shown = json!({
        "id": id, "name": name, "organizationId": ORGANIZATION, "state": "pending_create",
        "createdAt": now, "updatedAt": now, "lastUsedAt": null, "errorReason": null,
    });
    {
        let mut world = cloud.world();
        if world.volume(&name).is_some() {
            return Err(Refusal::bad(format!("Volume with name {name} already exists")));
        }
        let most = cloud.options.limits.volumes;
        if world.volumes.len() >= most {
            return Err(Refusal::bad(format!("Volume quota exceeded. Maximum allowed: {most}")));
        }
        world.volumes.insert(id.clone(), shown.clone());
    }
    tokio::spawn(async move {
        cloud.pass().await;
        if let Some(volume) = cloud.world().volumes.get_mut(&id) {
            volume["state"] = json!("ready");
        }
    });
    Ok(Json(shown))
}

pub(super) async fn one(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    let world = cloud.world();
    let missing = || Refusal::missing(format!("Volume with ID or name {name} not found"));
    world.volume(&name).cloned().map(Json).ok_or_else(missing)
}

pub(super) async fn delete(State(cloud): Shared, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    {
        let mut world = cloud.world();
        if world.sandboxes.iter().any(|each| each.volumes.iter().any(|mounted| mounted.volume_id == id)) {
            return Err(Refusal::conflict("Volume cannot be deleted because it is in use"));
        }
        let missing = || Refusal::missing(format!("Volume with ID {id} not found"));
        world.volumes.get_mut(&id).ok_or_else(missing)?["state"] = json!("pending_delete");
    }
    tokio::spawn(async move {
        cloud.pass().await;
        cloud.world().volumes.remove(&id);
        let _ = std::fs::remove_dir_all(cloud.folder().join("volumes").join(&id));
    });
    Ok(StatusCode::OK)
}
