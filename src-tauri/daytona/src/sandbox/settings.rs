//! What can be changed without changing the state: labels, timers, and that somebody is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Sandbox, Sandboxes};
use crate::error::Result;
use crate::model::lenient;

/// New limits of a sandbox; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Resize {
    /// Processors, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Memory in GiB, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Disk in GiB, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u32>,
}

impl Resize {
    pub(super) fn is_met_by(&self, sandbox: &Sandbox) -> bool {
        let is = |wanted: Option<u32>, has: u32| wanted.is_none_or(|wanted| wanted == has);
        is(self.cpu, sandbox.cpu) && is(self.memory, sandbox.memory) && is(self.disk, sandbox.disk)
    }
}

#[derive(Serialize, Deserialize)]
struct Labels {
    #[serde(default, deserialize_with = "lenient::nullable")]
    labels: BTreeMap<String, String>,
}

impl Sandboxes {
    /// Replaces all labels of a sandbox, and gives them back as they are now.
    pub async fn set_labels(
        &self,
        id: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let body = Labels { labels: labels.clone() };
        let call = self.client.base.put(&["sandbox", id, "labels"])?.json(&body)?;
        Ok(self.client.http.json::<Labels>(call).await?.labels)
    }

    /// Minutes without activity until it stops; 0 for never.
    pub async fn set_auto_stop(&self, id: &str, minutes: u32) -> Result<Sandbox> {
        self.set(id, "autostop", i64::from(minutes)).await
    }

    /// Minutes without activity until it pauses; 0 for never. Virtual machines only.
    pub async fn set_auto_pause(&self, id: &str, minutes: u32) -> Result<Sandbox> {
        self.set(id, "autopause", i64::from(minutes)).await
    }

    /// Minutes after stopping until it is archived; 0 for the longest time that the server allows.
    pub async fn set_auto_archive(&self, id: &str, minutes: u32) -> Result<Sandbox> {
        self.set(id, "autoarchive", i64::from(minutes)).await
    }

    /// Minutes after stopping until it is deleted; -1 for never, 0 for at once.
    pub async fn set_auto_delete(&self, id: &str, minutes: i32) -> Result<Sandbox> {
        self.set(id, "autodelete", i64::from(minutes)).await
    }

    /// Minutes after which it is deleted whatever its state; 0 for never. Unknown to servers before autumn 2026.
    pub async fn set_ttl(&self, id: &str, minutes: u32) -> Result<Sandbox> {
        self.set(id, "ttl", i64::from(minutes)).await
    }

    async fn set(&self, id: &str, what: &str, value: i64) -> Result<Sandbox> {
        let call = self.client.base.post(&["sandbox", id, what, &value.to_string()])?.harmless();
        self.client.http.json(call).await
    }

    /// Tells that somebody is using a sandbox, so that it does not stop: a process that runs inside is not activity.
    /// Call it every few minutes while one runs. Takes the id, not the name.
    pub async fn touch(&self, id: &str) -> Result<()> {
        let call = self.client.base.post(&["sandbox", id, "last-activity"])?.harmless();
        self.client.http.done(call).await
    }
}
