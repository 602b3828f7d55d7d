//! Failures on request: which requests, how many of them, and what happens to them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cloud::lock;

/// What happens to the requests that match. Over the control endpoint it is JSON:
/// `{"method":"POST","path":"/api/sandbox","times":1,"effect":{"kind":"lost"}}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// The method; every method if absent.
    #[serde(default)]
    pub method: Option<String>,
    /// The path from its first slash, percent-encoded as it is sent; `*` stands for any text, also slashes.
    pub path: String,
    /// How many matching requests pass before it begins.
    #[serde(default)]
    pub skip: u32,
    /// How many requests it hits; all of them if absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub effect: Effect,
}

/// What happens to a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// It is refused with the error body of its side (control plane or toolbox).
    Refuse {
        /// The status.
        status: u16,
        /// The message in the body.
        #[serde(default)]
        message: Option<String>,
        /// A specific code in the body.
        #[serde(default)]
        code: Option<String>,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// It is answered with exactly this.
    Answer {
        /// The status.
        status: u16,
        /// The content type.
        #[serde(default = "json_type")]
        content_type: String,
        /// The body: a string as it is, anything else as JSON.
        #[serde(default)]
        body: Value,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// It is carried out after this time.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// It is carried out, and its answer sent after this time.
    Late {
        /// Milliseconds.
        ms: u64,
    },
    /// It is not carried out, and never answered; the connection stays open.
    Hang,
    /// It is not carried out; the connection ends without an answer.
    Drop,
    /// It is carried out; the connection ends without an answer.
    Lost,
    /// It is carried out; the connection ends in the middle of the answer.
    Cut {
        /// Bytes of the body that are sent.
        bytes: usize,
    },
    /// It is carried out; nothing comes any more in the middle of the answer, and the connection stays open.
    Stall {
        /// Bytes of the body that are sent.
        bytes: usize,
    },
    /// It is carried out; its answer is too short and ends as if it were whole, as when a file cannot be read to its
    /// end.
    Short {
        /// Bytes of the body that are sent.
        bytes: usize,
    },
    /// It is carried out twice, as by a proxy that asks again; the second answer is sent.
    Twice,
    /// The stream of the WebSocket ends early.
    Socket {
        /// Bytes of the stream that are sent first.
        after: usize,
        /// How it ends.
        then: Ending,
    },
    /// The WebSocket sends the beginning of its stream twice.
    Repeat {
        /// Bytes that are sent twice.
        bytes: usize,
    },
    /// The WebSocket of a terminal takes this much input, loses the rest, and ends.
    Hears {
        /// Bytes that are taken.
        after: usize,
        /// How it ends.
        then: Ending,
    },
    /// The WebSocket of a terminal sends its stream in pieces of random sizes.
    Crumbs {
        /// Bytes of the largest piece.
        most: usize,
    },
    /// It is carried out, and some time later its sandbox changes by itself.
    Sandbox {
        /// Milliseconds after the answer.
        ms: u64,
        /// `error`, `stopped`, `archived` or `destroyed`.
        state: String,
        /// The reason of an error.
        #[serde(default)]
        reason: Option<String>,
    },
}

/// How a stream ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ending {
    /// With a close frame.
    Close {
        /// Its code, for example 1000 or 1011.
        code: u16,
    },
    /// The connection is dropped, which clients see as 1006.
    Drop,
    /// Nothing comes any more, and the connection stays open.
    Stall,
}

fn json_type() -> String {
    "application/json".to_owned()
}

impl Fault {
    /// Hits the next request of this method and path.
    pub fn once(method: &str, path: &str, effect: Effect) -> Self {
        Self { times: Some(1), ..Self::always(method, path, effect) }
    }

    /// Hits every request of this method and path from now on. `*` is every method.
    pub fn always(method: &str, path: &str, effect: Effect) -> Self {
        let method = (method != "*").then(|| method.to_owned());
        Self { method, path: path.to_owned(), skip: 0, times: None, effect }
    }

    /// Hits this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && glob(self.path.as_bytes(), path.as_bytes())
    }
}

impl Effect {
    /// A refusal with the usual text of its status.
    pub fn status(status: u16) -> Self {
        Self::Refuse { status, message: None, code: None, headers: BTreeMap::new() }
    }

    /// A refusal with this text.
    pub fn refuse(status: u16, message: &str) -> Self {
        Self::Refuse { status, message: Some(message.to_owned()), code: None, headers: BTreeMap::new() }
    }

    /// The status and nothing else, as of an older daemon.
    pub fn empty(status: u16) -> Self {
        let body = Value::String(String::new());
        Self::Answer { status, content_type: String::new(), body, headers: BTreeMap::new() }
    }

    /// An answer of a proxy whose upstream is gone: 502 and nothing else.
    pub fn bad_gateway() -> Self {
        Self::empty(502)
    }

    /// A page of HTML with this status, as of an edge, or of the dashboard with 200.
    pub fn html(status: u16) -> Self {
        Self::Answer {
            status,
            content_type: "text/html; charset=utf-8".to_owned(),
            body: Value::String(crate::serve::PAGE.to_owned()),
            headers: BTreeMap::new(),
        }
    }

    /// Too many requests of a class (`authenticated`, `sandbox-create`, `sandbox-lifecycle`, `sandbox-list`), with the
    /// time to wait in the class's header; `failed-auth` has it in the plain one.
    pub fn rate_limit(class: &str, seconds: u64) -> Self {
        let plain = class == "failed-auth";
        let retry = if plain { "Retry-After".to_owned() } else { format!("Retry-After-{class}") };
        let headers = BTreeMap::from([
            (retry, seconds.to_string()),
            (format!("X-RateLimit-Limit-{class}"), "300".to_owned()),
            (format!("X-RateLimit-Remaining-{class}"), "0".to_owned()),
            (format!("X-RateLimit-Reset-{class}"), seconds.to_string()),
        ]);
        let message = Some("ThrottlerException: Too Many Requests".to_owned());
        Self::Refuse { status: 429, message, code: None, headers }
    }

    /// Too many requests, with a plain `Retry-After` in seconds.
    pub fn retry_after(seconds: u64) -> Self {
        Self::rate_limit("failed-auth", seconds)
    }

    /// What a host answers that has another API under the same name.
    pub fn other_api() -> Self {
        Self::Answer {
            status: 404,
            content_type: json_type(),
            body: serde_json::json!({ "code": "not_found", "message": "route not found" }),
            headers: BTreeMap::new(),
        }
    }

    /// The processors of the organization are used up.
    pub fn quota() -> Self {
        Self::refuse(400, "Total CPU limit exceeded. Maximum allowed: 10.")
    }

    /// A name that somebody else has.
    pub fn name_taken(name: &str) -> Self {
        Self::refuse(409, &format!("Sandbox with name \"{name}\" already exists for this organization"))
    }
}

/// The faults that wait for their requests.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        lock(&self.waiting).push(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.waiting).clear();
    }

    pub(crate) fn waiting(&self) -> Vec<Fault> {
        lock(&self.waiting).clone()
    }

    /// What happens to this request: the first fault that matches and has not passed it.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Effect> {
        let mut waiting = lock(&self.waiting);
        for at in 0..waiting.len() {
            let fault = &mut waiting[at];
            if !fault.matches(method, path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            let effect = fault.effect.clone();
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    waiting.remove(at);
                }
            }
            return Some(effect);
        }
        None
    }
}

/// Whether `*` in the pattern can be filled so that it is the text.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|taken| glob(rest, &text[taken..])),
        Some((first, rest)) => text.first() == Some(first) && glob(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let matches = |pattern: &str, path: &str| glob(pattern.as_bytes(), path.as_bytes());
        assert!(matches("/api/sandbox", "/api/sandbox"));
        assert!(!matches("/api/sandbox", "/api/sandbox/x"));
        assert!(matches("/api/sandbox/*", "/api/sandbox/x/stop"));
        assert!(matches("*/process/execute", "/toolbox/1/process/execute"));
        assert!(!matches("*/process/execute", "/toolbox/1/process/execute/x"));
    }

    #[test]
    fn a_fault_passes_some_hits_some_and_is_gone() {
        let faults = Faults::default();
        faults.add(Fault::once("GET", "/x", Effect::status(500)).after(1).times(2));
        let hits: Vec<_> = (0..5).map(|_| faults.take("GET", "/x").is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
    }
}
