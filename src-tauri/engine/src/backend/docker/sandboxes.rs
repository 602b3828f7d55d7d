//! What containers there are, and what is done with them one by one.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};
use jiff::Timestamp;

use super::reach::Reached;
use super::recipe::{Kind, RUNNER, WORKSPACE, label};
use super::{Docker, Engine, Removal, Wish, client, remove};
use crate::backend::Reporter;
use crate::error::{Error, Result};
use crate::sandbox::{Detail, Sandbox};
use crate::state::SandboxFacts;
use crate::workspace::transfer::{Going, Transfer, Transferred};

/// Seconds that a container gets to end itself.
const GRACE: i32 = 5;

impl Docker {
    /// The containers of this home, the newest first; with those of others if they are wanted.
    pub async fn sandboxes(&self, wish: &Wish, with_others: bool) -> Result<Vec<Sandbox>> {
        let engine = self.engine(wish)?;
        let owner = self.0.folders.owner()?;
        let mut filters = HashMap::new();
        if !with_others {
            filters.insert("label".to_owned(), vec![format!("{}={owner}", label::HOME)]);
        }
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = engine.api.list_containers(Some(options)).await;
        let found = found.map_err(|failure| client::unreachable(&engine.address, &failure))?;
        let mut all: Vec<_> = found.into_iter().map(|one| self.summarised(one, &owner)).collect();
        all.sort_by(|one, other| other.created.cmp(&one.created).then_with(|| one.name.cmp(&other.name)));
        Ok(all)
    }

    /// Everything about a container, by name or id.
    pub async fn sandbox_detail(&self, wish: &Wish, name: &str) -> Result<Detail> {
        let sandbox =
            self.sandboxes(wish, true).await?.into_iter().find(|one| one.name == name || one.id == name);
        let sandbox = sandbox.ok_or_else(|| Error::SandboxNotFound { name: name.to_owned() })?;
        let engine = self.engine(wish)?;
        let found = engine.api.inspect_container(&sandbox.id, None::<InspectContainerOptions>).await;
        Ok(detail(sandbox, found.map_err(|failure| not_found(name, &failure, &engine))?))
    }

    /// Starts a container that was stopped and kept, until it takes runs.
    pub async fn start_sandbox(&self, wish: &Wish, name: &str) -> Result<()> {
        let (engine, found) = self.own(wish, name).await?;
        let name = found.name;
        let held = self.hold(&name).await?;
        if engine.connect(&held).await.is_ok() {
            return Ok(());
        }
        // What an earlier first process left there says nothing about the next.
        let _ = std::fs::remove_file(held.socket());
        let started = engine.api.start_container(&name, None::<StartContainerOptions>).await;
        started.map_err(|failure| client::refused("the sandbox could not be started", &name, &failure))?;
        self.await_listening(&engine, &held, &found.image).await
    }

    /// Ends what runs in a container of ours, and the container; one that is not kept is removed with that.
    pub async fn stop_sandbox(&self, wish: &Wish, name: &str) -> Result<()> {
        let (engine, Sandbox { name, .. }) = self.own(wish, name).await?;
        let options = StopContainerOptionsBuilder::new().t(GRACE).build();
        let stopped = engine.api.stop_container(&name, Some(options)).await;
        stopped.map_err(|failure| not_found(&name, &failure, &engine))
    }

    /// Copies between this machine and a container of ours that runs.
    pub async fn transfer(
        &self,
        wish: &Wish,
        name: &str,
        transfer: Transfer,
        going: &Going,
    ) -> Result<Transferred> {
        let engine = self.engine(wish)?;
        let Reached { held, runner, .. } = self.within(&engine, name, &Reporter::silent()).await?;
        let started = runner.start(transfer.request(RUNNER, Path::new(WORKSPACE))).await?;
        let copied = transfer.with(started.execution(), going).await;
        drop(held);
        copied
    }

    /// Removes a container of ours, whatever it does.
    pub async fn remove_sandbox(&self, wish: &Wish, name: &str) -> Result<()> {
        let (engine, Sandbox { name, .. }) = self.own(wish, name).await?;
        if remove(&engine.api, &name).await == Removal::Pending {
            client::ping(&engine.api, &engine.address).await?;
            return Err(Error::SandboxRefused {
                what: format!("the sandbox `{name}` could not be removed"),
                hint: "try again; what the engine says of it: `docker rm --force NAME`",
            });
        }
        let folders = self.0.folders.clone();
        let forget = move || {
            if let Some(claimed) = folders.claim(&name) {
                claimed.forget();
            }
            Ok(())
        };
        crate::run::blocking(forget).await
    }

    /// A container that is there, for one more run.
    pub(super) async fn within(&self, engine: &Engine, name: &str, reporter: &Reporter) -> Result<Reached> {
        let found = self.sandbox_detail_of(engine, name).await?;
        let held = self.hold(&found.sandbox.name).await?;
        let Some(runner) = self.knock(engine, &held).await? else {
            return Err(Error::Conflict {
                what: format!("nothing can be run in the sandbox `{name}`: {}", found.sandbox.status),
                hint: "start it first, or choose one that runs: `stigmer sandbox list`",
            });
        };
        let facts = SandboxFacts {
            image: found.sandbox.image,
            image_id: found.sandbox.image_id,
            container: held.name.clone(),
            engine: engine.address.uri.clone(),
            reused: true,
            user: found.user,
            network: found.sandbox.network,
            cpus: found.cpus,
            memory: found.memory,
            pids: found.pids.unwrap_or_default(),
            ..SandboxFacts::default()
        };
        reporter.sandbox(facts).await;
        let engine = engine.clone();
        Ok(Reached { held, runner, reused: true, kind: Kind::Kept, engine, processor: None })
    }

    async fn sandbox_detail_of(&self, engine: &Engine, name: &str) -> Result<Detail> {
        let found = engine.api.inspect_container(name, None::<InspectContainerOptions>).await;
        let found = found.map_err(|failure| not_found(name, &failure, engine))?;
        let owner = self.0.folders.owner()?;
        let labels = found.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default();
        if labels.get(label::HOME) != Some(&owner) {
            return Err(not_ours(name));
        }
        let state = found.state.as_ref().and_then(|state| state.status).map(|state| state.to_string());
        let summary = ContainerSummary {
            id: found.id.clone(),
            names: found.name.clone().map(|name| vec![name]),
            image: labels.get(label::IMAGE).cloned(),
            image_id: found.image.clone(),
            labels: Some(labels),
            status: state,
            ..ContainerSummary::default()
        };
        Ok(detail(self.summarised(summary, &owner), found))
    }

    async fn own(&self, wish: &Wish, name: &str) -> Result<(Engine, Sandbox)> {
        let engine = self.engine(wish)?;
        let found = self.sandbox_detail_of(&engine, name).await?;
        Ok((engine, found.sandbox))
    }

    fn summarised(&self, found: ContainerSummary, owner: &str) -> Sandbox {
        let labels = found.labels.unwrap_or_default();
        let is_ours = labels.get(label::HOME).is_some_and(|home| home == owner);
        let name = found.names.into_iter().flatten().next().unwrap_or_default();
        let name = name.trim_start_matches('/').to_owned();
        let ours = |label: &str| labels.get(label).filter(|text| is_ours && !text.is_empty()).cloned();
        let mut ports: Vec<_> = found
            .ports
            .into_iter()
            .flatten()
            .filter_map(|port| Some(format!("{}:{}", port.public_port?, port.private_port)))
            .collect();
        ports.sort();
        ports.dedup();
        Sandbox {
            in_use: is_ours && self.0.folders.is_held(&name),
            image: ours(label::IMAGE).or(found.image).unwrap_or_default(),
            kind: ours(label::KIND),
            workspace: ours(label::WORKSPACE),
            made_for: ours(label::RUN),
            is_ours,
            name,
            id: found.id.unwrap_or_default(),
            image_id: found.image_id.unwrap_or_default(),
            state: found.state.map(|state| state.to_string()).unwrap_or_default(),
            status: found.status.unwrap_or_default(),
            created: found.created.and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default(),
            network: found.host_config.and_then(|config| config.network_mode).unwrap_or_default(),
            ports,
        }
    }
}

fn detail(mut sandbox: Sandbox, found: ContainerInspectResponse) -> Detail {
    let config = found.config.unwrap_or_default();
    let host = found.host_config.unwrap_or_default();
    let positive =
        |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).filter(|&n| n > 0);
    let mounts = found.mounts.unwrap_or_default().into_iter().map(|mount| {
        let how = if mount.rw == Some(false) { ":ro" } else { "" };
        let source = mount.source.filter(|source| !source.is_empty()).unwrap_or_else(|| "memory".to_owned());
        format!("{source}:{}{how}", mount.destination.unwrap_or_default())
    });
    if let Some(network) = host.network_mode {
        sandbox.network = network;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of CPUs")]
    let cpus = positive(host.nano_cpus).map(|nano| nano as f64 / 1e9);
    Detail {
        sandbox,
        user: config.user.unwrap_or_default(),
        env: config.env.unwrap_or_default(),
        mounts: mounts.collect(),
        cpus,
        memory: positive(host.memory),
        pids: positive(host.pids_limit),
        read_only: host.readonly_rootfs.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
    }
}

fn not_ours(name: &str) -> Error {
    Error::Conflict {
        what: format!("the container `{name}` was not made here"),
        hint: "use the tool that made it; see yours with `stigmer sandbox list`",
    }
}

fn not_found(name: &str, failure: &bollard::errors::Error, engine: &Engine) -> Error {
    match client::status(failure) {
        Some(404) => Error::SandboxNotFound { name: name.to_owned() },
        Some(_) => client::refused("the engine refuses", name, failure),
        None => client::unreachable(&engine.address, failure),
    }
}
