//! Changes of a sandbox's state, each made once.

use super::{DesiredState, Resize, Sandbox, Sandboxes, State};
use crate::error::{Error, Result};
use crate::http::Call;
use crate::retry::is_passing_conflict;

impl Sandboxes {
    /// Starts a sandbox that is stopped, archived or paused. One that runs stays as it is. The answer comes when it
    /// runs, at most after 30 s; from the archive, at once.
    pub async fn start(&self, id: &str) -> Result<Sandbox> {
        let coming = [State::Started, State::Starting, State::Restoring, State::Resuming];
        self.change(
            id,
            |call| Ok(call.held()),
            "start",
            move |sandbox| {
                coming.contains(&sandbox.state) || sandbox.desired_state == Some(DesiredState::Started)
            },
        )
        .await
    }

    /// Stops a sandbox. `force` kills its processes instead of asking them to end. One that is ephemeral is destroyed.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when it does not run.
    pub async fn stop(&self, id: &str, force: bool) -> Result<Sandbox> {
        let going = [State::Stopping, State::Stopped, State::Destroying, State::Destroyed];
        let flag = if force { "true" } else { "false" };
        self.change(
            id,
            |call| Ok(call.query("force", flag)),
            "stop",
            move |sandbox| {
                going.contains(&sandbox.state) || sandbox.desired_state == Some(DesiredState::Stopped)
            },
        )
        .await
    }

    /// Saves the memory of a virtual machine and stops it; [`Sandboxes::start`] resumes it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a container.
    pub async fn pause(&self, id: &str) -> Result<Sandbox> {
        self.change(id, Ok, "pause", |sandbox| matches!(sandbox.state, State::Pausing | State::Paused)).await
    }

    /// Moves the disk of a stopped sandbox to the archive, where it costs nothing and counts for no quota.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when it is not stopped, or ephemeral.
    pub async fn archive(&self, id: &str) -> Result<Sandbox> {
        self.change(id, Ok, "archive", |sandbox| {
            matches!(sandbox.state, State::Archiving | State::Archived)
                || sandbox.desired_state == Some(DesiredState::Archived)
        })
        .await
    }

    /// Tries to bring back a sandbox that failed and says that it is recoverable. `start` also starts it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when it did not fail, or cannot be recovered.
    pub async fn recover(&self, id: &str, start: bool) -> Result<Sandbox> {
        let skip = (!start).then_some(true);
        self.change(
            id,
            |call| Ok(call.maybe("skipStart", skip).held()),
            "recover",
            |sandbox| !sandbox.state.is_failed(),
        )
        .await
    }

    /// Changes the limits of a sandbox. While it runs they can only grow; the disk can only grow while it is stopped.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when nothing would change, or the state does not allow it.
    pub async fn resize(&self, id: &str, to: Resize) -> Result<Sandbox> {
        self.change(id, |call| call.json(&to), "resize", |sandbox| to.is_met_by(sandbox)).await
    }

    /// Deletes a sandbox for good; `None` when there is none, or none any more. Its name is free at once. The sandbox
    /// that is given back is still being destroyed; [`Sandboxes::wait_gone`] waits for that.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] while something else happens to it, such as a snapshot being made of it.
    pub async fn delete(&self, id: &str) -> Result<Option<Sandbox>> {
        let call = self.client.base.delete(&["sandbox", id])?;
        let call = call.repeat(crate::retry::Repeat::HarmlessAfterConflict);
        let answer = match self.client.http.buffered(call).await {
            Err(Error::NotFound(_)) => return Ok(None),
            answer => answer?,
        };
        answer.not_a_page()?;
        if answer.body().is_empty() {
            return Ok(None);
        }
        answer.json("DELETE /sandbox").map(Some)
    }

    /// Asks for a change. Where the answer is lost, the sandbox tells whether it is `there` or on its way; only if not
    /// the change is asked for again.
    async fn change(
        &self,
        id: &str,
        with: impl Fn(Call) -> Result<Call>,
        verb: &str,
        there: impl Fn(&Sandbox) -> bool,
    ) -> Result<Sandbox> {
        let http = &self.client.http;
        let mut done = 0;
        let mut lost = false;
        loop {
            let call = with(self.client.base.post(&["sandbox", id, verb])?)?;
            let error = match http.json(call).await {
                Ok(sandbox) => return Ok(sandbox),
                Err(error) => error,
            };
            lost |= error.may_have_happened();
            // Once an answer was lost, a refusal may only mean that the first request did its work.
            if lost {
                match self.get(id).await {
                    Ok(sandbox) if there(&sandbox) => return Ok(sandbox),
                    Ok(_) => {}
                    Err(_) => return Err(error),
                }
            }
            let again = error.may_have_happened() || is_passing_conflict(&error);
            if !again || done >= http.retry().times {
                return Err(error);
            }
            tracing::debug!(%error, verb, "a change of a sandbox is asked for again");
            tokio::time::sleep(http.retry().backoff(done + 1, fastrand::f64())).await;
            done += 1;
        }
    }
}
