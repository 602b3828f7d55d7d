//! A body that is read piece by piece.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

use super::answer::broken;
use super::{Call, Http};
use crate::error::{Error, Result};

/// The body of an answer, under a limit for the time without any progress.
pub(crate) struct Incoming {
    response: Response,
    operation: String,
    stall: Duration,
}

impl Http {
    /// A call whose answer is read piece by piece. `stall` is the longest time between two pieces.
    pub(crate) async fn stream(&self, call: Call, stall: Duration) -> Result<Incoming> {
        let operation = call.operation.clone();
        Ok(Incoming { response: self.open(call).await?, operation, stall })
    }
}

impl Incoming {
    /// The next piece, `None` at the end. May be dropped and asked again.
    ///
    /// # Errors
    ///
    /// [`Error::Cut`] when it breaks off before its end, [`Error::Timeout`] when it stalls.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match tokio::time::timeout(self.stall, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|source| match broken(&source, &self.operation) {
                Error::Unreachable { operation, why, .. } => Error::Cut { operation, why },
                other => other,
            }),
            Err(_) => Err(Error::Timeout { operation: self.operation.clone(), after: self.stall }),
        }
    }

    /// Length in bytes, where the server says it.
    pub(crate) fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(crate) fn operation(&self) -> &str {
        &self.operation
    }
}
