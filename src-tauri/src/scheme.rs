//! `stigmer://localhost/…`: the API in this process, for the pages of the window alone.
//!
//! It needs no token, because nobody else can reach it: no other page is ever loaded, and a request that does not
//! come from our own is refused.

use axum::body::{Body, to_bytes};
use stigmer_engine::{Error, Report};
use stigmer_server::problem::Problem;
use tauri::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_TYPE,
    HeaderValue, ORIGIN,
};
use tauri::http::{Method, Request, Response, StatusCode};
use tauri::{Manager as _, UriSchemeContext, UriSchemeResponder, Wry};
use tower::ServiceExt as _;

use crate::core::{Core, Ready};

/// The scheme.
pub(crate) const NAME: &str = "stigmer";

/// The largest answer that is taken into memory for the window: a file of the editor, a page of a log, an export.
const LARGEST: usize = 256 << 20;

/// Where our own pages come from.
const ORIGINS: &[&str] = &[
    "tauri://localhost",
    #[cfg(windows)]
    "http://tauri.localhost",
    #[cfg(debug_assertions)]
    "http://127.0.0.1:1420",
];

/// Answers a request of the window, not on the main thread.
#[expect(clippy::needless_pass_by_value, reason = "Tauri hands the context over by value")]
pub(crate) fn answer(
    context: UriSchemeContext<'_, Wry>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let ready = context.app_handle().state::<Core>().ready();
    tauri::async_runtime::spawn(async move { responder.respond(reply(ready, request).await) });
}

async fn reply(
    ready: impl Future<Output = Result<Ready, Report>>,
    request: Request<Vec<u8>>,
) -> Response<Vec<u8>> {
    let Some(origin) = own(&request) else {
        return empty(StatusCode::FORBIDDEN);
    };
    let mut response = if request.method() == Method::OPTIONS {
        preflight(&request)
    } else {
        match ready.await {
            Ok(ready) => ask(ready, request).await,
            Err(report) => refuse(&report),
        }
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    response
}

/// The origin of a request, if it is one of our pages.
fn own<B>(request: &Request<B>) -> Option<HeaderValue> {
    let origin = request.headers().get(ORIGIN)?;
    ORIGINS.iter().any(|own| origin == own).then(|| origin.clone())
}

/// What a page may send: anything that it asks for.
fn preflight(request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let wanted = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.unwrap_or(HeaderValue::from_static("content-type")));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

async fn ask(ready: Ready, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let response = match ready.api.oneshot(request.map(Body::from)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    match to_bytes(body, LARGEST).await {
        Ok(body) => Response::from_parts(parts, body.into()),
        Err(_) => refuse(&(&Problem::TooLarge { limit: LARGEST }).into()),
    }
}

fn refuse(report: &Report) -> Response<Vec<u8>> {
    let code = if report.code == Report::from(Error::Stopped).code {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let mut response = empty(code);
    *response.body_mut() = serde_json::to_vec(report).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::put;

    use super::*;

    fn request(method: Method, origin: Option<&str>, body: &[u8]) -> Request<Vec<u8>> {
        let mut builder = Request::builder().method(method).uri("stigmer://localhost/echo?a=b");
        if let Some(origin) = origin {
            builder = builder.header(ORIGIN, origin);
        }
        builder.body(body.to_vec()).unwrap()
    }

    /// Without an engine behind it: only what comes before and after the API.
    async fn closed(request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        reply(std::future::ready(Err(Error::NoHome.into())), request).await
    }

    #[tokio::test]
    async fn only_our_own_pages_are_answered() {
        for origin in [None, Some("https://example.org"), Some("null"), Some("tauri://localhost.example.org")]
        {
            let response = closed(request(Method::GET, origin, b"")).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin:?}");
            assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        }
    }

    #[tokio::test]
    async fn a_page_may_ask_what_it_may_send() {
        let mut asked = request(Method::OPTIONS, Some("tauri://localhost"), b"");
        asked.headers_mut().insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-one"));
        let response = closed(asked).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "tauri://localhost");
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "x-one");
        assert!(response.headers()[ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap().contains("DELETE"));
    }

    #[tokio::test]
    async fn an_engine_that_cannot_be_opened_is_told_as_a_report() {
        let response = closed(request(Method::GET, Some("tauri://localhost"), b"")).await;
        let report: Report = serde_json::from_slice(response.body()).unwrap();
        assert_eq!((response.status(), report.code.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "no-home"));
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_as_they_are() {
        let echo = Router::new().route("/echo", put(async |body: axum::body::Bytes| body));
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let asked = request(Method::PUT, Some("tauri://localhost"), &bytes).map(Body::from);
        let (parts, body) = echo.oneshot(asked).await.unwrap().into_parts();
        assert_eq!(
            (parts.status, to_bytes(body, LARGEST).await.unwrap().as_ref()),
            (StatusCode::OK, &bytes[..])
        );
    }
}
