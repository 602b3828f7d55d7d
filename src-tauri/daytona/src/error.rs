//! What can go wrong, a variant per remedy.
//!
//! `Display` is a lowercase fragment without a full stop. What the server said is kept, shortened to
//! [`MAX_WORDS`], and never holds the key. [`Error::may_have_happened`] tells whether a call that failed may have
//! been carried out nevertheless; [`Error::is_transient`] whether asking again later can help.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Longest text of the server that an error keeps, in bytes.
pub const MAX_WORDS: usize = 600;

/// A refusal as the server put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was asked, as `POST /sandbox`; without query.
    pub operation: String,
    /// The HTTP status; for an execution that a `WebSocket` ended, its code of closing.
    pub status: u16,
    /// The server's words, at most [`MAX_WORDS`]; the status's own phrase where it had none.
    pub message: String,
    /// The server's word for the kind of failure, such as `FILE_NOT_FOUND`. Servers of mid-2026 rarely send one.
    pub code: Option<String>,
    /// What the server's operators need to find the request in their records.
    pub request_id: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was answered with {}: {}", self.operation, self.status, self.message)
    }
}

/// A failure of a call, a variant per remedy.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The key is unknown, expired or was revoked (401). Enter another one.
    #[error("the key was not accepted: {0}")]
    Unauthorized(Answer),
    /// The key lacks a permission, or the organization is suspended (403). Give the key the permission.
    #[error("the key may not do this: {0}")]
    Forbidden(Answer),
    /// There is no such thing, or no longer (404).
    #[error("{0}")]
    NotFound(Answer),
    /// The name is taken, or another change is under way (409). Take another name, or wait.
    #[error("{0}")]
    Conflict(Answer),
    /// What was there has ended: a session's shell, a terminal, a command that no longer takes input (410).
    #[error("{0}")]
    Gone(Answer),
    /// A limit of the organization is reached (400 with such a text). Delete something, or have the limit raised.
    #[error("a limit of the organization is reached: {0}")]
    Quota(Answer),
    /// Too many requests (429), also after waiting as told.
    #[error("too many requests: {answer}")]
    RateLimited {
        /// The refusal.
        answer: Answer,
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request cannot be met as it is: a wrong value, or a state that does not allow it (400, 422 and others).
    #[error("{0}")]
    Invalid(Answer),
    /// A command ran longer than its own `timeout` and was killed (408). Its output is lost.
    #[error("the command took longer than it was given: {0}")]
    CommandTimeout(Answer),
    /// The server failed (5xx), also after repeating what is safe to repeat. Try later.
    #[error("the server failed: {0}")]
    Server(Answer),
    /// No connection, or it broke before an answer came. Look at the network and the address.
    #[error("`{operation}` got no answer: {why}")]
    Unreachable {
        /// What was asked.
        operation: String,
        /// The system's words.
        why: String,
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// No answer in time.
    #[error("`{operation}` got no answer within {after:?}")]
    Timeout {
        /// What was asked.
        operation: String,
        /// The limit of this call.
        after: Duration,
    },
    /// An answer or a stream broke off in the middle.
    #[error("the answer to `{operation}` broke off: {why}")]
    Cut {
        /// What was asked.
        operation: String,
        /// How it broke.
        why: String,
    },
    /// Whoever answers at this address is not the API that this crate speaks. Correct the address.
    #[error("`{url}` is not usable as an address of the API: {why}")]
    WrongAddress {
        /// The address, without query.
        url: String,
        /// What was found there.
        why: String,
    },
    /// The thing waited for went into a state that does not lead there.
    #[error("{what} is `{state}`{}", reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Failed {
        /// Which thing, as "the sandbox `x`".
        what: String,
        /// The state, in the server's word.
        state: String,
        /// Why, in the server's words.
        reason: Option<String>,
    },
    /// The thing waited for did not get there in time. It may still.
    #[error("{what} was still `{last}` after {after:?}")]
    Deadline {
        /// Which thing.
        what: String,
        /// The state that was seen last, in the server's word.
        last: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The call was not made: it cannot be right.
    #[error("{what}")]
    Misuse {
        /// What is wrong with it.
        what: String,
    },
    /// A local file that should be sent cannot be read.
    #[error("the file `{}` cannot be read: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// An answer that this crate does not understand.
    #[error("the answer to `{operation}` is not understood: {why}")]
    Unexpected {
        /// What was asked.
        operation: String,
        /// What is wrong with it. Never its content, which may be secret.
        why: String,
    },
}

impl Error {
    /// Whether the call may have been carried out although it failed. Such a call must not simply be repeated
    /// unless doing it twice is harmless.
    pub const fn may_have_happened(&self) -> bool {
        match self {
            Self::Server(_) | Self::Timeout { .. } | Self::Cut { .. } | Self::Unexpected { .. } => true,
            Self::Unreachable { sent, .. } => *sent,
            _ => false,
        }
    }

    /// Whether the same call can succeed later without anybody changing anything.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Server(_)
                | Self::Timeout { .. }
                | Self::Cut { .. }
                | Self::Unreachable { .. }
                | Self::RateLimited { .. }
        )
    }

    /// The server's refusal, where there was one.
    pub const fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Unauthorized(answer)
            | Self::Forbidden(answer)
            | Self::NotFound(answer)
            | Self::Conflict(answer)
            | Self::Gone(answer)
            | Self::Quota(answer)
            | Self::Invalid(answer)
            | Self::CommandTimeout(answer)
            | Self::Server(answer)
            | Self::RateLimited { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whether there is no such thing.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    pub(crate) fn misuse(what: impl Into<String>) -> Self {
        Self::Misuse { what: what.into() }
    }

    pub(crate) fn file(path: impl Into<PathBuf>, source: &io::Error) -> Self {
        Self::File { path: path.into(), why: source.to_string() }
    }
}
