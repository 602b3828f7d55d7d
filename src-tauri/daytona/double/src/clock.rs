//! The time as the double tells it, which may be wrong on request.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A clock that can be set wrong.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// How far ahead it is, in seconds.
    skew: AtomicI64,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        let skew = SignedDuration::from_secs(self.skew.load(Ordering::Relaxed));
        Timestamp::now().checked_add(skew).unwrap_or(Timestamp::MAX)
    }

    /// The time as bodies have it: `2026-11-20T15:00:00.000Z`.
    pub(crate) fn text(&self) -> String {
        text(self.now())
    }

    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn is_wrong(&self) -> bool {
        self.skew.load(Ordering::Relaxed) != 0
    }
}

pub(crate) fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The form of the `Date` header.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
