//! A program in a cloud sandbox: found again when its connection breaks, brought back from, and cleaned up after.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_bytes::ByteBuf;
use stigmer_daytona::{Sandbox, State};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::account::cloud;
use super::note::{Held, Note};
use super::reach::{Line, Reached, Turns};
use super::ready::{Era, Ready};
use super::wire::Terminal;
use super::{Daytona, SPOOL};
use crate::backend::runner::RunnerExecution;
use crate::backend::{Back, Execution, Finish, Output, Signal, Size, Start};
use crate::error::{Error, Result};
use crate::spec::RunId;
use crate::workspace::sync::Away;

/// Longest time for a broken connection to come back.
const RECONNECTING: Duration = Duration::from_mins(5);

/// Time between two tries, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Shortest and longest time between two words that a sandbox is still in use.
const AWAKE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));

/// Time between two signs of life. Several fit into the silence that a runner bears.
const SIGN: Duration = Duration::from_secs(15);

/// A program that runs in the cloud.
pub(super) struct InCloud {
    pub daytona: Daytona,
    pub reached: Reached,
    pub id: RunId,
    pub inner: Arc<RunnerExecution>,
    /// Held by whoever looks for the run again.
    pub finding: Mutex<()>,
    /// Brings the workspace back, where that was asked for.
    pub back: Option<Back>,
    /// What is noted of the run; `None` once this is dropped.
    pub noted: Option<(Held, Note)>,
    /// How the next run gets the conversation of this one, where it may.
    pub next: std::sync::Mutex<Option<Next>>,
    /// Keep the sandbox from stopping by itself, and the runner from giving us up.
    #[expect(dead_code, reason = "held, and dropped with the run")]
    pub alive: Vec<DropGuard>,
}

/// What the next run on a workspace needs besides the conversation.
pub(super) struct Next {
    /// The name under which it is held.
    pub name: String,
    pub era: Era,
    pub sandbox: Sandbox,
    pub terminal: Terminal,
}

impl InCloud {
    /// Leaves the conversation of a run that ended to the next one.
    fn leave_to_next(&self) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).take();
        // After a break the conversation is one with this run alone.
        let Some(Next { name, era, sandbox, terminal }) = next.filter(|_| self.inner.connection() == 0)
        else {
            return;
        };
        let (inner, reached) = (Arc::clone(&self.inner), self.reached.clone());
        self.daytona.hold(name, era, async move {
            let line = Line { greeted: inner.next().await?, terminal };
            Ok(Ready { sandbox, reached, line })
        });
    }

    /// Looks for the run again after a connection to it was lost. Dropping it loses nothing.
    async fn find_again(&self, broken: u64, why: Error) -> Result<()> {
        let _finding = self.finding.lock().await;
        if broken != self.inner.connection() {
            return Ok(());
        }
        tracing::info!(?why, run = %self.id, "the connection to a run broke; it is looked for again");
        let until = Instant::now() + RECONNECTING;
        let mut pause = AGAIN.0;
        loop {
            let found = match self.reached.greet_again(self.id).await {
                Ok(greeted) => self.inner.go_on(greeted).await,
                Err(error) => Err(error),
            };
            let Err(error) = found else { return Ok(()) };
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
            Ok(sandbox) if !is_over(&sandbox.state) => Ok(()),
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
}

/// Whether nothing runs in a sandbox any more. A state that is not known is taken for one that passes.
pub(super) fn is_over(state: &State) -> bool {
    let is_ending = matches!(state, State::Stopping | State::Archiving | State::Destroying);
    is_ending || (state.is_settled() && !matches!(state, State::Started | State::Paused))
}

impl Drop for InCloud {
    fn drop(&mut self) {
        let Some((mut held, mut note)) = self.noted.take() else { return };
        if !note.is_thrown_away && self.inner.has_ended() {
            self.daytona.0.notes.remove(self.id);
            return;
        }
        // From here on nobody comes for the run any more, only for what is left of it.
        note.is_kept = false;
        if let Err(error) = held.write(&note) {
            tracing::warn!(%error, "what is left of a run in the cloud may stay if this program dies now");
        }
        if note.is_thrown_away {
            self.daytona.delete_later(self.reached.client.clone(), self.id, Some(held));
        }
    }
}

/// Tells a sandbox that it is in use until the guard is dropped; none for one that never stops by itself. `asked` is the idle
/// time that the settings want, which may be less than the whole minutes that a sandbox has.
pub(super) fn keep_awake(reached: &Reached, sandbox: &Sandbox, asked: Duration) -> Option<DropGuard> {
    let minutes = sandbox.auto_stop_interval.and_then(|minutes| u64::try_from(minutes).ok()).unwrap_or(15);
    let auto_stop = Duration::from_secs(60 * minutes);
    if auto_stop.is_zero() {
        return None;
    }
    let (client, id) = (reached.client.clone(), reached.id.clone());
    let idle = if asked.is_zero() { auto_stop } else { auto_stop.min(asked) };
    Some(every((idle / 3).clamp(AWAKE.0, AWAKE.1), move || {
        let (client, id) = (client.clone(), id.clone());
        async move {
            if let Err(error) = client.sandboxes().touch(&id).await {
                tracing::debug!(%error, id, "a sandbox was not told that it is in use");
            }
        }
    }))
}

/// Has a runner know until the guard is dropped that its engine lives.
pub(super) fn give_signs(inner: &Arc<RunnerExecution>) -> DropGuard {
    let inner = Arc::clone(inner);
    every(SIGN, move || {
        let inner = Arc::clone(&inner);
        async move {
            if let Err(error) = inner.give_sign().await {
                tracing::debug!(%error, "a sign of life was not sent");
            }
        }
    })
}

/// Does something again and again until the guard is dropped.
fn every<F>(pause: Duration, what: impl Fn() -> F + Send + 'static) -> DropGuard
where
    F: Future<Output = ()> + Send,
{
    let over = CancellationToken::new();
    let guard = over.clone().drop_guard();
    tokio::spawn(over.run_until_cancelled_owned(async move {
        loop {
            sleep(pause).await;
            what().await;
        }
    }));
    guard
}

#[async_trait]
impl Execution for InCloud {
    fn started(&self) -> Start {
        self.inner.started()
    }

    async fn output(&self) -> Result<Option<Output>> {
        loop {
            let connection = self.inner.connection();
            match self.inner.output().await {
                Err(error @ Error::Connection { .. }) => self.find_again(connection, error).await?,
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
        loop {
            let connection = self.inner.connection();
            match self.inner.wait().await {
                Err(error @ Error::Connection { .. }) => self.find_again(connection, error).await?,
                finish => {
                    if finish.is_ok() {
                        self.leave_to_next();
                    }
                    return finish;
                }
            }
        }
    }

    // What these ask is asked again over the next connection, should it not arrive; `output` looks for that.

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
        self.greet(Turns::One)
            .await?
            .greeted
            .start(start)
            .await?
            .execution()
            .map_err(|why| Error::Sync { why })
    }
}
