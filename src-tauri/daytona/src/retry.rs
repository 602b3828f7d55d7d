//! When a call is repeated, and after how long.
//!
//! Only what is safe: a call that changes nothing when it is made twice is repeated after every transient failure; any
//! other one only when the server certainly did not carry it out (no connection, or 429).

use std::time::Duration;

use crate::error::Error;

/// How often and how patiently calls are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Repetitions after the first attempt.
    pub times: u32,
    /// The first pause is up to this long, each further one up to twice as long as the one before.
    pub base: Duration,
    /// No pause is longer than this, unless the server asks for it.
    pub cap: Duration,
    /// A server that asks for a longer pause than this gets none: the call fails at once and says how long to wait.
    pub patience: Duration,
}

impl Default for Retry {
    /// Three repetitions, within about two seconds; and up to thirty seconds where the server asks for a pause.
    fn default() -> Self {
        Self {
            times: 3,
            base: Duration::from_millis(300),
            cap: Duration::from_secs(5),
            patience: Duration::from_secs(30),
        }
    }
}

impl Retry {
    /// Without repetitions.
    pub const NEVER: Self =
        Self { times: 0, base: Duration::ZERO, cap: Duration::ZERO, patience: Duration::ZERO };

    /// The pause before repetition number `done` (from 0), or `None` when `error` is final. `chance` is a random
    /// number from 0 to 1.
    pub(crate) fn pause(&self, done: u32, repeat: Repeat, error: &Error, chance: f64) -> Option<Duration> {
        if done >= self.times || !repeat.allows(error) {
            return None;
        }
        match error {
            Error::RateLimited { retry_after: Some(told), .. } if *told > self.patience => None,
            // A little on top: whoever waited for the same moment would come at the same moment.
            Error::RateLimited { retry_after: Some(told), .. } => Some(*told + self.base.mul_f64(chance)),
            _ => Some(self.backoff(done, chance)),
        }
    }

    /// The pause of a plain backoff: between half and all of what doubling gives.
    pub(crate) fn backoff(&self, done: u32, chance: f64) -> Duration {
        let full = self.base.saturating_mul(1 << done.min(16)).min(self.cap);
        full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// Whether making a call twice is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is like once.
    Harmless,
    /// Like [`Repeat::Harmless`], and a conflict means that another change is about to end.
    HarmlessAfterConflict,
    /// Only what certainly was not carried out.
    Unsent,
}

impl Repeat {
    fn allows(self, error: &Error) -> bool {
        let refused = matches!(error, Error::RateLimited { .. } | Error::Unreachable { sent: false, .. });
        match self {
            Self::Harmless => error.is_transient(),
            Self::HarmlessAfterConflict => error.is_transient() || is_passing_conflict(error),
            Self::Unsent => refused,
        }
    }
}

/// A conflict that goes away by itself: another change is under way, or was quicker.
pub(crate) fn is_passing_conflict(error: &Error) -> bool {
    let Error::Conflict(answer) = error else { return false };
    let words = answer.message.to_lowercase();
    words.contains("in progress") || words.contains("modified by another operation")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Answer;

    fn answer(status: u16, message: &str) -> Answer {
        Answer {
            operation: "POST /x".to_owned(),
            status,
            message: message.to_owned(),
            code: None,
            request_id: None,
        }
    }

    fn reset(sent: bool) -> Error {
        Error::Unreachable { operation: "POST /x".to_owned(), why: "reset".to_owned(), sent }
    }

    fn limited(seconds: u64) -> Error {
        Error::RateLimited { answer: answer(429, "slow"), retry_after: Some(Duration::from_secs(seconds)) }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_vary() {
        let retry = Retry::default();
        assert_eq!(retry.backoff(0, 1.0), Duration::from_millis(300));
        assert_eq!(retry.backoff(0, 0.0), Duration::from_millis(150));
        assert_eq!(retry.backoff(2, 1.0), Duration::from_millis(1200));
        assert_eq!(retry.backoff(31, 1.0), Duration::from_secs(5));
    }

    #[test]
    fn what_may_have_been_carried_out_is_not_repeated() {
        let retry = Retry::default();
        assert_eq!(retry.pause(0, Repeat::Unsent, &reset(true), 0.5), None);
        assert!(retry.pause(0, Repeat::Unsent, &reset(false), 0.5).is_some());
        assert!(retry.pause(0, Repeat::Harmless, &reset(true), 0.5).is_some());
        let failed = Error::Server(answer(502, ""));
        assert_eq!(retry.pause(0, Repeat::Unsent, &failed, 0.5), None);
        assert!(retry.pause(0, Repeat::Harmless, &failed, 0.5).is_some());
    }

    #[test]
    fn a_pause_that_the_server_asks_for_is_kept_and_a_long_one_is_told_at_once() {
        let retry = Retry::default();
        let pause = retry.pause(0, Repeat::Unsent, &limited(7), 0.0);
        assert_eq!(pause, Some(Duration::from_secs(7)));
        assert_eq!(retry.pause(0, Repeat::Harmless, &limited(600), 0.0), None);
    }

    #[test]
    fn there_is_an_end_to_repeating() {
        assert_eq!(Retry::default().pause(3, Repeat::Harmless, &reset(true), 0.5), None);
        assert_eq!(Retry::NEVER.pause(0, Repeat::Harmless, &reset(true), 0.5), None);
    }

    #[test]
    fn a_conflict_is_waited_for_only_where_it_passes() {
        let retry = Retry::default();
        let passing = Error::Conflict(answer(409, "Sandbox state change in progress"));
        let lasting = Error::Conflict(answer(409, "Sandbox with name x already exists"));
        assert!(retry.pause(0, Repeat::HarmlessAfterConflict, &passing, 0.5).is_some());
        assert_eq!(retry.pause(0, Repeat::HarmlessAfterConflict, &lasting, 0.5), None);
        assert_eq!(retry.pause(0, Repeat::Harmless, &passing, 0.5), None);
    }
}
