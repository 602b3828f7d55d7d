//! Registries of images, and the right to push into one.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sent, Shared};
use crate::clock;
use crate::reply::{Answer, Refusal};
use crate::world::new_id;

pub(super) async fn list(State(cloud): Shared) -> Json<Value> {
    Json(cloud.world().registries.values().cloned().collect())
}

#[derive(Deserialize)]
pub(super) struct Registry {
    name: String,
    url: String,
    username: String,
    project: Option<String>,
}

impl Registry {
    fn shown(&self, id: &str, created: &Value, now: &str) -> Value {
        json!({
            "id": id, "name": self.name, "url": self.url, "username": self.username,
            "project": self.project.clone().unwrap_or_default(), "registryType": "organization",
            "createdAt": created, "updatedAt": now,
        })
    }
}

pub(super) async fn create(
    State(cloud): Shared,
    Sent(sent): Sent<Registry>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let (id, now) = (new_id(), cloud.clock.text());
    let shown = sent.shown(&id, &json!(now), &now);
    cloud.world().registries.insert(id, shown.clone());
    Ok((StatusCode::CREATED, Json(shown)))
}

fn missing(id: &str) -> Refusal {
    Refusal::missing(format!("Docker registry with ID {id} not found"))
}

pub(super) async fn one(State(cloud): Shared, Path(id): Path<String>) -> Answer {
    cloud.world().registries.get(&id).cloned().map(Json).ok_or_else(|| missing(&id))
}

pub(super) async fn update(
    State(cloud): Shared,
    Path(id): Path<String>,
    Sent(sent): Sent<Registry>,
) -> Answer {
    let now = cloud.clock.text();
    let mut world = cloud.world();
    let registry = world.registries.get_mut(&id).ok_or_else(|| missing(&id))?;
    *registry = sent.shown(&id, &registry["createdAt"].clone(), &now);
    Ok(Json(registry.clone()))
}

pub(super) async fn delete(State(cloud): Shared, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    cloud.world().registries.remove(&id).map(|_| StatusCode::NO_CONTENT).ok_or_else(|| missing(&id))
}

/// A robot that may push for an hour. The registry that it names is nowhere.
pub(super) async fn push_access(State(cloud): Shared) -> Answer {
    let now = cloud.clock.now();
    let ends = now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now);
    Ok(Json(json!({
        "username": "robot$double",
        "secret": new_id(),
        "registryUrl": "registry.double.invalid",
        "registryId": "b5f3d2c1-4f6e-4d58-8c5b-7f1a0c2e9d33",
        "project": "daytona",
        "expiresAt": clock::text(ends),
    })))
}
