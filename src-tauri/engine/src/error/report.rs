//! A failure as it leaves the engine.

use serde::{Deserialize, Serialize};

use super::Error;

/// What a person or a program outside the engine is shown of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Stable name, see `docs/errors.md`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// Why, from the outermost cause inwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Error> for Report {
    fn from(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self { code: error.code().to_owned(), message: error.to_string(), causes, hint: error.hint() }
    }
}

impl From<Error> for Report {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}
