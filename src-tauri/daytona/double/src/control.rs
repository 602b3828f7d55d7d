//! The double's own endpoints, for tests in other languages: `/__double/faults`, `/__double/requests`,
//! `/__double/sandboxes/{name}`, `/__double/clock`. They need no key and are not recorded.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Sent;
use crate::cloud::Cloud;
use crate::fault::Fault;
use crate::reply::{Answer, Refusal};
use crate::sandbox;

type Shared = State<Arc<Cloud>>;

pub(crate) fn routes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/faults", get(faults).post(add).delete(forget))
        .route("/requests", get(requests).delete(clear))
        .route("/sandboxes/{name}", post(change))
        .route("/clock", post(set_clock))
}

/// One fault or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Faults {
    One(Box<Fault>),
    Many(Vec<Fault>),
}

async fn add(State(cloud): Shared, Sent(faults): Sent<Faults>) -> StatusCode {
    match faults {
        Faults::One(fault) => cloud.faults.add(*fault),
        Faults::Many(faults) => faults.into_iter().for_each(|fault| cloud.faults.add(fault)),
    }
    StatusCode::NO_CONTENT
}

async fn faults(State(cloud): Shared) -> Json<Value> {
    Json(json!(cloud.faults.waiting()))
}

async fn forget(State(cloud): Shared) -> StatusCode {
    cloud.faults.clear();
    StatusCode::NO_CONTENT
}

async fn requests(State(cloud): Shared) -> Json<Value> {
    Json(json!(cloud.journal.all()))
}

async fn clear(State(cloud): Shared) -> StatusCode {
    cloud.journal.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Change {
    state: String,
    reason: Option<String>,
}

async fn change(
    State(cloud): Shared,
    Path(name): Path<String>,
    Sent(change): Sent<Change>,
) -> Result<StatusCode, Refusal> {
    sandbox::change(cloud, name, change.state, change.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Ahead {
    /// Seconds.
    ahead: i64,
}

async fn set_clock(State(cloud): Shared, Sent(clock): Sent<Ahead>) -> Answer {
    cloud.clock.set_ahead(clock.ahead);
    Ok(Json(json!({ "now": cloud.clock.text() })))
}
