//! The copy of the workspace in a container on another disk.

use async_trait::async_trait;
use serde_bytes::ByteBuf;

use super::Engine;
use super::container::SOCKET;
use super::recipe::{RUNNER, WORKSPACE};
use crate::backend::Execution;
use crate::backend::runner::RunnerExecution;
use crate::error::{Error, Result};
use crate::workspace::sync::Away;

/// What the container remembers of what both had.
const STATE: &str = "/run/stigmer/shared/tree";

/// A container with a copy.
#[derive(Clone)]
pub(super) struct Far {
    pub engine: Engine,
    pub name: String,
}

#[async_trait]
impl Away for Far {
    async fn tree(&self) -> Result<Box<dyn Execution>> {
        let joined = self.engine.join(&self.name, SOCKET).await;
        let (replies, requests) = joined.map_err(|source| Error::Connection { source })?;
        let bytes = |word: &str| ByteBuf::from(word.as_bytes());
        let start = stigmer_runner::Start {
            argv: [RUNNER, "tree", WORKSPACE, STATE].map(bytes).into(),
            dir: bytes("/"),
            input: true,
            drain_ms: 500,
            ..stigmer_runner::Start::default()
        };
        RunnerExecution::start(replies, requests, start).await?.execution().map_err(|why| Error::Sync { why })
    }
}
