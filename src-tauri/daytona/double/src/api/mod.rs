//! The control plane.

mod account;
mod analytics;
mod build;
mod create;
mod gate;
mod lifecycle;
mod list;
mod registries;
mod secrets;
mod settings;
mod signing;
mod snapshots;
mod timers;
mod volumes;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::cloud::Cloud;
use crate::reply::{Refusal, Side};

pub(crate) use analytics::Used;
pub(crate) use gate::{allowed, class};
pub(crate) use timers::timers;

type Shared = State<Arc<Cloud>>;

/// A body of JSON; an empty one counts as `{}`.
pub(crate) struct Sent<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let daemon = request.extensions().get::<Side>() == Some(&Side::Daemon);
        let refuse = |message: String| {
            if daemon {
                Refusal::daemon(StatusCode::BAD_REQUEST, "INVALID_REQUEST_BODY", message)
            } else {
                Refusal::bad(message)
            }
        };
        let bytes = Bytes::from_request(request, state).await.map_err(|error| refuse(error.to_string()))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Self).map_err(|error| refuse(error.to_string()))
    }
}

pub(crate) fn routes() -> Router<Arc<Cloud>> {
    Router::new().merge(sandboxes()).merge(snapshots()).merge(rest())
}

fn sandboxes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/sandbox", post(create::create).get(list::list))
        .route("/sandbox/{name}", get(list::one).delete(lifecycle::delete))
        .route("/sandbox/{name}/start", post(lifecycle::start))
        .route("/sandbox/{name}/stop", post(lifecycle::stop))
        .route("/sandbox/{name}/archive", post(lifecycle::archive))
        .route("/sandbox/{name}/recover", post(lifecycle::recover))
        .route("/sandbox/{name}/resize", post(lifecycle::resize))
        .route("/sandbox/{name}/pause", post(settings::only_for_machines))
        .route("/sandbox/{name}/fork", post(settings::only_for_machines))
        .route("/sandbox/{name}/backup", post(settings::backup))
        .route("/sandbox/{name}/snapshot", post(snapshots::capture))
        .route("/sandbox/{name}/labels", put(settings::labels))
        .route("/sandbox/{name}/autostop/{minutes}", post(settings::auto_stop))
        .route("/sandbox/{name}/autoarchive/{minutes}", post(settings::auto_archive))
        .route("/sandbox/{name}/autodelete/{minutes}", post(settings::auto_delete))
        .route("/sandbox/{name}/ttl/{minutes}", post(settings::lifetime))
        .route("/sandbox/{name}/public/{public}", post(settings::public))
        .route("/sandbox/{name}/network-settings", post(settings::network))
        .route("/sandbox/{name}/last-activity", post(settings::last_activity))
        .route("/sandbox/{name}/toolbox-proxy-url", get(settings::toolbox_proxy_url))
        .route("/sandbox/{name}/signing-key", get(signing::key))
        .route("/sandbox/{name}/signing-key/rotate", post(signing::rotate))
        .route("/sandbox/{name}/secrets", put(secrets::replace))
        .route("/sandbox/{name}/build-logs-url", get(build::sandbox_url))
        .route("/sandbox/{name}/ssh-access", post(settings::ssh_access).delete(settings::end_ssh_access))
        .route("/sandbox/{name}/ports/{port}/preview-url", get(settings::preview_url))
        .route("/sandbox/{name}/ports/{port}/signed-preview-url", get(settings::signed_preview_url))
}

fn snapshots() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/snapshots", get(snapshots::list).post(snapshots::create))
        .route("/snapshots/{name}", get(snapshots::one).delete(snapshots::delete))
        .route("/snapshots/{name}/activate", post(snapshots::activate))
        .route("/snapshots/{name}/deactivate", post(snapshots::deactivate))
        .route("/snapshots/{name}/build-logs-url", get(build::snapshot_url))
}

fn rest() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/config", get(account::config))
        .route("/health", get(account::health))
        .route("/health/ready", get(account::ready))
        .route("/api-keys/current", get(account::key))
        .route("/regions", get(account::regions))
        .route("/shared-regions", get(account::regions))
        .route("/organizations/{id}/usage", get(account::organization_usage))
        .route("/object-storage/push-access", get(account::storage))
        .route("/docker-registry", get(registries::list).post(registries::create))
        .route("/docker-registry/registry-push-access", get(registries::push_access))
        .route(
            "/docker-registry/{id}",
            get(registries::one).patch(registries::update).delete(registries::delete),
        )
        .route("/secret", get(secrets::list).post(secrets::create))
        .route("/secret/paginated", get(secrets::page))
        .route("/secret/{id}", get(secrets::one).patch(secrets::update).delete(secrets::delete))
        .route("/volumes", get(volumes::list).post(volumes::create))
        .route("/volumes/{id}", get(volumes::one).delete(volumes::delete))
        .route("/volumes/by-name/{id}", get(volumes::one))
}

/// What the address in `/api/config` says about usage and cost.
pub(crate) fn analytics() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/organization/{id}/usage/aggregated", get(analytics::aggregated))
        .route("/organization/{id}/usage/sandbox", get(analytics::by_sandbox))
        .route("/organization/{id}/usage/chart", get(analytics::chart))
        .route("/organization/{id}/sandbox/{sandbox}/usage", get(analytics::periods))
}

/// The logs of builds, which are elsewhere than the API that names their addresses.
pub(crate) fn build_logs() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/sandboxes/{name}/build-logs", get(build::sandbox_logs))
        .route("/snapshots/{name}/build-logs", get(build::snapshot_logs))
}
