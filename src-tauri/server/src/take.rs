//! What handlers take out of a request. As axum's own, but what cannot be taken is a report.

use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;
use utoipa::IntoParams;

use crate::problem::{Problem, Refusal};

/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Most bytes of a body that are taken.
pub(crate) const LARGEST_BODY: usize = 32 << 20;

/// A part of the path.
pub(crate) struct InPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let taken = Path::from_request_parts(parts, state).await;
        taken.map(|Path(value)| Self(value)).map_err(|error| misunderstood(error.body_text()))
    }
}

/// What the description says of a run in the path.
#[derive(IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
#[expect(dead_code, reason = "is only the description of what `InPath` takes")]
pub(crate) struct RunInPath(
    /// The id of a run, its beginning or end, or `last`
    String,
);

/// What it says of something with a name.
#[derive(IntoParams)]
#[into_params(names("name"), parameter_in = Path)]
#[expect(dead_code, reason = "is only the description of what `InPath` takes")]
pub(crate) struct NameInPath(
    /// Its name or id
    String,
);

/// The query. Names that the API does not know are refused: they are mistakes, and would be ignored silently.
pub(crate) struct InQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for InQuery<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let taken = Query::from_request_parts(parts, state).await;
        taken.map(|Query(value)| Self(value)).map_err(|error| misunderstood(error.body_text()))
    }
}

/// A body of JSON. An empty one stands for `{}`, where a call needs to say nothing.
pub(crate) struct InBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for InBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        let is_json = |kind: &header::HeaderValue| {
            let kind = kind.to_str().unwrap_or_default();
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        };
        if bytes.is_empty() && kind.as_ref().is_none_or(is_json) {
            return parse(b"{}");
        }
        // A page of somebody else can send forms and text without asking, but no JSON.
        if !kind.as_ref().is_some_and(is_json) {
            return Err(misunderstood("the body must be JSON, with `Content-Type: application/json`".into()));
        }
        parse(&bytes)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<InBody<T>, Refusal> {
    // Nothing, said in JSON.
    let bytes = if bytes.trim_ascii() == b"null" { b"{}" } else { bytes };
    // Serde would take a list for the fields of an object in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(misunderstood("the body must be an object".into()));
    }
    serde_json::from_slice(bytes).map(InBody).map_err(|error| misunderstood(error.to_string()))
}

/// The same for what nobody may see again: what is wrong with it is told without a word of it.
pub(crate) struct InPrivateBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for InPrivateBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Refusal> {
        match InBody::from_request(request, state).await {
            Ok(InBody(taken)) => Ok(Self(taken)),
            Err(refusal) if refusal.0.code == "request" => Err(misunderstood(
                "the body is not as described, or no JSON with `Content-Type: application/json`".into(),
            )),
            Err(refusal) => Err(refusal),
        }
    }
}

/// A body of any bytes.
pub(crate) struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Refusal> {
        let read = timeout(PATIENCE, Bytes::from_request(request, state)).await;
        let late = || misunderstood(format!("its body did not come within {} s", PATIENCE.as_secs()));
        let read = read.map_err(|_| late())?;
        read.map(Self).map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge { limit: LARGEST_BODY }.into(),
            _ => misunderstood(error.body_text()),
        })
    }
}

/// Largest message of a WebSocket: a specification with its environment and its script.
const LARGEST_MESSAGE: usize = 32 << 20;

/// The subprotocol that carries the token, where headers cannot be set.
pub(crate) const TOKEN_PROTOCOL: &str = "stigmer.token.";

/// A request to go on as a WebSocket.
pub(crate) struct Upgrade(WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // A browser insists that one of the protocols that it offers is chosen.
        let offered = parts.headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let mut offered = offered.unwrap_or_default().split(',').map(str::trim);
        let chosen = offered.find(|name| name.starts_with(TOKEN_PROTOCOL)).map(str::to_owned);
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
        let upgrade = upgrade.map_err(|error| misunderstood(error.body_text()))?;
        let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
        Ok(Self(if let Some(chosen) = chosen { upgrade.protocols([chosen]) } else { upgrade }))
    }
}

impl Upgrade {
    /// Answers, and goes on with the socket.
    pub(crate) fn with<F: Future<Output = ()> + Send + 'static>(
        self,
        carry: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response {
        self.0.on_upgrade(carry)
    }
}

/// The largest number that every client can write: JavaScript's are not exact beyond it.
const LARGEST_NUMBER: u64 = (1 << 53) - 1;

/// A number in a query.
pub(crate) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(from)?;
    let too_large = || D::Error::custom(format!("the largest number is {LARGEST_NUMBER}"));
    if number <= LARGEST_NUMBER { Ok(number) } else { Err(too_large()) }
}

/// A number in JSON, where `80.0` is as good as `80`.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(from: D) -> Result<T, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    #[expect(clippy::cast_possible_truncation, reason = "looked at before")]
    let from_float = |float: f64| {
        let fits = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_991.0;
        fits.then_some(float as i64)
    };
    let whole = number.as_i64().or_else(|| number.as_f64().and_then(from_float));
    let whole = whole
        .filter(|number| number.unsigned_abs() <= LARGEST_NUMBER)
        .and_then(|number| T::try_from(number).ok());
    whole.ok_or_else(|| D::Error::custom(format!("{number} is no number that fits here")))
}

/// The same where there may be none.
pub(crate) fn maybe_whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    struct Whole<T>(T);

    impl<'de, T: TryFrom<i64>> Deserialize<'de> for Whole<T> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            whole(from).map(Self)
        }
    }

    Ok(Option::<Whole<T>>::deserialize(from)?.map(|Whole(number)| number))
}

/// A request that is not as the description says.
pub(crate) fn misunderstood(why: String) -> Refusal {
    Problem::Request { why }.into()
}
