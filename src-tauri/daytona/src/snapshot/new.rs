//! Making a snapshot, once.

use serde::Serialize;

use super::{Snapshot, Snapshots};
use crate::error::{Error, Result};
use crate::sandbox::{Build, Resources};

/// What a snapshot should be. Change single fields with struct update syntax.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSnapshot {
    /// Its name, unique in the organization: letters, digits and `_.-:/`.
    pub name: String,
    /// The image, with a tag other than `latest`, or a digest; for linux/amd64. Not together with `build`.
    #[serde(rename = "imageName", skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How its image is built, instead of `image`.
    #[serde(rename = "buildInfo", skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// What runs in its sandboxes from the start. Not together with `build`, whose Dockerfile says it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// How large its sandboxes are.
    #[serde(flatten)]
    pub resources: Resources,
    /// The region; else the organization's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// The kind of its sandboxes; `container` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox_class: Option<String>,
}

impl NewSnapshot {
    /// From an image of a registry.
    pub fn image(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self { name: name.into(), image: Some(image.into()), ..Self::default() }
    }

    /// From a Dockerfile that copies no files.
    pub fn dockerfile(name: impl Into<String>, content: impl Into<String>) -> Self {
        Self { name: name.into(), build: Some(Build::dockerfile(content)), ..Self::default() }
    }

    /// Whether `found` is what this describes, as far as it can be seen.
    fn describes(&self, found: &Snapshot) -> bool {
        let built = found.build_info.as_ref().and_then(|info| info.dockerfile_content.as_ref());
        let same = match &self.build {
            Some(build) => built.is_none_or(|content| *content == build.dockerfile_content),
            None => found.image_name == self.image,
        };
        found.name == self.name && !found.general && same
    }
}

impl Snapshots {
    /// Starts making a snapshot; [`Snapshots::wait_active`] waits for it. When no answer comes, it is looked for by its
    /// name before the request is made again.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken, [`Error::Invalid`] for an image without a tag or with `latest`,
    /// [`Error::Quota`].
    pub async fn create(&self, new: &NewSnapshot) -> Result<Snapshot> {
        let http = &self.client.http;
        let mut done = 0;
        loop {
            let call = self.client.base.post(&["snapshots"])?.json(new)?.held();
            let error = match http.json(call).await {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) => error,
            };
            let lost = error.may_have_happened() || (done > 0 && matches!(error, Error::Conflict(_)));
            if !lost {
                return Err(error);
            }
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_snapshot_travels_as_the_server_knows_it() {
        let resources = Resources { cpu: Some(2), memory: Some(4), disk: Some(5), ..Resources::default() };
        let region_id = Some("us".to_owned());
        let new = NewSnapshot { resources, region_id, ..NewSnapshot::image("s", "python:3.12-slim") };
        assert_eq!(
            serde_json::to_value(&new).unwrap(),
            json!({"name": "s", "imageName": "python:3.12-slim", "cpu": 2, "memory": 4, "disk": 5, "regionId": "us"})
        );
        assert_eq!(
            serde_json::to_value(NewSnapshot::dockerfile("s", "FROM x:1")).unwrap(),
            json!({"name": "s", "buildInfo": {"dockerfileContent": "FROM x:1", "contextHashes": []}})
        );
    }
}
