//! What is asked: a method, an address, a body, and how it may be repeated.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, Url};
use serde::Serialize;

use super::Source;
use crate::error::{Error, Result};
use crate::retry::Repeat;

/// An address below which calls are made.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    url: Url,
}

impl Base {
    pub(crate) fn new(url: Url) -> Self {
        Self { url }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The address of a resource. Each segment is encoded, so that no id can become a path.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] for a segment that a path cannot have: empty, `.` and `..`.
    pub(crate) fn join(&self, segments: &[&str]) -> Result<Url> {
        let mut url = self.url.clone();
        if let Some(bad) = segments.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(Error::misuse(format!("`{bad}` is not a name")));
        }
        match url.path_segments_mut() {
            Ok(mut path) => drop(path.pop_if_empty().extend(segments)),
            Err(()) => return Err(Error::misuse("the address has no path")),
        }
        Ok(url)
    }

    pub(crate) fn get(&self, segments: &[&str]) -> Result<Call> {
        Ok(self.call(Method::GET, segments)?.harmless())
    }

    pub(crate) fn post(&self, segments: &[&str]) -> Result<Call> {
        self.call(Method::POST, segments)
    }

    pub(crate) fn put(&self, segments: &[&str]) -> Result<Call> {
        Ok(self.call(Method::PUT, segments)?.harmless())
    }

    pub(crate) fn delete(&self, segments: &[&str]) -> Result<Call> {
        self.call(Method::DELETE, segments)
    }

    fn call(&self, method: Method, segments: &[&str]) -> Result<Call> {
        let operation = format!("{method} /{}", segments.join("/"));
        Ok(Call::new(method, self.join(segments)?, operation))
    }
}

/// How long one attempt may take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// As a call that is answered at once.
    Call,
    /// As one that the server holds.
    Held,
    /// This long.
    Of(Duration),
    /// The caller watches it.
    None,
}

/// The body of a request.
pub(crate) enum Payload {
    None,
    Json(Bytes),
    /// A transfer, opened anew for each attempt as far as that is possible.
    Source(Source),
}

impl Payload {
    pub(crate) fn is_repeatable(&self) -> bool {
        match self {
            Self::None | Self::Json(_) => true,
            Self::Source(source) => source.is_repeatable(),
        }
    }

    /// The body with its content type, and its length where that is not known from the body itself.
    pub(super) async fn open(&mut self) -> Result<Option<(String, Body, Option<u64>)>> {
        match self {
            Self::None => Ok(None),
            Self::Json(bytes) => Ok(Some(("application/json".to_owned(), bytes.clone().into(), None))),
            Self::Source(source) => source.open().await.map(Some),
        }
    }
}

/// One request.
pub(crate) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// The method and the path below the base, for errors and the log.
    pub(crate) operation: String,
    pub(super) payload: Payload,
    pub(super) repeat: Repeat,
    pub(super) limit: Limit,
    pub(super) accept: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) passive: bool,
    pub(super) authorized: bool,
    pub(super) upgrade: bool,
}

impl Call {
    pub(crate) fn new(method: Method, url: Url, operation: String) -> Self {
        Self {
            method,
            url,
            operation,
            payload: Payload::None,
            repeat: Repeat::Unsent,
            limit: Limit::Call,
            accept: "application/json",
            headers: HeaderMap::new(),
            passive: false,
            authorized: true,
            upgrade: false,
        }
    }

    /// A body; one that cannot be written as JSON is told.
    pub(crate) fn json<T: Serialize>(mut self, body: &T) -> Result<Self> {
        let bytes = serde_json::to_vec(body).map_err(|source| Error::misuse(source.to_string()))?;
        self.payload = Payload::Json(bytes.into());
        Ok(self)
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    pub(crate) fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.url.query_pairs_mut().append_pair(name, value.as_ref());
        self
    }

    pub(crate) fn maybe<T: ToString>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.query(name, value.to_string()),
            None => self,
        }
    }

    /// Twice is like once.
    pub(crate) fn harmless(mut self) -> Self {
        self.repeat = Repeat::Harmless;
        self
    }

    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// The server answers when something has happened.
    pub(crate) fn held(mut self) -> Self {
        self.limit = Limit::Held;
        self
    }

    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = Limit::Of(limit);
        self
    }

    pub(crate) fn unlimited(mut self) -> Self {
        self.limit = Limit::None;
        self
    }

    pub(crate) fn accept(mut self, kind: &'static str) -> Self {
        self.accept = kind;
        self
    }

    /// Does not count as use of the sandbox, so that looking on does not keep it from stopping.
    pub(crate) fn passive(mut self, passive: bool) -> Self {
        self.passive = passive;
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Without the key.
    pub(crate) fn anonymous(mut self) -> Self {
        self.authorized = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Base {
        Base::new("https://app.daytona.io/api".parse().unwrap())
    }

    #[test]
    fn ids_are_encoded_so_that_none_becomes_a_path() {
        let url = base().join(&["sandbox", "a/../b c?d#e%"]).unwrap();
        assert_eq!(url.as_str(), "https://app.daytona.io/api/sandbox/a%2F..%2Fb%20c%3Fd%23e%25");
    }

    #[test]
    fn a_name_that_would_change_the_path_is_refused() {
        for name in ["", ".", ".."] {
            assert!(matches!(base().delete(&["sandbox", name]), Err(Error::Misuse { .. })), "{name:?}");
        }
    }

    #[test]
    fn queries_are_encoded_and_not_part_of_the_operation() {
        let call = base().get(&["sandbox"]).unwrap().query("labels", r#"{"k":"v & w"}"#);
        assert_eq!(call.operation, "GET /sandbox");
        assert_eq!(call.url.query(), Some("labels=%7B%22k%22%3A%22v+%26+w%22%7D"));
    }
}
