//! Secrets. A sandbox sees a placeholder in its variables; nothing here replaces it on the way out.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sent, Shared};
use crate::reply::{Answer, Refusal};
use crate::world::{World, new_id};

pub(super) async fn list(State(cloud): Shared) -> Json<Value> {
    Json(cloud.world().secrets.values().cloned().collect())
}

/// All of them on one page.
pub(super) async fn page(State(cloud): Shared) -> Json<Value> {
    let all: Vec<_> = cloud.world().secrets.values().cloned().collect();
    Json(json!({ "total": all.len(), "items": all, "nextCursor": null }))
}

/// Its value goes nowhere.
#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    description: Option<String>,
    #[serde(default)]
    hosts: Option<Vec<String>>,
}

pub(super) async fn create(
    State(cloud): Shared,
    Sent(sent): Sent<Create>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let (id, now) = (new_id(), cloud.clock.text());
    let mut world = cloud.world();
    if world.secrets.values().any(|each| each["name"] == sent.name) {
        return Err(Refusal::conflict(format!("Secret with name \"{}\" already exists", sent.name)));
    }
    let shown = json!({
        "id": id, "name": sent.name, "description": sent.description, "hosts": sent.hosts.unwrap_or_default(),
        "placeholder": format!("dtn_secret_{}", new_id().replace('-', "")), "createdAt": now, "updatedAt": now,
    });
    world.secrets.insert(id, shown.clone());
    Ok((StatusCode::CREATED, Json(shown)))
}

fn missing(id: &str) -> Refusal {
    Refusal::missing(format!("Secret with ID {id} not found"))
}

pub(super) async fn one(State(cloud): Shared, Path(id): Path<String>) -> Answer {
    cloud.world().secrets.get(&id).cloned().map(Json).ok_or_else(|| missing(&id))
}

#[derive(Deserialize)]
pub(super) struct Update {
    description: Option<String>,
    hosts: Option<Vec<String>>,
}

pub(super) async fn update(State(cloud): Shared, Path(id): Path<String>, Sent(sent): Sent<Update>) -> Answer {
    let now = cloud.clock.text();
    let mut world = cloud.world();
    let secret = world.secrets.get_mut(&id).ok_or_else(|| missing(&id))?;
    if let Some(description) = sent.description {
        secret["description"] = json!(description);
    }
    if let Some(hosts) = sent.hosts {
        secret["hosts"] = json!(hosts);
    }
    secret["updatedAt"] = json!(now);
    Ok(Json(secret.clone()))
}

pub(super) async fn delete(State(cloud): Shared, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    cloud.world().secrets.remove(&id).map(|_| StatusCode::NO_CONTENT).ok_or_else(|| missing(&id))
}

/// Names of variables and the names of their secrets, one pair in each.
pub(super) type Wanted = Vec<BTreeMap<String, String>>;

/// The variables of a sandbox with the placeholders of its secrets.
pub(super) fn placeholders(world: &World, wanted: &Wanted) -> Result<BTreeMap<String, String>, Refusal> {
    let pairs = wanted.iter().flatten().map(|(variable, name)| {
        let found = world.secrets.values().find(|each| each["name"] == *name);
        let placeholder = found.and_then(|secret| secret["placeholder"].as_str());
        let missing = || Refusal::missing(format!("Secret \"{name}\" not found"));
        placeholder.map(|placeholder| (variable.clone(), placeholder.to_owned())).ok_or_else(missing)
    });
    pairs.collect()
}

#[derive(Deserialize)]
pub(super) struct Replace {
    secrets: Wanted,
}

/// Processes get them that are started after the sandbox was.
pub(super) async fn replace(
    State(cloud): Shared,
    Path(name): Path<String>,
    Sent(sent): Sent<Replace>,
) -> Answer {
    let mut world = cloud.world();
    let placeholders = placeholders(&world, &sent.secrets)?;
    let sandbox = world.sandbox_mut(&name)?;
    sandbox.secrets = placeholders;
    Ok(Json(sandbox.json()))
}
