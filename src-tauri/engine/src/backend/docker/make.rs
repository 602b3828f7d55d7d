//! Making a container: created, started, its runner heard; or nothing is left of it.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use bollard::body_full;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, StartContainerOptions,
    UploadToContainerOptionsBuilder,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::container::Held;
use super::reach::Reached;
use super::recipe::{Kind, Making, OURS};
use super::{Docker, Engine, Recipe, Removal, WORKSPACE, client, remove, way};
use crate::backend::runner::Greeted;
use crate::backend::static_runner;
use crate::error::{Error, Result};

/// Longest time for a container's first process to listen.
const LISTENING: Duration = Duration::from_secs(20);

/// Time between two tries to reach it. It is there within milliseconds, and nothing tells when.
const KNOCK: Duration = Duration::from_millis(2);

/// Time after which the socket of a container that runs is thought to be of no use.
const OF_NO_USE: Duration = Duration::from_secs(2);

/// Time in which a container goes whose first process ended.
const GOING: Duration = Duration::from_secs(2);

/// A container to be made.
#[derive(Clone)]
pub(super) struct NewContainer {
    pub docker: Docker,
    pub engine: Engine,
    pub recipe: Recipe,
    pub owner: String,
    pub image_id: String,
    pub run: String,
    /// It is there, stopped, and is started again.
    pub again: bool,
}

/// What stands in the way of a new container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Nothing.
    Free,
    /// One that was stopped and is kept with what is in it.
    Stopped,
    /// One that runs.
    Taken,
}

impl NewContainer {
    /// Names the recipe with this image: equal for equal ones.
    pub(super) fn key(&self) -> String {
        self.recipe.key(&self.owner, &self.image_id)
    }

    pub(super) fn reached(&self, held: Held, runner: Greeted, kind: Kind, reused: bool) -> Reached {
        Reached { held, runner, reused, kind, engine: self.engine.clone(), processor: None }
    }

    /// Makes and starts it, and hears its runner. Whoever gives up waiting for it leaves none behind but one that others
    /// may share: the engine does what it was asked for also when nobody waits, so that must be seen through.
    ///
    /// `lock` keeps others from making the same.
    pub(super) async fn make(self, held: Held, kind: Kind, lock: Option<File>) -> Result<Reached> {
        let (to, made) = oneshot::channel();
        let docker = self.docker.clone();
        docker.0.tasks.spawn(async move {
            let _lock = lock;
            let runner = match self.try_make(&held, kind).await {
                Ok(runner) => runner,
                Err(error) => {
                    if !self.again {
                        self.docker.discard(&self.engine, held).await;
                    }
                    // Nobody may be there to hear it.
                    let _ = to.send(Err(error));
                    return;
                }
            };
            if let Err(Ok(unwanted)) = to.send(Ok(self.reached(held, runner, kind, false)))
                && kind != Kind::Shared
            {
                self.docker.discard(&self.engine, unwanted.held).await;
            }
        });
        made.await.unwrap_or(Err(Error::Stopped))
    }

    async fn try_make(&self, held: &Held, kind: Kind) -> Result<Greeted> {
        self.start(held, kind).await?;
        let knock = || async {
            let heard = self.docker.knock(&self.engine, held).await;
            heard
                .transpose()
                .unwrap_or_else(|| Err(Error::Connection { source: ErrorKind::NotConnected.into() }))
        };
        await_runner(&self.engine, held, &self.recipe.image, knock).await
    }

    /// The same without a word to its runner, so that its first conversation is still to come.
    pub(super) async fn make_ready(&self) -> Result<Held> {
        let held = self.docker.hold_new()?;
        let made = async {
            self.start(&held, Kind::Fresh).await?;
            self.docker.await_listening(&self.engine, &held, &self.recipe.image).await
        };
        match made.await {
            Ok(()) => Ok(held),
            Err(error) => {
                self.docker.discard(&self.engine, held).await;
                Err(error)
            }
        }
    }

    /// Sees to it that nothing has this name that cannot be reached, as far as nobody loses by it.
    pub(super) async fn make_room(&self, name: &str) -> Result<Room> {
        let until = Instant::now() + GOING;
        loop {
            let found = self.engine.api.inspect_container(name, None::<InspectContainerOptions>).await;
            let state = match found {
                Ok(found) => found.state.unwrap_or_default(),
                Err(failure) if client::status(&failure) == Some(404) => return Ok(Room::Free),
                Err(failure) => return Err(client::unreachable(&self.engine.address, &failure)),
            };
            let runs = state.running == Some(true);
            if !runs && self.recipe.supply.ttl.is_none() {
                return Ok(Room::Stopped);
            }
            if !runs {
                // It may be on its way out.
                remove(&self.engine.api, name).await;
            } else if Instant::now() >= until {
                return Ok(Room::Taken);
            }
            sleep(KNOCK * 5).await;
        }
    }

    async fn start(&self, held: &Held, kind: Kind) -> Result<()> {
        let api = &self.engine.api;
        if self.again {
            return self.launch(held).await;
        }
        held.prepare(&self.engine.address, !self.recipe.is_for_own_user())?;
        if held.is_joined(&self.engine.address) {
            held.note_heard();
        }
        let (runner, shared) = (static_runner("Docker")?, held.shared());
        let making = Making {
            home: &self.owner,
            kind,
            run: &self.run,
            image_id: &self.image_id,
            shared: (!self.engine.is_far()).then_some(&*shared),
            runner: &runner,
        };
        let body = self.recipe.container(&making);
        let named = CreateContainerOptionsBuilder::new().name(&held.name).build();
        let created = api.create_container(Some(named), body).await;
        created.map_err(|failure| {
            client::refused("a sandbox could not be made", &self.recipe.image, &failure)
        })?;
        if !self.engine.is_far() {
            return self.launch(held).await;
        }
        self.send_runner(held, &runner).await?;
        self.launch(held).await?;
        // A new volume is root's.
        self.engine.open_folder(&held.name, WORKSPACE).await
    }

    /// Puts the runner into a container that has another disk.
    async fn send_runner(&self, held: &Held, runner: &Path) -> Result<()> {
        let program = runner.to_owned();
        let read = move || std::fs::read(&program).and_then(|runner| way::ours(&runner));
        let archive = crate::run::blocking(move || Ok(read())).await?;
        let archive = archive.map_err(|source| Error::File { path: runner.to_owned(), source })?;
        let options = UploadToContainerOptionsBuilder::new().path(OURS).build();
        let sent = self.engine.api.upload_to_container(&held.name, Some(options), body_full(archive)).await;
        sent.map_err(|failure| {
            client::refused("a sandbox could not be made ready", &self.recipe.image, &failure)
        })
    }

    async fn launch(&self, held: &Held) -> Result<()> {
        let started = self.engine.api.start_container(&held.name, None::<StartContainerOptions>).await;
        started.map_err(|failure| {
            client::refused("a sandbox could not be started", &self.recipe.image, &failure)
        })
    }
}

impl Docker {
    /// Waits until the first process of a container listens, without a word to it where that can be.
    pub(super) async fn await_listening(&self, engine: &Engine, held: &Held, image: &str) -> Result<()> {
        if !engine.is_far() && !held.was_heard() {
            return await_socket(engine, held, image).await;
        }
        let knock = || async {
            let heard = self.knock(engine, held).await?;
            heard.map(drop).ok_or_else(|| Error::Connection { source: ErrorKind::NotConnected.into() })
        };
        await_runner(engine, held, image, knock).await
    }

    /// Removes a container that nobody needs, and its folder unless somebody else has it. A folder without a container
    /// does no harm; a container without one would not be looked for.
    pub(super) async fn discard(&self, engine: &Engine, held: Held) {
        match remove(&engine.api, &held.name).await {
            Removal::Done => {}
            Removal::Unknown if !self.0.folders.is_coming(&held.name) => {}
            Removal::Unknown | Removal::Pending => return,
        }
        let (folders, name) = (self.0.folders.clone(), held.name.clone());
        drop(held);
        let forget = move || {
            if let Some(claimed) = folders.claim(&name) {
                claimed.forget();
            }
        };
        // Only a runtime that ends does not do it; the next sweep does then.
        let _ = tokio::task::spawn_blocking(forget).await;
    }
}

/// Waits until the first process of a container listens at a socket that this machine sees.
async fn await_socket(engine: &Engine, held: &Held, image: &str) -> Result<()> {
    let look = || match std::fs::metadata(held.socket()) {
        // The last that it does before it waits for somebody to come; see `serve` of the runner.
        Ok(socket) if socket.permissions().mode() & 0o777 == 0o666 => Ok(()),
        Ok(_) => Err(Error::Connection { source: ErrorKind::NotConnected.into() }),
        Err(source) => Err(Error::Connection { source }),
    };
    await_runner(engine, held, image, || std::future::ready(look())).await
}

/// Knocks until somebody answers, as long as the container runs.
async fn await_runner<T, F>(engine: &Engine, held: &Held, image: &str, knock: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let until = Instant::now() + LISTENING;
    let mut look = Instant::now() + Duration::from_millis(200);
    loop {
        let error = match knock().await {
            Err(Error::Connection { source }) => source,
            other => return other,
        };
        let now = Instant::now();
        if now >= look {
            look = now + Duration::from_millis(500);
            let found = engine.api.inspect_container(&held.name, None::<InspectContainerOptions>).await;
            let runs = found.is_ok_and(|found| found.state.is_some_and(|state| state.running == Some(true)));
            // Where the socket is of no use, as in a virtual machine, the engine joins us.
            if runs && now >= until - LISTENING + OF_NO_USE && !held.was_heard() {
                held.note_joined(&engine.address);
            }
            if !runs || now >= until {
                return Err(Error::SandboxRefused {
                    what: format!(
                        "the sandbox of `{}` {}: {error}",
                        image,
                        if runs { "cannot be reached" } else { "ended at once" }
                    ),
                    hint: "see whether the image is for this machine's processor; `stigmer doctor` runs a sandbox",
                });
            }
        }
        sleep(KNOCK).await;
    }
}
