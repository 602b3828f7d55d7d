//! A program in a container: what the runner there says, and why it says nothing any more.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Docker;
use super::container::Held;
use crate::backend::runner::RunnerExecution;
use crate::backend::{Execution, Finish, Output, Signal, Size, Start};
use crate::error::{Error, Result};

/// A program that runs in a container.
pub(super) struct InSandbox {
    pub inner: Box<RunnerExecution>,
    pub docker: Docker,
    /// Held as long as the program runs, so that nobody removes the container.
    pub held: Held,
}

impl InSandbox {
    /// Says of a broken connection what became of the container.
    async fn explained<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(Error::Connection { source }) => {
                Err(self.docker.fate(&self.held.name).await.unwrap_or(Error::Connection { source }))
            }
            other => other,
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
        self.explained(output).await
    }

    async fn wait(&self) -> Result<Finish> {
        let finish = self.inner.wait().await;
        self.explained(finish).await
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
