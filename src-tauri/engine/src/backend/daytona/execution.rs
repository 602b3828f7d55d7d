//! A program in a cloud sandbox: found again when its connection breaks, brought back from, and cleaned up after.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_bytes::ByteBuf;
use stigmer_daytona::State;
use tokio::sync::{Mutex, RwLock};
use tokio::time::{Instant, sleep};
use tokio_util::sync::DropGuard;

use super::account::cloud;
use super::reach::Reached;
use super::{Daytona, KEEPING, SPOOL};
use crate::backend::runner::{RunnerExecution, Started};
use crate::backend::{Back, Execution, Finish, Output, Signal, Size, Start};
use crate::error::{Error, Result};
use crate::spec::RunId;
use crate::workspace::sync::Away;

/// Longest time for a broken connection to come back.
const RECONNECTING: Duration = Duration::from_mins(5);

/// Time between two tries, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A program that runs in the cloud.
pub(super) struct InCloud {
    pub daytona: Daytona,
    pub reached: Reached,
    pub id: RunId,
    pub start: Start,
    pub inner: RwLock<Arc<RunnerExecution>>,
    /// Held by whoever looks for the run again.
    pub finding: Mutex<()>,
    /// Brings the workspace back, where that was asked for.
    pub back: Option<Back>,
    /// Deletes the sandbox at the end.
    pub is_thrown_away: bool,
    /// Keeps it from stopping by itself.
    #[expect(dead_code, reason = "held, and dropped with the run")]
    pub awake: DropGuard,
}

impl InCloud {
    async fn current(&self) -> Arc<RunnerExecution> {
        Arc::clone(&*self.inner.read().await)
    }

    /// Looks for the run again after the connection to it, `broken`, was lost. Dropping it loses nothing.
    async fn find_again(&self, broken: &Arc<RunnerExecution>, why: Error) -> Result<()> {
        let _finding = self.finding.lock().await;
        if !Arc::ptr_eq(broken, &*self.inner.read().await) {
            return Ok(());
        }
        tracing::info!(%why, run = %self.id, "the connection to a run broke; it is looked for again");
        let offset = broken.received().await;
        let until = Instant::now() + RECONNECTING;
        let mut pause = AGAIN.0;
        loop {
            let found = match self.reached.greet_again(self.id).await {
                Ok(greeted) => greeted.resume(offset, KEEPING).await,
                Err(error) => Err(error),
            };
            let error = match found {
                Ok(found) => {
                    *self.inner.write().await = Arc::from(found);
                    return Ok(());
                }
                Err(error) => error,
            };
            self.must_run().await?;
            if matches!(error, Error::SandboxRefused { .. }) || Instant::now() >= until {
                return Err(Error::SandboxLost { why: error.to_string() });
            }
            sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
    }

    /// Fails where the sandbox does not run any more. What cannot be asked may still run.
    async fn must_run(&self) -> Result<()> {
        match self.reached.client.sandboxes().get(&self.reached.id).await {
            Ok(sandbox) if sandbox.state == State::Started => Ok(()),
            Ok(sandbox) if matches!(sandbox.state, State::Destroying | State::Destroyed) => {
                Err(Error::SandboxLost { why: "it was deleted".to_owned() })
            }
            Ok(sandbox) => Err(Error::SandboxLost {
                why: match sandbox.error_reason {
                    Some(reason) => format!("it is `{}`: {reason}", sandbox.state),
                    None => format!("it is `{}`", sandbox.state),
                },
            }),
            Err(stigmer_daytona::Error::NotFound(_)) => {
                Err(Error::SandboxLost { why: "it was deleted".to_owned() })
            }
            Err(error @ stigmer_daytona::Error::Unauthorized(_)) => Err(cloud(error)),
            Err(_) => Ok(()),
        }
    }

    /// Does something with the program, once more after its connection broke.
    async fn with<T, F>(&self, what: impl Fn(Arc<RunnerExecution>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let current = self.current().await;
        match what(Arc::clone(&current)).await {
            Err(error @ Error::Connection { .. }) => {
                self.find_again(&current, error).await?;
                what(self.current().await).await
            }
            done => done,
        }
    }
}

impl Drop for InCloud {
    fn drop(&mut self) {
        self.daytona.let_go(self.id);
        if self.is_thrown_away {
            self.daytona.delete_later(self.reached.client.clone(), super::name_of(self.id));
        }
    }
}

#[async_trait]
impl Execution for InCloud {
    fn started(&self) -> Start {
        self.start
    }

    async fn output(&self) -> Result<Option<Output>> {
        loop {
            let current = self.current().await;
            match current.output().await {
                Err(error @ Error::Connection { .. }) => self.find_again(&current, error).await?,
                Ok(None) => {
                    if let Some(back) = &self.back {
                        back.bring().await?;
                    }
                    return Ok(None);
                }
                output => return output,
            }
        }
    }

    async fn wait(&self) -> Result<Finish> {
        self.with(|current| async move { current.wait().await }).await
    }

    async fn input(&self, bytes: Bytes) -> Result<()> {
        // What was on its way when a connection broke is not known to have arrived, and not sent twice.
        self.current().await.input(bytes).await
    }

    async fn end_input(&self) -> Result<()> {
        self.with(|current| async move { current.end_input().await }).await
    }

    async fn resize(&self, size: Size) -> Result<()> {
        self.current().await.resize(size).await
    }

    async fn stop(&self, signal: Signal, grace: Duration) -> Result<()> {
        self.with(|current| async move { current.stop(signal, grace).await }).await
    }
}

#[async_trait]
impl Away for Reached {
    async fn tree(&self) -> Result<Box<dyn Execution>> {
        let start = stigmer_runner::Start {
            argv: self.tree().map(|word| ByteBuf::from(word.into_bytes())).into(),
            dir: ByteBuf::from("/"),
            input: true,
            drain_ms: 500,
            spool: SPOOL,
            window: super::WINDOW,
            ..stigmer_runner::Start::default()
        };
        match self.greet().await?.start(start).await? {
            Started::Running(execution) => Ok(execution),
            Started::Refused(_, why) => Err(Error::Sync { why }),
        }
    }
}
