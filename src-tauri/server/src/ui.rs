//! The pages of the window, for browsers: part of the program, or read from `ui/dist` where it is built for
//! development.

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::problem::{Problem, Refusal};

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Pages;

/// What is shown where the pages were not built.
const MISSING: &str = "<!doctype html><meta charset=utf-8><title>Stigmer</title>\
    <h1>The pages of Stigmer are not in this build</h1>\
    <p>Build them with <code>npm ci && npm run build</code> in <code>ui/</code>, then build the program again. \
    The API works without them: see <a href=/api/openapi.json>/api/openapi.json</a>.</p>\n";

/// Answers whatever the API does not.
pub(crate) fn with_pages(api: Router) -> Router {
    api.fallback(page)
}

async fn page(method: Method, uri: Uri) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return Refusal::from(Problem::NoRoute { path: path.to_owned() }).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let mut refused = Refusal::from(Problem::Method { method: method.to_string() }).into_response();
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let name = path.trim_start_matches('/');
    if let Some(file) = Pages::get(name) {
        return file_answer(name, file.data.into_owned());
    }
    // A path of the pages' own is theirs to understand; a file that is not there is not.
    if name.contains('.') {
        return Refusal::from(Problem::NoRoute { path: path.to_owned() }).into_response();
    }
    match Pages::get("index.html") {
        Some(index) => file_answer("index.html", index.data.into_owned()),
        None => (StatusCode::NOT_FOUND, Html(MISSING)).into_response(),
    }
}

fn file_answer(name: &str, bytes: Vec<u8>) -> Response {
    // Their names change with their content.
    let is_hashed = name.starts_with("assets/");
    let kept = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind(name))),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
    ];
    (headers, bytes).into_response()
}

/// What a file of the pages is. There are only these.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
