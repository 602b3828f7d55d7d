//! The daemon itself and the machine that it sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Inside;
use crate::api::Sent;
use crate::cloud::{Cloud, lock};
use crate::reply::{Answer, Refusal};

/// Ports that are looked at.
const PORTS: std::ops::RangeInclusive<u16> = 3000..=9999;

pub(super) fn routes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/version", get(version))
        .route("/work-dir", get(work))
        .route("/user-home-dir", get(home))
        .route("/port", get(ports))
        .route("/port/{port}/in-use", get(in_use))
        .route("/env", post(env))
        .route("/system/metrics", get(metrics))
}

async fn version(_: Inside) -> Json<Value> {
    Json(json!({ "version": "0.226.1" }))
}

async fn work(Inside(toolbox): Inside) -> Json<Value> {
    Json(json!({ "dir": toolbox.place.folders.work }))
}

async fn home(Inside(toolbox): Inside) -> Json<Value> {
    Json(json!({ "dir": toolbox.place.folders.home }))
}

async fn listens(port: u16) -> bool {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

/// The network is that of this machine, whose ports are nobody's business.
async fn ports(_: Inside) -> Json<Value> {
    Json(json!({ "ports": [] }))
}

async fn in_use(_: Inside, Path((_, port)): Path<(String, u16)>) -> Answer {
    if !PORTS.contains(&port) {
        return Err(Refusal::daemon_bad("port out of range (3000-9999)"));
    }
    Ok(Json(json!({ "isInUse": listens(port).await })))
}

/// Of this machine, as far as one file says it; in bytes.
async fn metrics(State(cloud): State<Arc<Cloud>>, _: Inside) -> Json<Value> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    let (total, free) = (kib("MemTotal:") * 1024, kib("MemAvailable:") * 1024);
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Json(json!({
        "cpuCount": cpus, "cpuUsedPct": 0.0, "memTotal": total, "memUsed": total - free,
        "memCache": kib("Cached:") * 1024, "diskTotal": 0, "diskUsed": 0, "diskFree": 0,
        "timestamp": cloud.clock.text(), "timestampUnix": cloud.clock.now().as_second(),
    }))
}

#[derive(Deserialize)]
struct Env {
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    unset: Vec<String>,
}

/// Changes what processes get that are started from now on.
async fn env(Inside(toolbox): Inside, Sent(sent): Sent<Env>) -> Answer {
    let mut env = lock(&toolbox.env);
    env.retain(|name, _| !sent.unset.contains(name));
    env.extend(sent.set);
    Ok(Json(json!(*env)))
}
