//! What can be changed of a cloud sandbox that is there: its size, its timers, its labels, and whether it works again.

use std::collections::BTreeMap;
use std::time::Duration;

use stigmer_daytona::{Resize, Sandbox, State};

use super::CloudDetail;
use crate::backend::daytona::{Account, Daytona, cloud};
use crate::error::{Error, Result};

/// Longest time for a change of the size, and for one to work again.
const CHANGING: Duration = Duration::from_mins(10);

/// What labels of ours begin with: they say whose a sandbox is and what for.
const OURS: &str = "stigmer.";

/// A new size; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Virtual CPUs.
    pub cpu: Option<u32>,
    /// Memory in GiB.
    pub memory: Option<u32>,
    /// Disk in GiB; it only grows.
    pub disk: Option<u32>,
}

/// New timers in minutes; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timers {
    /// Idleness after which it stops; zero for never.
    pub auto_stop: Option<u32>,
    /// Time after stopping after which it is archived; zero for the longest possible.
    pub auto_archive: Option<u32>,
    /// Time after stopping after which it is deleted; -1 for never, zero for at once.
    pub auto_delete: Option<i32>,
}

fn nothing(hint: &'static str) -> Error {
    Error::InvalidSpec { what: "nothing would change".to_owned(), hint }
}

fn conflict(name: &str, why: &str, hint: &'static str) -> Error {
    Error::Conflict { what: format!("the sandbox `{name}` {why}"), hint }
}

impl Size {
    /// Whether a sandbox as it is may become so.
    fn fits(self, name: &str, found: &Sandbox) -> Result<()> {
        let is = |asked: Option<u32>, now: u32| asked.is_none_or(|asked| asked == now);
        let shrinks = |asked: Option<u32>, now: u32| asked.is_some_and(|asked| asked < now);
        if [self.cpu, self.memory, self.disk].contains(&Some(0)) {
            return Err(Error::InvalidSpec {
                what: "a sandbox cannot have none of it".to_owned(),
                hint: "write a number from 1 on",
            });
        }
        if is(self.cpu, found.cpu) && is(self.memory, found.memory) && is(self.disk, found.disk) {
            return Err(nothing("name another number of CPUs, or of GiB of memory or disk"));
        }
        if shrinks(self.disk, found.disk) {
            let why = format!("has {} GiB of disk, and a disk only grows", found.disk);
            return Err(conflict(name, &why, "make a new sandbox for a smaller one"));
        }
        let less = shrinks(self.cpu, found.cpu) || shrinks(self.memory, found.memory);
        let stop = "stop it first: stigmer sandbox stop NAME";
        match found.state {
            State::Started if !is(self.disk, found.disk) => {
                Err(conflict(name, "runs, and its disk grows only while it is stopped", stop))
            }
            State::Started if less => {
                Err(conflict(name, "runs, and it gets less only while it is stopped", stop))
            }
            State::Started | State::Stopped => Ok(()),
            ref other => {
                let why = format!("is `{other}`, and only one that runs or is stopped has its size changed");
                Err(conflict(name, &why, "start it first: stigmer sandbox start NAME"))
            }
        }
    }
}

impl Daytona {
    /// Brings one of ours back that failed and can be recovered, and waits for that. It is stopped then.
    pub async fn recover_sandbox(&self, account: &Account, name: &str) -> Result<CloudDetail> {
        let (client, found) = self.own(account, name).await?;
        if !found.state.is_failed() {
            return Err(conflict(name, &format!("is `{}` and did not fail", found.state), "use it as it is"));
        }
        if found.recoverable != Some(true) {
            let why = match &found.error_reason {
                Some(reason) => format!("cannot be recovered: {reason}"),
                None => "cannot be recovered".to_owned(),
            };
            return Err(conflict(name, &why, "delete it, and run again: stigmer sandbox rm NAME"));
        }
        let sandboxes = client.sandboxes();
        sandboxes.recover(&found.id, false).await.map_err(cloud)?;
        let is_there = |sandbox: &Sandbox| sandbox.state.is_settled() && !sandbox.state.is_failed();
        let found = sandboxes.wait_until(&found.id, CHANGING, is_there).await.map_err(cloud)?;
        Ok(CloudDetail::of(found))
    }

    /// Changes the size of one of ours, and waits until that is done. Less of it, and more disk, only while it is stopped.
    pub async fn resize_sandbox(&self, account: &Account, name: &str, to: Size) -> Result<CloudDetail> {
        let (client, found) = self.own(account, name).await?;
        to.fits(name, &found)?;
        let sandboxes = client.sandboxes();
        let Size { cpu, memory, disk } = to;
        self.let_go();
        sandboxes.resize(&found.id, Resize { cpu, memory, disk }).await.map_err(cloud)?;
        let is_done = |sandbox: &Sandbox| sandbox.state.is_settled();
        let found = sandboxes.wait_until(&found.id, CHANGING, is_done).await.map_err(cloud)?;
        Ok(CloudDetail::of(found))
    }

    /// Changes when one of ours stops, is archived and is deleted by itself. One after the other: what was changed before one
    /// is refused stays changed.
    pub async fn set_timers(&self, account: &Account, name: &str, timers: Timers) -> Result<CloudDetail> {
        if timers == Timers::default() {
            return Err(nothing("name a time"));
        }
        let (client, found) = self.own(account, name).await?;
        let sandboxes = client.sandboxes();
        let mut now = found;
        self.let_go();
        if let Some(minutes) = timers.auto_stop {
            now = sandboxes.set_auto_stop(&now.id, minutes).await.map_err(cloud)?;
        }
        if let Some(minutes) = timers.auto_archive {
            now = sandboxes.set_auto_archive(&now.id, minutes).await.map_err(cloud)?;
        }
        if let Some(minutes) = timers.auto_delete {
            now = sandboxes.set_auto_delete(&now.id, minutes).await.map_err(cloud)?;
        }
        Ok(CloudDetail::of(now))
    }

    /// Sets labels of one of ours; `None` takes one off. Those that begin with `stigmer.` are not anybody's to change.
    pub async fn label_sandbox(
        &self,
        account: &Account,
        name: &str,
        changes: BTreeMap<String, Option<String>>,
    ) -> Result<CloudDetail> {
        if let Some(key) = changes.keys().find(|key| key.is_empty() || key.starts_with(OURS)) {
            return Err(Error::InvalidSpec {
                what: format!("`{key}` is no label that can be set"),
                hint: "choose a name that does not begin with `stigmer.`",
            });
        }
        let (client, mut found) = self.own(account, name).await?;
        let before = found.labels.clone();
        for (key, value) in changes {
            match value {
                Some(value) => found.labels.insert(key, value),
                None => found.labels.remove(&key),
            };
        }
        if found.labels == before {
            return Err(nothing("name a label with another value"));
        }
        found.labels = client.sandboxes().set_labels(&found.id, &found.labels).await.map_err(cloud)?;
        Ok(CloudDetail::of(found))
    }
}

/// An address of a port of a sandbox, for a browser. Whoever knows it gets in, so it is a secret.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Preview {
    /// The address.
    pub url: String,
    /// Seconds that it works.
    pub seconds: u32,
}

impl std::fmt::Debug for Preview {
    /// Without the address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Preview").field("seconds", &self.seconds).finish_non_exhaustive()
    }
}

impl Daytona {
    /// An address of a port of one of ours that runs; it works for so long, at most a day.
    pub async fn preview(
        &self,
        account: &Account,
        name: &str,
        port: u16,
        within: Duration,
    ) -> Result<Preview> {
        let (client, found) = self.own(account, name).await?;
        if found.state != State::Started {
            let hint = "start it first: stigmer sandbox start NAME";
            return Err(conflict(
                name,
                &format!("is `{}`, and nobody answers at its ports", found.state),
                hint,
            ));
        }
        let seconds = u32::try_from(within.as_secs()).unwrap_or(u32::MAX).clamp(1, 86_400);
        let found = client.sandboxes().signed_preview_url(&found.id, port, seconds).await.map_err(cloud)?;
        Ok(Preview { url: found.url, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_state(state: State) -> Sandbox {
        Sandbox { state, cpu: 2, memory: 2, disk: 4, ..Sandbox::default() }
    }

    fn code(size: Size, state: State) -> &'static str {
        size.fits("x", &in_state(state)).map_or_else(|error| error.code(), |()| "fits")
    }

    #[test]
    fn a_size_is_refused_before_anybody_is_asked_where_the_state_forbids_it() {
        let cpu = |cpu| Size { cpu: Some(cpu), ..Size::default() };
        let disk = |disk| Size { disk: Some(disk), ..Size::default() };
        assert_eq!(code(cpu(4), State::Started), "fits");
        assert_eq!(code(cpu(1), State::Started), "conflict");
        assert_eq!(code(cpu(1), State::Stopped), "fits");
        assert_eq!(code(cpu(2), State::Stopped), "invalid-spec");
        assert_eq!(code(cpu(0), State::Stopped), "invalid-spec");
        assert_eq!(code(disk(8), State::Started), "conflict");
        assert_eq!(code(disk(8), State::Stopped), "fits");
        assert_eq!(code(disk(3), State::Stopped), "conflict");
        assert_eq!(code(cpu(4), State::Archived), "conflict");
    }
}
