//! Removing what serves nobody any more.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::ListContainersOptionsBuilder;
use tracing::{debug, warn};

use super::recipe::{Kind, label};
use super::{Docker, Wish, client, remove};

impl Docker {
    /// Removes the containers of this home that nobody uses; where this engine does not stay, only those that do not
    /// run: the others are for whoever comes next, and end by themselves. Those of others are not even looked at.
    pub(super) async fn sweep(&self) {
        // Without a folder there is no container, and an engine need not be bothered.
        if self.0.folders.is_empty() {
            return;
        }
        if let Err(error) = self.try_sweep().await {
            debug!(%error, "unused sandboxes were not looked for");
        }
    }

    async fn try_sweep(&self) -> crate::error::Result<()> {
        let known = self.0.engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let engine = match known {
            Some(engine) => engine,
            None => self.engine(&Wish::default())?,
        };
        client::ping(&engine.api, &engine.address).await?;
        let ours = format!("{}={}", label::HOME, self.0.folders.owner()?);
        let filters = HashMap::from([("label".to_owned(), vec![ours])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = engine.api.list_containers(Some(options)).await;
        let found = found.map_err(|failure| client::unreachable(&engine.address, &failure))?;
        let there: Vec<_> = found.into_iter().filter_map(Container::new).collect();
        let gone =
            self.0.folders.names().into_iter().filter(|name| there.iter().all(|one| one.name != *name));
        for name in gone.collect::<Vec<_>>() {
            if let Some(claimed) = self.0.folders.claim(&name) {
                claimed.forget();
            }
        }
        let stays = self.0.stays.load(Ordering::Relaxed);
        for container in there.into_iter().filter(|one| !one.is_kept && (stays || !one.runs)) {
            let Some(claimed) = self.0.folders.claim(&container.name) else { continue };
            remove(&engine.api, &container.name).await;
            claimed.forget();
        }
        Ok(())
    }
}

/// What is to be known of a container of ours.
struct Container {
    name: String,
    is_kept: bool,
    runs: bool,
}

impl Container {
    fn new(found: ContainerSummary) -> Option<Self> {
        let name = found.names?.into_iter().next()?;
        let Some(name) = name.strip_prefix('/').filter(|name| name.starts_with("stigmer-")) else {
            // A label can be copied; the name is a second sign.
            warn!(name, "a container has our label and not our name; it is left alone");
            return None;
        };
        let kind = found.labels.as_ref().and_then(|labels| labels.get(label::KIND));
        Some(Self {
            name: name.to_owned(),
            is_kept: kind.is_some_and(|kind| kind == Kind::Kept.name()),
            runs: found.state == Some(ContainerSummaryStateEnum::RUNNING),
        })
    }
}
