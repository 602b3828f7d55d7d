//! Who may do what, and what it counts as.

use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};

use super::signing;
use crate::cloud::{Cloud, ORGANIZATION};
use crate::reply::Refusal;

/// Paths that need no key.
const OPEN: [&str; 3] = ["/api/config", "/api/health", "/api/health/ready"];

/// Paths that want a person instead of a key.
const PERSONAL: [&str; 3] = ["/api/users", "/api/organizations", "/api/api-keys"];

/// Whether the key of this request is good for it.
pub(crate) fn allowed(cloud: &Cloud, request: &Parts) -> Result<(), Refusal> {
    let path = request.uri.path();
    let api = path.starts_with("/api/");
    let behind = ["/toolbox/", "/analytics/", "/sandboxes/", "/snapshots/"];
    if OPEN.contains(&path) || (!api && !behind.iter().any(|each| path.starts_with(each))) {
        return Ok(());
    }
    if path.starts_with("/toolbox/") && signing::signed(cloud, request) {
        return Ok(());
    }
    let sent = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if sent.and_then(|value| value.strip_prefix("Bearer ")) != Some(&cloud.options.key) {
        let status = StatusCode::UNAUTHORIZED;
        return Err(if api {
            Refusal::api(status, "Invalid credentials")
        } else {
            Refusal::proxy(status, "UNAUTHORIZED", "unauthorized: Bearer token is invalid")
        });
    }
    if path != "/api/api-keys/current" && PERSONAL.iter().any(|each| path.starts_with(each)) {
        return Err(Refusal::api(StatusCode::UNAUTHORIZED, "Invalid credentials"));
    }
    if path.starts_with("/analytics/organization/") && path.split('/').nth(3) != Some(ORGANIZATION) {
        return Err(Refusal::api(StatusCode::FORBIDDEN, "Invalid authentication context"));
    }
    let needed = permissions(&request.method, path);
    if needed.is_empty() || needed.iter().any(|each| cloud.options.permissions.iter().any(|has| has == each))
    {
        return Ok(());
    }
    Err(Refusal::api(StatusCode::FORBIDDEN, "Forbidden resource"))
}

/// The permissions of which a request needs one.
fn permissions(method: &Method, path: &str) -> &'static [&'static str] {
    let noun = path.strip_prefix("/api/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let reads = *method == Method::GET;
    match noun {
        "docker-registry" if path.ends_with("/registry-push-access") => {
            &["write:snapshots", "write:sandboxes"]
        }
        "sandbox" | "snapshots" | "docker-registry" if reads => &[],
        "sandbox" if *method == Method::DELETE && !path.contains("/ssh-access") => &["delete:sandboxes"],
        "sandbox" => &["write:sandboxes"],
        "snapshots" if *method == Method::DELETE => &["delete:snapshots"],
        "snapshots" => &["write:snapshots"],
        "docker-registry" if *method == Method::DELETE => &["delete:registries"],
        "docker-registry" => &["write:registries"],
        "volumes" if reads => &["read:volumes"],
        "volumes" if *method == Method::DELETE => &["delete:volumes"],
        "volumes" => &["write:volumes"],
        _ => &[],
    }
}

/// The class of requests that this one is counted in.
pub(crate) fn class(method: &Method, path: &str) -> &'static str {
    let mut parts = path.trim_start_matches("/api/").split('/');
    let (noun, _, verb) = (parts.next(), parts.next(), parts.next());
    match (noun, verb) {
        (Some("sandbox"), Some("fork")) => "sandbox-create",
        (Some("sandbox"), Some("start" | "stop" | "archive" | "pause" | "recover" | "resize")) => {
            "sandbox-lifecycle"
        }
        (Some("sandbox"), None) if path == "/api/sandbox" && method == Method::POST => "sandbox-create",
        (Some("sandbox"), None) if path == "/api/sandbox" => "sandbox-list",
        (Some("sandbox"), None) if method == Method::DELETE => "sandbox-lifecycle",
        _ => "authenticated",
    }
}
