//! A program in a container: what the runner there says, and why it says nothing any more.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::container::Held;
use super::recipe::Kind;
use super::{Docker, Engine};
use crate::backend::runner::RunnerExecution;
use crate::backend::{Back, Execution, Finish, Output, Signal, Size, Start};
use crate::error::{Error, Result};
use crate::spec::RunId;

/// A program that runs in a container.
pub(super) struct InSandbox {
    pub inner: Box<RunnerExecution>,
    pub docker: Docker,
    pub engine: Engine,
    pub kind: Kind,
    /// Held as long as the program runs, so that nobody removes the container. `None` once it is dropped.
    pub held: Option<Held>,
    /// The run, where it may be found again.
    pub kept: Option<RunId>,
    /// Brings the workspace back from another disk.
    pub copy: Option<Back>,
}

impl InSandbox {
    /// Says of a broken connection what became of the container.
    async fn explained<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(Error::Connection { source }) => {
                let since = i64::try_from(self.inner.started().at).unwrap_or(i64::MAX);
                let since = Timestamp::from_microsecond(since).unwrap_or(Timestamp::MAX);
                let fate = match &self.held {
                    Some(held) => self.docker.fate(&self.engine, held, since).await,
                    None => None,
                };
                Err(fate.unwrap_or(Error::Connection { source }))
            }
            other => other,
        }
    }
}

impl Drop for InSandbox {
    fn drop(&mut self) {
        let held = self.held.take();
        if let (Some(held), Some(id)) = (&held, self.kept) {
            held.let_go(id);
        }
        if let Some(held) = held.filter(|_| self.kind == Kind::Fresh) {
            self.docker.forget_when_over(self.engine.clone(), held);
        }
    }
}

#[async_trait]
impl Execution for InSandbox {
    fn started(&self) -> Start {
        self.inner.started()
    }

    async fn output(&self) -> Result<Option<Output>> {
        let output = self.inner.output().await;
        let output = self.explained(output).await?;
        if let (None, Some(copy)) = (&output, &self.copy) {
            copy.bring().await?;
        }
        Ok(output)
    }

    async fn wait(&self) -> Result<Finish> {
        let finish = self.inner.wait().await;
        self.explained(finish).await
    }

    fn has_exited(&self) -> bool {
        self.inner.has_exited()
    }

    async fn input(&self, bytes: Bytes) -> Result<()> {
        self.inner.input(bytes).await
    }

    async fn end_input(&self) -> Result<()> {
        self.inner.end_input().await
    }

    async fn resize(&self, size: Size) -> Result<()> {
        self.inner.resize(size).await
    }

    async fn stop(&self, signal: Signal, grace: Duration) -> Result<()> {
        self.inner.stop(signal, grace).await
    }
}
