//! The key, the organization and its regions.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use crate::cloud::ORGANIZATION;
use crate::reply::Refusal;
use crate::world::DEFAULT_SNAPSHOT;

/// The version that the double says it is.
const VERSION: &str = "0.226.1";

pub(super) async fn config(State(cloud): Shared) -> Json<Value> {
    let origin = &cloud.origin;
    let limit = |limit: u32| json!({ "ttl": 60, "limit": limit });
    Json(json!({
        "version": VERSION,
        "oidc": { "issuer": format!("{origin}/oidc"), "clientId": "daytona", "audience": "daytona", "provider": "generic" },
        "linkedAccountsEnabled": false,
        "announcements": {},
        "proxyTemplateUrl": "http://{{PORT}}-{{sandboxId}}.localhost",
        "proxyToolboxUrl": format!("{origin}/toolbox"),
        "defaultSnapshot": DEFAULT_SNAPSHOT,
        "dashboardUrl": format!("{origin}/dashboard"),
        "maxAutoArchiveInterval": 43_200,
        "maintananceMode": false,
        "environment": "test",
        "analyticsApiUrl": format!("{origin}/analytics"),
        "rateLimit": {
            "failedAuth": limit(20),
            "authenticated": limit(10_000),
            "sandboxCreate": limit(300),
            "sandboxLifecycle": limit(10_000),
            "sandboxList": limit(10_000),
        },
    }))
}

pub(super) async fn health() -> StatusCode {
    StatusCode::OK
}

pub(super) async fn ready() -> Json<Value> {
    let up = json!({ "database": { "status": "up" } });
    Json(json!({ "status": "ok", "info": up, "error": {}, "details": up }))
}

pub(super) async fn key(State(cloud): Shared) -> Json<Value> {
    let value = &cloud.options.key;
    let visible = value.char_indices().rev().nth(2).map_or("", |(at, _)| &value[at..]);
    let now = cloud.clock.text();
    Json(json!({
        "name": "double",
        "value": format!("dtn_********************{visible}"),
        "createdAt": now,
        "permissions": cloud.options.permissions,
        "lastUsedAt": now,
        "expiresAt": null,
        "userId": "double",
        "organizationId": ORGANIZATION,
    }))
}

pub(super) async fn regions(State(cloud): Shared) -> Json<Value> {
    let now = cloud.clock.text();
    let region = |id: &str| {
        json!({
            "id": id, "name": id, "organizationId": null, "regionType": "shared", "createdAt": now, "updatedAt": now,
            "proxyUrl": cloud.origin,
        })
    };
    Json(json!([region("us"), region("eu")]))
}

/// Whether there is a region of this name.
pub(super) fn region(name: &str) -> Result<(), Refusal> {
    match name {
        "us" | "eu" => Ok(()),
        other => Err(Refusal::missing(format!("Region with ID or name {other} not found"))),
    }
}

/// Never reached with a key: the gate wants a person here.
pub(super) async fn organization_usage(Path(id): Path<String>) -> Refusal {
    Refusal::missing(format!("Organization with ID {id} not found"))
}

pub(super) async fn storage(State(cloud): Shared) -> Json<Value> {
    Json(json!({
        "accessKey": "double",
        "secret": "double",
        "sessionToken": "double",
        "storageUrl": format!("{}/storage", cloud.origin),
        "organizationId": ORGANIZATION,
        "bucket": "builds",
        "region": "us-east-1",
    }))
}
