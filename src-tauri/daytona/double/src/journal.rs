//! The requests that came, for tests that compare what two clients send.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use crate::cloud::lock;

/// Headers whose values are nobody's business.
const SECRET: [&str; 3] = ["authorization", "cookie", "x-daytona-preview-token"];

/// A request as it came, without its key.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Recorded {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query as it was sent, without the question mark.
    pub query: Option<String>,
    /// Headers by their name in lower case. The key and other secrets are `<redacted>`.
    pub headers: BTreeMap<String, String>,
    /// Size of the body in bytes, as far as it was read.
    pub body_bytes: u64,
    /// The body, if it is JSON.
    pub json: Option<Value>,
    /// The status of the answer; `None` while there is none, and for an answer that was withheld.
    pub status: Option<u16>,
}

/// All requests since the start, or since the last clearing.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// How many were cleared.
    before: usize,
    list: Vec<Recorded>,
}

/// Where in the journal a request is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry(usize);

impl Journal {
    pub(crate) fn begin(&self, request: &Parts) -> Entry {
        let headers = request.headers.iter().map(|(name, value)| {
            let secret = SECRET.contains(&name.as_str());
            let value = if secret { "<redacted>".into() } else { String::from_utf8_lossy(value.as_bytes()) };
            (name.as_str().to_owned(), value.into_owned())
        });
        let mut entries = lock(&self.entries);
        entries.list.push(Recorded {
            method: request.method.as_str().to_owned(),
            path: request.uri.path().to_owned(),
            query: request.uri.query().map(str::to_owned),
            headers: headers.collect(),
            body_bytes: 0,
            json: None,
            status: None,
        });
        Entry(entries.before + entries.list.len() - 1)
    }

    /// Changes an entry, if it was not cleared meanwhile.
    pub(crate) fn note(&self, entry: Entry, change: impl FnOnce(&mut Recorded)) {
        let mut entries = lock(&self.entries);
        let at = entry.0.checked_sub(entries.before);
        if let Some(recorded) = at.and_then(|at| entries.list.get_mut(at)) {
            change(recorded);
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        lock(&self.entries).list.clone()
    }

    pub(crate) fn clear(&self) {
        let mut entries = lock(&self.entries);
        entries.before += entries.list.len();
        entries.list.clear();
    }
}
