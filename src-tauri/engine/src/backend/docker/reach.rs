//! From a recipe to a container whose runner was heard: the one that is shared, one that is ready, or a new one.

use std::io;
use std::time::Duration;

use bollard::models::{ContainerState, ContainerStateStatusEnum};
use bollard::query_parameters::InspectContainerOptions;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::container::Held;
use super::make::{NewContainer, Room};
use super::recipe::Kind;
use super::{Docker, Engine, Recipe, Reporter, client, pull};
use crate::backend::Launch;
use crate::backend::runner::Greeted;
use crate::error::{Error, Result};
use crate::state::SandboxFacts;

/// Longest time for a runner that listens to say a word.
const GREETING: Duration = Duration::from_secs(5);

/// Longest time for a runner to have room for one more conversation.
const ROOM: Duration = Duration::from_secs(2);

/// Time in which the engine notices that a container ended whose runner fell silent.
const NOTICING: Duration = Duration::from_secs(2);

/// Time between two looks for what nothing tells.
const LOOK: Duration = Duration::from_millis(20);

/// A container whose runner was heard.
pub(super) struct Reached {
    pub held: Held,
    pub runner: Greeted,
    pub reused: bool,
    pub kind: Kind,
    pub engine: Engine,
    /// The processor that its image is for, where that is known.
    pub processor: Option<String>,
}

impl Docker {
    /// Gets a container for a run and reaches its runner.
    pub(super) async fn reach(
        &self,
        launch: &Launch,
        recipe: &Recipe,
        reporter: &Reporter,
    ) -> Result<Reached> {
        let engine = self.engine(&recipe.supply.engine)?;
        if let Some(name) = &recipe.supply.within {
            return self.within(&engine, name, reporter).await;
        }
        if let Some(mount) = recipe.mounts.first().filter(|_| engine.is_far()) {
            return Err(Error::MountUnusable {
                what: format!(
                    "`{}` cannot be shown to a sandbox of {}, which has another disk",
                    mount.source.display(),
                    engine.address.uri
                ),
                hint: "leave out --mount and `sandbox.mounts`; only the workspace is copied there",
            });
        }
        let image = self.image(&engine, recipe, reporter).await?;
        let owner = self.0.folders.owner()?;
        let making = NewContainer {
            docker: self.clone(),
            engine: engine.clone(),
            recipe: recipe.clone(),
            owner,
            image_id: image.id.clone(),
            run: launch.id.to_string(),
            again: false,
        };
        let reached = if recipe.supply.fresh {
            self.fresh(making, reporter).await?
        } else {
            self.shared(making, reporter).await?
        };
        let pull::Image { id, digest, processor } = image;
        let facts = recipe.facts(&id, digest, &engine.address.uri);
        let facts = SandboxFacts {
            container: reached.held.name.clone(),
            copied: engine.is_far(),
            reused: reached.reused,
            ..facts
        };
        reporter.sandbox(facts).await;
        Ok(Reached { processor, ..reached })
    }

    /// One that runs with this recipe share.
    async fn shared(&self, making: NewContainer, reporter: &Reporter) -> Result<Reached> {
        let name = format!("stigmer-{}", making.key());
        let held = self.hold(&name).await?;
        if let Some(runner) = self.knock(&making.engine, &held).await? {
            return Ok(making.reached(held, runner, Kind::Shared, true));
        }
        let folders = self.0.folders.clone();
        let lock = tokio::task::spawn_blocking(move || folders.making(&name));
        let lock = lock.await.unwrap_or(Err(Error::Stopped))?;
        // Another process may have made it meanwhile.
        if let Some(runner) = self.knock(&making.engine, &held).await? {
            return Ok(making.reached(held, runner, Kind::Shared, true));
        }
        let room = making.make_room(&held.name).await?;
        if room == Room::Taken {
            // Others may work there: whatever keeps it from being reached, it is not taken from them.
            tracing::warn!(name = held.name, "a sandbox that runs cannot be reached; the run gets its own");
            return self.fresh(making, reporter).await;
        }
        reporter.step("start a sandbox").await;
        let making = NewContainer { again: room == Room::Stopped, ..making };
        making.make(held, Kind::Shared, Some(lock)).await
    }

    /// One of its own for this run.
    async fn fresh(&self, making: NewContainer, reporter: &Reporter) -> Result<Reached> {
        let supply = &making.recipe.supply;
        let kind = if supply.keep || supply.ttl.is_none() { Kind::Kept } else { Kind::Fresh };
        if kind == Kind::Fresh {
            let key = making.key();
            while let Some(held) = self.0.warm.take(&key) {
                // One that waited too long is gone.
                if let Ok(Some(runner)) = self.knock(&making.engine, &held).await {
                    self.refill(&making);
                    return Ok(making.reached(held, runner, kind, false));
                }
                self.discard(&making.engine, held).await;
            }
            self.refill(&making);
        }
        reporter.step("start a sandbox of its own").await;
        let held = self.hold_new()?;
        making.make(held, kind, None).await
    }

    /// Hears the runner of a container; `None` where nobody listens.
    pub(super) async fn knock(&self, engine: &Engine, held: &Held) -> Result<Option<Greeted>> {
        let until = Instant::now() + ROOM;
        loop {
            let (replies, requests) = match engine.connect(held).await {
                Ok(stream) => stream,
                // It listens, and more wait there than it takes at once.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                    sleep(LOOK).await;
                    continue;
                }
                Err(_) => return Ok(None),
            };
            match timeout(GREETING, Greeted::hear(replies, requests)).await {
                Ok(Ok(greeted)) => {
                    if engine.is_far() && !held.was_heard() {
                        held.note_heard();
                    }
                    return Ok(Some(greeted));
                }
                // It ended just now, which the next try finds out; or it can have no more processes.
                Ok(Err(Error::Connection { source })) if source.kind() != io::ErrorKind::InvalidData => {
                    if Instant::now() >= until {
                        return Err(full(&held.name));
                    }
                    sleep(LOOK).await;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(self.silent(engine, &held.name).await),
            }
        }
    }

    /// Why a runner that listens says nothing.
    async fn silent(&self, engine: &Engine, name: &str) -> Error {
        let found = engine.api.inspect_container(name, None::<InspectContainerOptions>).await;
        let status = found.ok().and_then(|found| found.state?.status);
        if status == Some(ContainerStateStatusEnum::PAUSED) {
            return Error::Conflict {
                what: format!("the sandbox `{name}` is paused"),
                hint: "let it go on with `docker unpause`, or remove it with `stigmer sandbox rm`",
            };
        }
        Error::Conflict {
            what: format!("the sandbox `{name}` gives no answer within {} s", GREETING.as_secs()),
            hint: "see what keeps it busy, remove it with `stigmer sandbox rm`, or use --fresh",
        }
    }

    /// What became of a container whose runner fell silent under a run that began at `since`.
    pub(super) async fn fate(&self, engine: &Engine, held: &Held, since: Timestamp) -> Option<Error> {
        let lost = |why: &str| Some(Error::SandboxLost { why: why.to_owned() });
        let until = Instant::now() + NOTICING;
        loop {
            match engine.api.inspect_container(&held.name, None::<InspectContainerOptions>).await {
                Ok(found) => {
                    let state = found.state.unwrap_or_default();
                    let runs = state.running == Some(true);
                    if state.oom_killed == Some(true) {
                        return lost("it had no memory left");
                    } else if !runs || began_after(&state, since) {
                        return lost("it was stopped or removed");
                    } else if engine.connect(held).await.is_ok() && Instant::now() >= until {
                        return lost("what looked after the run there was killed");
                    } else if Instant::now() >= until {
                        return None;
                    }
                }
                Err(failure) if client::status(&failure) == Some(404) => {
                    return lost("it was stopped or removed, or Docker was restarted");
                }
                Err(failure) if client::is_gone(&failure) => return lost("Docker was stopped"),
                Err(_) => return None,
            }
            // The engine learns of the end of a container a moment after us.
            sleep(LOOK).await;
        }
    }
}

fn full(name: &str) -> Error {
    Error::Conflict {
        what: format!("the sandbox `{name}` has no room for another process"),
        hint: "stop what runs there, raise --pids, or use --fresh for one of its own",
    }
}

/// Whether a container was started again after this moment.
fn began_after(state: &ContainerState, since: Timestamp) -> bool {
    let began = state.started_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
    began.is_some_and(|began| began > since)
}
