//! Making a sandbox, once.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};

use super::{Sandbox, Sandboxes};
use crate::error::{Error, Result};

/// What a sandbox should be. Everything but the name has a default of the server; change single fields with struct
/// update syntax.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSandbox {
    /// Its name, unique in the organization. By it a sandbox is found whose creation got no answer, so it should be a
    /// fresh one each time, best with something random in it.
    pub name: String,
    /// What it is made from.
    #[serde(flatten)]
    pub template: Template,
    /// The user of its processes; `daytona` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Variables of its processes.
    pub env: BTreeMap<String, String>,
    /// Labels, by which it can be found.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Opens its ports to everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// The region, by id or name; else the organization's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Minutes without activity until it stops; 0 for never, 15 by default.
    #[serde(rename = "autoStopInterval", skip_serializing_if = "Option::is_none")]
    pub auto_stop: Option<u32>,
    /// Minutes without activity until it pauses. Virtual machines only, and not with `auto_stop`.
    #[serde(rename = "autoPauseInterval", skip_serializing_if = "Option::is_none")]
    pub auto_pause: Option<u32>,
    /// Minutes after stopping until it is archived; 0 for the longest time, 10080 (seven days) by default.
    #[serde(rename = "autoArchiveInterval", skip_serializing_if = "Option::is_none")]
    pub auto_archive: Option<u32>,
    /// Minutes after stopping until it is deleted; negative for never (the default), 0 for at once.
    #[serde(rename = "autoDeleteInterval", skip_serializing_if = "Option::is_none")]
    pub auto_delete: Option<i32>,
    /// Minutes after which it is deleted whatever its state; 0 for never. Unknown to servers before autumn 2026.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<u32>,
    /// Minutes that it may wait for a machine; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_timeout: Option<u32>,
    /// Volumes that it sees.
    pub volumes: Vec<VolumeMount>,
    /// Variables whose values are secrets of the organization: name of the variable to name of the secret.
    #[serde(serialize_with = "pairs", skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Cuts it off from the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_block_all: Option<bool>,
    /// Networks that it may reach, as CIDRs with commas between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_allow_list: Option<String>,
    /// Domains that it may reach, with commas between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_allow_list: Option<String>,
    /// A proxy for what it sends out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_proxy_url: Option<String>,
    /// Where it sends its telemetry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otel_endpoint_override: Option<String>,
    /// A sandbox whose end is also the end of this one, which must be ephemeral.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_sandbox: Option<String>,
    /// May be taken away when somebody pays more. With graphics processors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<bool>,
    /// Lets it run virtual machines itself. Virtual machines only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kvm: Option<bool>,
}

impl NewSandbox {
    /// A sandbox with this name from a template.
    pub fn new(name: impl Into<String>, template: Template) -> Self {
        Self { name: name.into(), template, ..Self::default() }
    }

    /// The same, deleted as soon as it stops.
    #[must_use]
    pub fn ephemeral(self) -> Self {
        Self { auto_delete: Some(0), ..self }
    }

    /// Whether `found` can be what this describes: it has the name and all labels.
    fn describes(&self, found: &Sandbox) -> bool {
        found.name == self.name
            && self.labels.iter().all(|(name, value)| found.labels.get(name) == Some(value))
    }
}

impl fmt::Debug for NewSandbox {
    /// Without the environment, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("NewSandbox");
        shown.field("name", &self.name).field("template", &self.template).field("labels", &self.labels);
        shown.finish_non_exhaustive()
    }
}

/// What a sandbox is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Template {
    /// The server's default snapshot.
    #[default]
    Default,
    /// A snapshot, which also says the resources.
    Snapshot {
        /// Its id or name. It must be active and in the region.
        snapshot: String,
    },
    /// An image that is built for it.
    Build {
        /// How.
        #[serde(rename = "buildInfo")]
        build: Build,
        /// How large the sandbox is.
        #[serde(flatten)]
        resources: Resources,
    },
}

impl Template {
    /// A snapshot, by id or name.
    pub fn snapshot(snapshot: impl Into<String>) -> Self {
        Self::Snapshot { snapshot: snapshot.into() }
    }

    /// An image from a registry.
    pub fn image(image: &str, resources: Resources) -> Self {
        Self::Build { build: Build::image(image), resources }
    }
}

/// How an image is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// The Dockerfile.
    pub dockerfile_content: String,
    /// The names of archives with files that it copies, as [`Contexts::upload`](crate::Contexts::upload) gives them.
    pub context_hashes: Vec<String>,
}

impl Build {
    /// A Dockerfile that copies no files.
    pub fn dockerfile(content: impl Into<String>) -> Self {
        Self { dockerfile_content: content.into(), context_hashes: Vec::new() }
    }

    /// An image as it is.
    pub fn image(image: &str) -> Self {
        Self::dockerfile(format!("FROM {image}\n"))
    }
}

/// How large a sandbox is; 1 processor, 1 GiB of memory and 3 GiB of disk by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Memory in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Disk in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u32>,
    /// Graphics processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
    /// Their kinds, the preferred one first, such as `H100`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gpu_type: Vec<String>,
}

/// A volume as a sandbox sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeMount {
    /// The volume, by id or name.
    pub volume_id: String,
    /// Where the sandbox sees it.
    pub mount_path: String,
    /// The folder of the volume that is shown, if not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subpath: Option<String>,
}

/// Secrets travel as a list of objects with one key each.
fn pairs<S: Serializer>(secrets: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(secrets.len()))?;
    for (variable, secret) in secrets {
        list.serialize_element(&BTreeMap::from([(variable, secret)]))?;
    }
    list.end()
}

impl Sandboxes {
    /// Makes a sandbox, and gives it back in whatever state it has by then: `started` within 30 s when the snapshot is
    /// at hand, `pending_build` at once when an image must be built.
    ///
    /// When no answer comes, the sandbox may have been made nevertheless. It is looked for by its name then; one that
    /// has all the labels is taken for ours and given back, and only if there is none the request is made again. The
    /// server refuses a second sandbox of the same name, so at most one is made.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken, [`Error::Quota`], [`Error::Invalid`] for a snapshot that is unknown
    /// or not active, and for a sandbox that did not start: that one is there under its name nevertheless, and the
    /// caller's to delete. After an error for which [`Error::may_have_happened`] holds, look for the name again.
    pub async fn create(&self, new: &NewSandbox) -> Result<Sandbox> {
        if new.name.is_empty() {
            return Err(Error::misuse("a new sandbox needs a name"));
        }
        let http = &self.client.http;
        let mut done = 0;
        loop {
            let call = self.client.base.post(&["sandbox"])?.json(new)?.held();
            let error = match http.json(call).await {
                Ok(sandbox) => return Ok(sandbox),
                Err(error) => self.client.unless_unknown(error),
            };
            // A name that is taken only after an answer was lost is taken by what we made.
            let lost = error.may_have_happened() || (done > 0 && matches!(error, Error::Conflict(_)));
            if !lost {
                return Err(error);
            }
            tracing::debug!(%error, name = new.name, "looking for a sandbox whose creation got no answer");
            match self.get(&new.name).await {
                Ok(found) if new.describes(&found) => return Ok(found),
                Err(Error::NotFound(_)) if done < http.retry().times && error.is_transient() => {}
                _ => return Err(error),
            }
            tokio::time::sleep(http.retry().backoff(done, fastrand::f64())).await;
            done += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wire(new: &NewSandbox) -> Value {
        serde_json::to_value(new).unwrap()
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let new = NewSandbox::new("n", Template::Default);
        assert_eq!(wire(&new), json!({"name": "n", "env": {}, "volumes": []}));
    }

    #[test]
    fn a_template_becomes_the_fields_that_the_server_knows() {
        let new = NewSandbox::new("n", Template::snapshot("s")).ephemeral();
        let expected =
            json!({"name": "n", "snapshot": "s", "env": {}, "volumes": [], "autoDeleteInterval": 0});
        assert_eq!(wire(&new), expected);
        let resources = Resources { cpu: Some(2), memory: Some(4), ..Resources::default() };
        let new = NewSandbox::new("n", Template::image("python:3.12-slim", resources));
        assert_eq!(
            wire(&new),
            json!({"name": "n", "env": {}, "volumes": [], "cpu": 2, "memory": 4,
                "buildInfo": {"dockerfileContent": "FROM python:3.12-slim\n", "contextHashes": []}})
        );
    }

    #[test]
    fn each_secret_is_an_object_of_its_own() {
        let secrets = [("A", "one"), ("B", "two")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let new = NewSandbox { secrets, ..NewSandbox::new("n", Template::Default) };
        assert_eq!(wire(&new)["secrets"], json!([{"A": "one"}, {"B": "two"}]));
    }
}
