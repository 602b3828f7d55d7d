//! Snapshots: what sandboxes are made from.
//!
//! A snapshot is an image with default resources, kept by the organization. It is made from an image of a registry, from
//! a Dockerfile that the server builds, or from a sandbox; it becomes inactive after 14 days without use, and must be
//! `active` for a sandbox to be made from it. Snapshots that Daytona provides are `general`, and in every list.

mod model;
mod new;
mod wait;

pub use self::model::{Snapshot, SnapshotState};
pub use self::new::NewSnapshot;
use crate::build_log::{BuildLog, Subject};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::sandbox::Sandbox;

/// Which snapshots, and in what order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotFilter {
    /// What its name must contain, in any case.
    pub name: Option<String>,
    /// The sandbox that it was made from. Ignored by servers before autumn 2026.
    pub source_sandbox_id: Option<String>,
    /// The order: `name`, `state`, `lastUsedAt` (the server's default) or `createdAt`.
    pub sort: Option<String>,
    /// Ascending instead of descending.
    pub ascending: bool,
    /// Snapshots per page, 1 to 200; 100 by default.
    pub limit: Option<u32>,
}

/// One page of a list of snapshots.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SnapshotPage {
    /// The snapshots; general ones come last.
    pub items: Vec<Snapshot>,
    /// How many there are on all pages.
    pub total: u64,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are.
    pub total_pages: u64,
}

/// A list of snapshots that is read page by page.
#[derive(Debug)]
pub struct SnapshotPages {
    snapshots: Snapshots,
    filter: SnapshotFilter,
    next: Option<u64>,
}

impl SnapshotPages {
    /// The next page, `None` after the last one. An error leaves the position as it was.
    pub async fn next(&mut self) -> Result<Option<Vec<Snapshot>>> {
        let Some(number) = self.next else { return Ok(None) };
        let page = self.snapshots.page(&self.filter, number).await?;
        let more = number < page.total_pages && !page.items.is_empty();
        self.next = more.then_some(number + 1);
        Ok(Some(page.items))
    }

    /// Everything that is left.
    pub async fn all(mut self) -> Result<Vec<Snapshot>> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

/// The snapshots that the key's organization can use.
#[derive(Debug, Clone)]
pub struct Snapshots {
    client: Client,
}

impl Snapshots {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Lists snapshots, page by page.
    pub fn list(&self, filter: SnapshotFilter) -> SnapshotPages {
        SnapshotPages { snapshots: self.clone(), filter, next: Some(1) }
    }

    /// One page of a list, from 1.
    pub async fn page(&self, filter: &SnapshotFilter, number: u64) -> Result<SnapshotPage> {
        let call = self.client.base.get(&["snapshots"])?.query("page", number.to_string());
        let call = call.maybe("limit", filter.limit).maybe("name", filter.name.as_ref());
        let call = call.maybe("sourceSandboxId", filter.source_sandbox_id.as_ref());
        let call = call.maybe("sort", filter.sort.as_ref());
        self.client.http.json(call.maybe("order", filter.ascending.then_some("asc"))).await
    }

    /// One snapshot, by id or name. The organization's own comes before a general one of the same name.
    pub async fn get(&self, id: &str) -> Result<Snapshot> {
        self.client.http.json(self.client.base.get(&["snapshots", id])?).await
    }

    /// Deletes a snapshot, by its id alone; `false` when there is none, or none any more. Sandboxes made from it live on.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for a general one, [`Error::Invalid`] for a name.
    pub async fn delete(&self, id: &str) -> Result<bool> {
        let call = self.client.base.delete(&["snapshots", id])?;
        let call = call.repeat(crate::retry::Repeat::HarmlessAfterConflict);
        match self.client.http.done(call).await {
            Err(Error::NotFound(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Makes an inactive snapshot usable again, by its id; [`Snapshots::wait_active`] waits for it. One that is active
    /// already, or on its way, is given back as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] within ten minutes after it was deactivated by hand.
    pub async fn activate(&self, id: &str) -> Result<Snapshot> {
        let call = self.client.base.post(&["snapshots", id, "activate"])?.harmless();
        match self.client.http.json(call).await {
            // "Already active" is a refusal too, and what comes of a request whose answer was lost.
            Err(error @ Error::Invalid(_)) => match self.get(id).await {
                Ok(snapshot) if snapshot.state.is_coming() => Ok(snapshot),
                _ => Err(error),
            },
            other => other,
        }
    }

    /// Makes a snapshot unusable, by its id, which frees its place. Nothing happens to one that is so already.
    pub async fn deactivate(&self, id: &str) -> Result<()> {
        let call = self.client.base.post(&["snapshots", id, "deactivate"])?.harmless();
        self.client.http.done(call).await
    }

    /// The log of a snapshot's build, from its start, followed to the end of the build. Takes the id.
    pub fn build_log(&self, id: impl Into<String>) -> BuildLog {
        BuildLog::new(self.client.clone(), Subject::Snapshot(id.into()))
    }

    /// Starts making a snapshot of a sandbox, and gives the sandbox back, busy; [`Snapshots::wait_captured`] waits for
    /// the snapshot. Of a container its disk is captured, neither processes nor volumes. `memory` captures the memory
    /// of a virtual machine that runs.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken, [`Error::Invalid`] when its state does not allow it.
    pub async fn capture(&self, sandbox: &str, name: &str, memory: bool) -> Result<Sandbox> {
        let body = serde_json::json!({ "name": name, "includeMemory": memory });
        let call = self.client.base.post(&["sandbox", sandbox, "snapshot"])?.json(&body)?.held();
        match self.client.http.json(call).await {
            Err(error) if error.may_have_happened() => {
                let busy = self.client.sandboxes().get(sandbox).await;
                match busy {
                    Ok(busy) if busy.state == crate::sandbox::State::Snapshotting => Ok(busy),
                    Ok(other) if self.get(name).await.is_ok() => Ok(other),
                    _ => Err(error),
                }
            }
            other => other,
        }
    }
}
