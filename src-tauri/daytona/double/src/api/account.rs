//! The key, the organization, its regions and what it spends.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use crate::cloud::{Cloud, ORGANIZATION};
use crate::reply::{Answer, Refusal};
use crate::sandbox::{Sandbox, State as SandboxState};
use crate::world::DEFAULT_SNAPSHOT;

/// The version that the double says it is.
const VERSION: &str = "0.226.1";

/// Prices for each second: a processor, a GiB of memory, a GiB of disk.
const PRICES: (f64, f64, f64) = (0.000_014, 0.000_004_5, 0.000_000_03);

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

/// Seconds that a sandbox has run, and what that cost.
fn used(sandbox: &Sandbox) -> (f64, f64) {
    let seconds = match sandbox.state {
        SandboxState::Started => sandbox.born.elapsed(),
        _ => sandbox.since.saturating_duration_since(sandbox.born),
    };
    let seconds = seconds.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "sizes are small numbers")]
    let (cpu, memory, disk) = (sandbox.cpu as f64, sandbox.memory as f64, sandbox.disk as f64);
    (seconds, seconds * (cpu * PRICES.0 + memory * PRICES.1 + disk * PRICES.2))
}

#[expect(clippy::cast_precision_loss, reason = "sizes are small numbers")]
fn usage(cloud: &Cloud, sandboxes: &[&Sandbox]) -> Value {
    let sum = |of: &dyn Fn(&Sandbox) -> f64| sandboxes.iter().map(|each| of(each)).sum::<f64>();
    json!({
        "firstStart": sandboxes.first().map(|each| each.created_at.clone()),
        "lastEnd": cloud.clock.text(),
        "sandboxCount": sandboxes.len(),
        "totalCPUSeconds": sum(&|each| used(each).0 * each.cpu as f64),
        "totalRAMGBSeconds": sum(&|each| used(each).0 * each.memory as f64),
        "totalDiskGBSeconds": sum(&|each| used(each).0 * each.disk as f64),
        "totalGPUSeconds": 0.0,
        "totalPrice": sum(&|each| used(each).1),
    })
}

pub(super) async fn cost(State(cloud): Shared) -> Answer {
    let world = cloud.world();
    let all: Vec<_> = world.sandboxes.iter().collect();
    Ok(Json(usage(&cloud, &all)))
}

pub(super) async fn cost_by_sandbox(State(cloud): Shared) -> Answer {
    let world = cloud.world();
    let each = world.sandboxes.iter().map(|sandbox| {
        let mut value = usage(&cloud, &[sandbox]);
        value["sandboxId"] = json!(sandbox.id);
        value
    });
    Ok(Json(each.collect()))
}

pub(super) async fn cost_chart(State(cloud): Shared) -> Answer {
    let now = cloud.clock.text();
    let point = json!({ "time": now, "cpu": 0, "cpuPrice": 0, "ramGB": 0, "ramPrice": 0, "diskGB": 0, "diskPrice": 0 });
    Ok(Json(json!([point])))
}
