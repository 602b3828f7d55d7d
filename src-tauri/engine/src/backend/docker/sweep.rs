//! Removing what serves nobody any more.

use std::collections::HashMap;
use std::iter;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::ListContainersOptionsBuilder;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::recipe::{Kind, label};
use super::{Docker, Engine, Removal, Wish, client, remove};

/// Times before the first looks, and between all others.
const FIRST_LOOKS: [Duration; 2] = [Duration::from_secs(2), Duration::from_mins(1)];
const LOOK: Duration = Duration::from_mins(10);

impl Docker {
    /// Looks again as long as this engine stays. What a program had asked the engine for before it was killed may come
    /// into being after the first look.
    pub(super) fn keep_sweeping(&self) {
        let (inner, leaving) = (Arc::downgrade(&self.0), self.0.leaving.clone());
        self.0.tasks.spawn(async move {
            for pause in FIRST_LOOKS.into_iter().chain(iter::repeat(LOOK)) {
                tokio::select! {
                    () = leaving.cancelled() => return,
                    () = sleep(pause) => {}
                }
                let Some(inner) = inner.upgrade() else { return };
                Self(inner).sweep(Sweep::Stopped).await;
            }
        });
    }

    /// Removes containers of this home that nobody uses. Those of others are not even looked at.
    pub(super) async fn sweep(&self, what: Sweep) {
        // Without a folder there is no container, and an engine need not be bothered.
        if self.0.folders.is_empty() {
            return;
        }
        for engine in self.engines() {
            if let Err(error) = self.sweep_one(&engine, what).await {
                debug!(%error, "unused sandboxes were not looked for");
            }
        }
    }

    /// The engine that was used last, or would be, and those that have containers of this home.
    fn engines(&self) -> Vec<Engine> {
        let known = self.0.engine.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut engines: Vec<_> =
            known.map_or_else(|| self.engine(&Wish::default()), Ok).into_iter().collect();
        for address in self.0.folders.names().iter().filter_map(|name| self.0.folders.engine(name)) {
            if engines.iter().all(|engine| engine.address.uri != address.uri) {
                engines.extend(client::connect(&address).map(|api| Engine { address, api }));
            }
        }
        engines
    }

    async fn sweep_one(&self, engine: &Engine, what: Sweep) -> crate::error::Result<()> {
        client::ping(&engine.api, &engine.address).await?;
        let ours = format!("{}={}", label::HOME, self.0.folders.owner()?);
        let filters = HashMap::from([("label".to_owned(), vec![ours])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = engine.api.list_containers(Some(options)).await;
        let found = found.map_err(|failure| client::unreachable(&engine.address, &failure))?;
        let there: Vec<_> = found.into_iter().filter_map(Container::new).collect();
        let is_here =
            |name: &String| self.0.folders.engine(name).is_none_or(|its| its.uri == engine.address.uri);
        let is_gone =
            |name: &String| there.iter().all(|one| one.name != *name) && !self.0.folders.is_coming(name);
        for name in self.0.folders.names().into_iter().filter(|name| is_here(name) && is_gone(name)) {
            if let Some(claimed) = self.0.folders.claim(&name) {
                claimed.forget();
            }
        }
        let is_swept = |one: &Container| {
            let is_needed = one.is_kept || one.runs && self.0.folders.is_keeper(&one.name);
            !is_needed && (what == Sweep::Unused || one.is_fresh || !one.runs)
        };
        for container in there.into_iter().filter(is_swept) {
            let Some(claimed) = self.0.folders.claim(&container.name) else { continue };
            if remove(&engine.api, &container.name).await == Removal::Done {
                claimed.forget();
            }
        }
        Ok(())
    }
}

/// What a sweep removes of what nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweep {
    /// Everything.
    Unused,
    /// What does not run or was made for one run: the others are for whoever comes next, and end by themselves.
    Stopped,
}

/// What is to be known of a container of ours.
struct Container {
    name: String,
    is_kept: bool,
    is_fresh: bool,
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
            is_fresh: kind.is_some_and(|kind| kind == Kind::Fresh.name()),
            runs: found.state == Some(ContainerSummaryStateEnum::RUNNING),
        })
    }
}
