//! Removing what serves nobody any more.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::ListContainersOptionsBuilder;
use tracing::{debug, warn};

use super::recipe::{Kind, label};
use super::{Address, Docker, Engine, Wish, client, remove};

impl Docker {
    /// Removes the containers of this home that nobody uses; where this engine does not stay, only those that do not
    /// run: the others are for whoever comes next, and end by themselves. Those of others are not even looked at.
    pub(super) async fn sweep(&self) {
        // Without a folder there is no container, and an engine need not be bothered.
        if self.0.folders.is_empty() {
            return;
        }
        for engine in self.engines() {
            if let Err(error) = self.sweep_one(&engine).await {
                debug!(%error, "unused sandboxes were not looked for");
            }
        }
    }

    /// The engine that was used last, or would be, and those that have containers of this home.
    fn engines(&self) -> Vec<Engine> {
        let known = self.0.engine.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut engines: Vec<_> =
            known.map_or_else(|| self.engine(&Wish::default()), Ok).into_iter().collect();
        for uri in self.0.folders.names().iter().filter_map(|name| self.0.folders.engine(name)) {
            if engines.iter().all(|engine| engine.address.uri != uri) {
                let address = Address { uri, why: "it has a sandbox".to_owned() };
                engines.extend(client::connect(&address).map(|api| Engine { address, api }));
            }
        }
        engines
    }

    async fn sweep_one(&self, engine: &Engine) -> crate::error::Result<()> {
        client::ping(&engine.api, &engine.address).await?;
        let ours = format!("{}={}", label::HOME, self.0.folders.owner()?);
        let filters = HashMap::from([("label".to_owned(), vec![ours])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = engine.api.list_containers(Some(options)).await;
        let found = found.map_err(|failure| client::unreachable(&engine.address, &failure))?;
        let there: Vec<_> = found.into_iter().filter_map(Container::new).collect();
        let is_here = |name: &String| self.0.folders.engine(name).is_none_or(|uri| uri == engine.address.uri);
        let is_gone = |name: &String| there.iter().all(|one| one.name != *name);
        for name in self.0.folders.names().into_iter().filter(|name| is_here(name) && is_gone(name)) {
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
