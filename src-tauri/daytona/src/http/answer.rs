//! What an answer means: its value, or the error that it stands for.
//!
//! Servers of different age answer differently: the control plane with `{error, message}`, a sandbox with `{code,
//! message}` or `{error}` or `{errors}` or nothing, the edge with a page. So the status decides first, the words second.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Answer, Error, MAX_WORDS, Result};
use crate::key::ApiKey;

/// Longest answer that is taken as a whole; what is larger is read as a stream, such as files and followed logs.
const MAX_ANSWER: usize = 64 << 20;

/// Of a refusal no more than this is read.
const MAX_REFUSAL: usize = 64 << 10;
/// Reading the words of a refusal may take this long; the status alone says enough.
const REFUSAL_LIMIT: Duration = Duration::from_secs(10);

/// A whole answer.
pub(crate) struct Buffered {
    url: String,
    date: Option<Timestamp>,
    kind: String,
    body: Bytes,
}

impl Buffered {
    /// # Errors
    ///
    /// [`Error::Unexpected`] for more than [`MAX_ANSWER`]: what answers may be a program that somebody runs in a sandbox.
    pub(super) async fn read(mut response: Response, operation: &str) -> Result<Self> {
        let (url, kind) = (super::shown(response.url()), content_type(response.headers()));
        let date = response.headers().get(DATE).and_then(|date| moment(date.to_str().ok()?));
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(|source| broken(&source, operation))? {
            if body.len() + piece.len() > MAX_ANSWER {
                let why = format!("it is longer than {} MiB", MAX_ANSWER >> 20);
                return Err(Error::Unexpected { operation: operation.to_owned(), why });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Self { url, date, kind, body: body.freeze() })
    }

    /// The value in it.
    ///
    /// # Errors
    ///
    /// [`Error::WrongAddress`] for a page, [`Error::Unexpected`] for JSON of another form.
    pub(crate) fn json<T: DeserializeOwned>(&self, operation: &str) -> Result<T> {
        self.not_a_page()?;
        serde_json::from_slice(&self.body).map_err(|source| not_understood(&source, operation))
    }

    /// An address without the API's prefix answers every path with 200 and the page of the dashboard.
    pub(crate) fn not_a_page(&self) -> Result<()> {
        let begins = self.body.trim_ascii_start().first();
        if self.kind.contains("html") || (begins == Some(&b'<') && !self.kind.contains("json")) {
            return Err(Error::WrongAddress {
                url: self.url.clone(),
                why: "it answers with a page; an address of the API normally ends in `/api`".to_owned(),
            });
        }
        Ok(())
    }

    /// What time it is at the server.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.date
    }

    pub(crate) fn is_json(&self) -> bool {
        self.kind.contains("json")
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Serde's words may quote values, and values may be secret: only what names fields is kept.
fn not_understood(source: &serde_json::Error, operation: &str) -> Error {
    let words = source.to_string();
    let why = if words.starts_with("missing field") || words.starts_with("EOF") {
        words
    } else {
        format!("a value of another kind at column {}", source.column())
    };
    Error::Unexpected { operation: operation.to_owned(), why }
}

/// The error that an answer with a status that is no success stands for.
pub(super) async fn refusal(mut response: Response, operation: &str, key: &ApiKey) -> Error {
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = tokio::time::timeout(REFUSAL_LIMIT, some_of(&mut response)).await.unwrap_or_default();
    let words = Words::read(status, &content_type(&headers), &body);
    let answer = Answer {
        operation: operation.to_owned(),
        status: status.as_u16(),
        message: shorten(&key.scrub(&words.message)),
        code: words.code,
        request_id: request_id(&headers),
    };
    if status.is_redirection() {
        let why = format!("it redirects ({status})");
        return Error::WrongAddress { url: super::shown(response.url()), why };
    }
    // The server's own clock, which may be hours off: a date that it tells is meant by it.
    let now = headers.get(DATE).and_then(|date| moment(date.to_str().ok()?)).unwrap_or_else(Timestamp::now);
    classify(answer, retry_after(&headers, now))
}

async fn some_of(response: &mut Response) -> BytesMut {
    let mut body = BytesMut::new();
    while body.len() < MAX_REFUSAL {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        body.extend_from_slice(&chunk);
    }
    body
}

fn classify(answer: Answer, retry_after: Option<Duration>) -> Error {
    let words = answer.message.to_lowercase();
    match answer.status {
        401 => Error::Unauthorized(answer),
        403 => Error::Forbidden(answer),
        404 => Error::NotFound(answer),
        408 if answer.operation.contains("/process/") => Error::CommandTimeout(answer),
        409 => Error::Conflict(answer),
        410 => Error::Gone(answer),
        429 => Error::RateLimited { answer, retry_after },
        400 | 402 if is_about_a_limit(&words) => Error::Quota(answer),
        // Older sandboxes lose the kind of an error that they pass on.
        500 if words.contains("not found") => Error::NotFound(answer),
        // 408 of anything but a command: something between waited in vain.
        408 | 500.. => Error::Server(answer),
        _ => Error::Invalid(answer),
    }
}

/// `Total CPU limit exceeded`, `Snapshot quota exceeded`, `CPU request 8 exceeds maximum allowed per sandbox`.
fn is_about_a_limit(words: &str) -> bool {
    ["limit exceeded", "quota exceeded", "exceeds maximum allowed"].iter().any(|text| words.contains(text))
}

struct Words {
    message: String,
    code: Option<String>,
}

impl Words {
    fn read(status: StatusCode, kind: &str, body: &[u8]) -> Self {
        let phrase = || status.canonical_reason().unwrap_or("no words").to_owned();
        if let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) {
            let message = ["message", "error", "errors", "reason"]
                .iter()
                .find_map(|field| object.get(*field).and_then(text))
                .unwrap_or_else(phrase);
            let code = ["code", "error_code"].iter().find_map(|field| object.get(*field)?.as_str());
            return Self { message, code: code.map(str::to_owned) };
        }
        let body = String::from_utf8_lossy(body);
        let plain = body.trim();
        let page = kind.contains("html") || plain.starts_with('<');
        let message = if plain.is_empty() || page { phrase() } else { plain.to_owned() };
        Self { message, code: None }
    }
}

/// A text, or texts in a row.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join(", "),
        Value::Object(object) => object.get("message").and_then(text)?,
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn shorten(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.len() <= MAX_WORDS {
        return text;
    }
    let end = text.floor_char_boundary(MAX_WORDS - '…'.len_utf8());
    format!("{}…", &text[..end])
}

/// `Retry-After` as seconds or as a date, or `Retry-After-<class>` as seconds; the longest of several.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let classes = headers.iter().filter(|(name, _)| name.as_str().starts_with("retry-after-"));
    let seconds = classes.map(|(_, value)| value).chain(headers.get(RETRY_AFTER));
    seconds.filter_map(|value| pause(value.to_str().ok()?.trim(), now)).max()
}

fn pause(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.ceil()).ok();
    }
    let until = moment(text)?;
    // A date in the past, or a clock that is wrong: at once.
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// A date as headers have it.
fn moment(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["x-request-id", "x-correlation-id", "x-amzn-trace-id", "cf-ray"];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    Some(shorten(value.to_str().ok()?))
}

pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

/// What the HTTP library says, without addresses: those have queries.
pub(crate) fn broken(source: &reqwest::Error, operation: &str) -> Error {
    let (operation, why) = (operation.to_owned(), chain(source));
    if source.is_body() || source.is_decode() {
        return Error::Cut { operation, why };
    }
    Error::Unreachable { operation, why, sent: !source.is_connect() }
}

/// The innermost words; the outer ones only say that sending failed.
pub(super) fn chain(source: &reqwest::Error) -> String {
    let mut words = String::from("the request failed");
    let mut inner = source.source();
    while let Some(error) = inner {
        words = error.to_string();
        inner = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let words = Words::read(status, "application/json", body.as_bytes());
        let (operation, status) = ("GET /x".to_owned(), status.as_u16());
        let answer = Answer { operation, status, message: words.message, code: words.code, request_id: None };
        classify(answer, None)
    }

    fn message(status: u16, body: &str) -> String {
        judged(status, body).answer().unwrap().message.clone()
    }

    #[test]
    fn every_form_of_refusal_gives_its_words() {
        assert_eq!(message(409, r#"{"error":"Conflict","message":"name taken"}"#), "name taken");
        assert_eq!(message(400, r#"{"message":["a","b"]}"#), "a, b");
        assert_eq!(message(400, r#"{"errors":["file[0]: no path"],"files":[]}"#), "file[0]: no path");
        assert_eq!(message(404, r#"{"error":"pty session not found"}"#), "pty session not found");
        assert_eq!(message(404, ""), "Not Found");
        assert_eq!(message(502, "<html><h1>Bad gateway</h1></html>"), "Bad Gateway");
        assert_eq!(message(500, "plain words"), "plain words");
    }

    #[test]
    fn the_remedy_follows_from_the_status_and_then_from_the_words() {
        assert!(matches!(judged(401, ""), Error::Unauthorized(_)));
        assert!(matches!(judged(403, ""), Error::Forbidden(_)));
        assert!(matches!(judged(408, ""), Error::Server(_)));
        assert!(matches!(judged(410, ""), Error::Gone(_)));
        assert!(matches!(judged(422, ""), Error::Invalid(_)));
        assert!(matches!(judged(504, ""), Error::Server(_)));
        let quota = r#"{"message":"Total CPU limit exceeded. Maximum allowed: 10."}"#;
        assert!(matches!(judged(400, quota), Error::Quota(_)));
        let lost = r#"{"message":"failed to execute command: not found: session not found"}"#;
        assert!(matches!(judged(500, lost), Error::NotFound(_)));
        assert!(matches!(judged(500, r#"{"message":"An unexpected error occurred."}"#), Error::Server(_)));
    }

    #[test]
    fn a_pause_is_read_in_every_form() {
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        let read = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Retry-After-sandbox-create", "12"), Some(Duration::from_secs(12)));
        assert_eq!(read("retry-after", "Sat, 28 Nov 2026 10:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(read("retry-after", "Sat, 28 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("retry-after", "soon"), None);
        assert_eq!(read("retry-after", "-1"), None);
        assert_eq!(read("x-ratelimit-reset-authenticated", "7"), None);
    }

    #[test]
    fn long_and_hostile_words_are_cut_and_cleaned() {
        let words = shorten(&format!("a\u{1b}[31m{}", "é".repeat(1000)));
        assert!(words.len() <= MAX_WORDS && words.ends_with('…') && !words.contains('\u{1b}'));
    }

    #[test]
    fn an_answer_that_is_not_understood_is_not_quoted() {
        let body = Bytes::from_static(br#"{"secret":"hunter2"}"#);
        let answer = Buffered { url: String::new(), date: None, kind: "application/json".to_owned(), body };
        let error = answer.json::<Vec<String>>("GET /x").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
