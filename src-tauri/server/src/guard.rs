//! Who may use the API over HTTP: whoever has the token of this user, from a program or from our own pages.
//!
//! A page of somebody else cannot read our answers, but it can make the browser send requests, and by a name of its
//! own that leads to this machine it could even read them. So besides the token the name that was asked for and the
//! page that asks are checked, also where no token is needed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Authority;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use crate::host::Token;
use crate::problem::{Problem, Refusal};
use crate::take::TOKEN_PROTOCOL;

/// What pages may do; the same as in the window.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; \
                      img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// What every answer says, whatever it is.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What requests are measured by.
struct Guard {
    address: SocketAddr,
    token: Token,
}

/// Puts guards before a router that is reached at `address`.
pub(crate) fn guarded(router: Router, address: SocketAddr, token: Token) -> Router {
    let guard = Arc::new(Guard { address, token });
    router.layer(middleware::from_fn_with_state(guard, check)).layer(middleware::from_fn(armour))
}

async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.judge(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => Refusal::from(problem).into_response(),
    }
}

async fn armour(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What is not said to be kept is not kept: it may be somebody's output.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Guard {
    fn judge(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        let foreign = |from: &str| Err(Problem::Foreign { from: from.to_owned() });
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
        if hosts.next().is_some() || !self.is_ours(host) {
            return foreign(host);
        }
        // A request in the form that proxies get names its host a second time.
        if let Some(authority) = request.uri().authority()
            && !self.is_ours(authority.as_str())
        {
            return foreign(authority.as_str());
        }
        for origin in headers.get_all(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            if !origin.strip_prefix("http://").is_some_and(|host| self.is_ours(host)) {
                return foreign(origin);
            }
        }
        let path = request.uri().path();
        let is_open = path == "/health" || !(path == "/api" || path.starts_with("/api/"));
        if is_open || self.has_token(headers) { Ok(()) } else { Err(Problem::Token) }
    }

    /// Whether a name with its port is this server's.
    fn is_ours(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if authority.port_u16().unwrap_or(80) != self.address.port() || host.contains('@') {
            return false;
        }
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        // No name leads to an address that is written out, so it cannot lead astray.
        let beyond = !self.address.ip().is_loopback();
        name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || beyond)
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let text =
            |name| headers.get_all(name).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).filter_map(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let protocols = text(header::SEC_WEBSOCKET_PROTOCOL)
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().strip_prefix(TOKEN_PROTOCOL));
        let expected = self.token.as_str().as_bytes();
        bearer.chain(protocols).any(|given| given.as_bytes().ct_eq(expected).into())
    }
}
