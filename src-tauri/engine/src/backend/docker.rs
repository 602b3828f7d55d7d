//! Docker, and whatever speaks its language: programs run in containers.
//!
//! A container's first process is our runner, which listens on a socket in a folder that it shares with this machine.
//! Starting a program there is a connection to that socket: no request to the engine, no `exec`. The container ends by
//! itself, by its first process: after its one run if it was made for one, else when it was idle for its time; and the
//! engine removes it then. So nothing of ours must live for that, and nothing is left when nothing of ours does.

mod client;
mod container;
mod credentials;
mod disk;
mod execution;
mod find;
mod images;
mod pull;
mod recipe;
mod sandboxes;
mod sweep;
mod warm;
mod work;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, RemoveContainerOptionsBuilder,
    StartContainerOptions,
};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

pub use self::find::{Address, Wish};
pub use self::recipe::{Recipe, Supply, WORKSPACE};

use self::container::{Folders, Held};
use self::execution::InSandbox;
use self::recipe::{Kind, Making};
use super::runner::{self, RunnerExecution, Started};
use super::{Backend, Execution, Launch, RUN_ID, Reporter};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::spec::{Mode, RunId};
use crate::state::SandboxFacts;

/// Longest time for a container's first process to listen.
const LISTENING: Duration = Duration::from_secs(20);

/// Longest time for a container to end what is left of a run.
const SWEEPING: Duration = Duration::from_secs(5);

/// Time between two tries to reach it. It is there within milliseconds, and nothing tells when.
const KNOCK: Duration = Duration::from_millis(2);

/// Runs programs in containers. Clones are the same.
#[derive(Clone)]
pub struct Docker(Arc<Inner>);

struct Inner {
    home: Home,
    folders: Folders,
    /// The engine that was used last.
    engine: Mutex<Option<Engine>>,
    warm: warm::Warm,
    stays: AtomicBool,
}

/// An engine that answered.
#[derive(Clone)]
pub(super) struct Engine {
    pub address: Address,
    pub api: bollard::Docker,
}

/// A container whose runner was reached.
struct Reached {
    held: Held,
    stream: UnixStream,
    reused: bool,
}

impl Docker {
    /// The containers of this home. Nothing is looked for before it is needed.
    pub fn new(home: Home) -> Self {
        Self(Arc::new(Inner {
            folders: Folders::new(home.clone()),
            home,
            engine: Mutex::default(),
            warm: warm::Warm::default(),
            stays: AtomicBool::new(false),
        }))
    }

    /// Finds the engine that is wished for and connects to it. Whether it answers shows with the first request.
    pub(super) fn engine(&self, wish: &Wish) -> Result<Engine> {
        // Looked for each time, which costs a look at a file or two: the current context may be another by now.
        let address = find::find(wish, &find::Around::own())?;
        let mut known = self.0.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = known.as_ref().filter(|engine| engine.address == address) {
            return Ok(engine.clone());
        }
        let engine = Engine { api: client::connect(&address)?, address };
        *known = Some(engine.clone());
        Ok(engine)
    }

    /// Where the engine is and that it answers.
    pub async fn probe_engine(&self, wish: &Wish) -> Result<Address> {
        let engine = self.engine(wish)?;
        client::ping(&engine.api, &engine.address).await?;
        Ok(engine.address)
    }

    /// Gets a container for a run and reaches its runner.
    async fn reach(&self, launch: &Launch, recipe: &Recipe, reporter: &Reporter) -> Result<Reached> {
        let engine = self.engine(&recipe.supply.engine)?;
        if let Some(name) = &recipe.supply.within {
            return self.within(&engine, name, reporter).await;
        }
        let image = self.image(&engine, recipe, reporter).await?;
        let owner = self.0.folders.owner()?;
        let key = recipe.key(&owner, &image.id);
        let run = launch.id.to_string();
        let making = NewContainer { engine: &engine, recipe, owner: &owner, image_id: &image.id, run: &run };
        let reached = if recipe.supply.fresh {
            self.fresh(&making, &key, reporter).await?
        } else {
            self.shared(&making, &key, reporter).await?
        };
        let facts = recipe.facts(&image.id, image.digest, &engine.address.uri);
        let facts = SandboxFacts { container: reached.held.name.clone(), reused: reached.reused, ..facts };
        reporter.sandbox(facts).await;
        Ok(reached)
    }

    /// One that runs with this recipe share.
    async fn shared(&self, making: &NewContainer<'_>, key: &str, reporter: &Reporter) -> Result<Reached> {
        let (folders, name) = (self.0.folders.clone(), format!("stigmer-{key}"));
        let held = tokio::task::spawn_blocking({
            let name = name.clone();
            move || folders.hold(&name)
        });
        let held = held.await.unwrap_or(Err(Error::Stopped))?;
        if let Ok(stream) = held.connect().await {
            return Ok(Reached { held, stream, reused: true });
        }
        let folders = self.0.folders.clone();
        let lock = tokio::task::spawn_blocking(move || folders.making(&name));
        let _making = lock.await.unwrap_or(Err(Error::Stopped))?;
        // Another process may have made it meanwhile.
        if let Ok(stream) = held.connect().await {
            return Ok(Reached { held, stream, reused: true });
        }
        reporter.step("start a sandbox").await;
        let stream = making.make(&held, Kind::Shared).await?;
        Ok(Reached { held, stream, reused: false })
    }

    /// One of its own for this run.
    async fn fresh(&self, making: &NewContainer<'_>, key: &str, reporter: &Reporter) -> Result<Reached> {
        let kind = if making.recipe.supply.keep { Kind::Kept } else { Kind::Fresh };
        if kind == Kind::Fresh {
            while let Some(held) = self.0.warm.take(key) {
                // One that waited too long is gone.
                if let Ok(stream) = held.connect().await {
                    self.refill(making, key);
                    return Ok(Reached { held, stream, reused: false });
                }
            }
            self.refill(making, key);
        }
        reporter.step("start a sandbox of its own").await;
        let held = self.hold_new()?;
        let stream = making.make(&held, kind).await?;
        Ok(Reached { held, stream, reused: false })
    }

    fn hold_new(&self) -> Result<Held> {
        self.0.folders.hold(&format!("stigmer-{}", &uuid::Uuid::new_v4().simple().to_string()[..16]))
    }

    /// What became of a container whose runner fell silent; `None` where it is still there.
    async fn fate(&self, name: &str) -> Option<Error> {
        let engine = self.0.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let lost = |why: &str| Some(Error::SandboxLost { why: why.to_owned() });
        match engine.api.inspect_container(name, None::<InspectContainerOptions>).await {
            Ok(found) => {
                let state = found.state.unwrap_or_default();
                match (state.running, state.oom_killed) {
                    (_, Some(true)) => lost("it had no memory left"),
                    (Some(true), _) => None,
                    _ => lost("it was stopped"),
                }
            }
            Err(failure) if client::status(&failure) == Some(404) => {
                lost("it was stopped or removed, or Docker was restarted")
            }
            Err(failure) if client::is_gone(&failure) => lost("Docker was stopped"),
            Err(_) => None,
        }
    }
}

/// A container to be made.
#[derive(Clone, Copy)]
struct NewContainer<'a> {
    engine: &'a Engine,
    recipe: &'a Recipe,
    owner: &'a str,
    image_id: &'a str,
    run: &'a str,
}

impl NewContainer<'_> {
    /// Makes and starts it, and reaches its runner. What is left of one of the same name is removed before, and
    /// what is left of this one when it fails.
    async fn make(&self, held: &Held, kind: Kind) -> Result<UnixStream> {
        let made = async {
            self.start(held, kind).await?;
            self.await_runner(held, || held.connect()).await
        };
        self.or_remove(held, made.await).await
    }

    /// The same without a word to its runner, so that its first conversation is still to come.
    async fn make_ready(&self, held: &Held) -> Result<()> {
        let made = async {
            self.start(held, Kind::Fresh).await?;
            self.await_runner(held, || std::future::ready(std::fs::metadata(held.socket()).map(drop))).await
        };
        self.or_remove(held, made.await).await
    }

    async fn or_remove<T>(&self, held: &Held, made: Result<T>) -> Result<T> {
        if made.is_err() {
            remove(&self.engine.api, &held.name).await;
        }
        made
    }

    async fn start(&self, held: &Held, kind: Kind) -> Result<()> {
        let api = &self.engine.api;
        if !self.engine.address.is_local() {
            return Err(Error::BackendUnavailable {
                backend: "Docker",
                why: format!("{} has another disk than this machine", self.engine.address.uri),
                hint: "this version needs an engine on this machine; choose it with `sandbox.docker_host`",
            });
        }
        held.prepare()?;
        let (runner, shared) = (runner_program()?, held.shared());
        let making = Making {
            home: self.owner,
            kind,
            run: self.run,
            image_id: self.image_id,
            shared: Some(&shared),
            runner: &runner,
        };
        let body = self.recipe.container(&making);
        let image = &self.recipe.image;
        let named = || CreateContainerOptionsBuilder::new().name(&held.name).build();
        let mut created = api.create_container(Some(named()), body.clone()).await;
        if created.as_ref().is_err_and(|failure| client::status(failure) == Some(409)) {
            // Ours, stopped, and nobody reached it: whoever made it did not come to its end.
            remove(api, &held.name).await;
            created = api.create_container(Some(named()), body).await;
        }
        let created =
            created.map_err(|failure| client::refused("a sandbox could not be made", image, &failure))?;
        let started = api.start_container(&created.id, None::<StartContainerOptions>).await;
        started.map_err(|failure| client::refused("a sandbox could not be started", image, &failure))?;
        Ok(())
    }

    async fn await_runner<T, F>(&self, held: &Held, knock: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = std::io::Result<T>>,
    {
        let until = Instant::now() + LISTENING;
        let mut look = Instant::now() + Duration::from_millis(200);
        loop {
            let error = match knock().await {
                Ok(reached) => return Ok(reached),
                Err(error) => error,
            };
            let now = Instant::now();
            if now >= look {
                look = now + Duration::from_millis(500);
                let found =
                    self.engine.api.inspect_container(&held.name, None::<InspectContainerOptions>).await;
                let runs =
                    found.is_ok_and(|found| found.state.is_some_and(|state| state.running == Some(true)));
                if !runs || now >= until {
                    return Err(Error::SandboxRefused {
                        what: format!(
                            "the sandbox of `{}` {}: {error}",
                            self.recipe.image,
                            if runs { "cannot be reached" } else { "ended at once" }
                        ),
                        hint: "see that the image is for this machine's processor; `stigmer doctor` runs a sandbox",
                    });
                }
            }
            sleep(KNOCK).await;
        }
    }
}

/// Removes a container, whatever it does. That it is gone already is as good.
async fn remove(api: &bollard::Docker, name: &str) {
    let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match api.remove_container(name, Some(force)).await {
        Ok(()) => {}
        Err(failure) if matches!(client::status(&failure), Some(404 | 409)) => {}
        Err(failure) => tracing::warn!(%failure, name, "a container could not be removed"),
    }
}

/// The runner for containers: without shared libraries, since an image has others or none.
fn runner_program() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("STIGMER_SANDBOX_RUNNER").filter(|given| !given.is_empty()) {
        return Ok(given.into());
    }
    let name = format!("stigmer-runner-linux-{}", std::env::consts::ARCH);
    let found = super::beside(&name).or_else(|| super::beside("stigmer-runner"));
    let found = found.and_then(|path| path.canonicalize().ok());
    found.ok_or_else(|| Error::BackendUnavailable {
        backend: "Docker",
        why: format!("`{name}` is not beside this program"),
        hint: "install Stigmer again, or set STIGMER_SANDBOX_RUNNER to the program",
    })
}

#[async_trait]
impl Backend for Docker {
    fn mode(&self) -> Mode {
        Mode::Sandbox
    }

    async fn probe(&self) -> Result<()> {
        self.probe_engine(&Wish::default()).await.map(drop)
    }

    async fn start(&self, launch: Launch, reporter: &Reporter) -> Result<Box<dyn Execution>> {
        let recipe = launch.recipe.as_deref().ok_or_else(|| Error::InvalidSpec {
            what: "the run does not say what its sandbox is made of".to_owned(),
            hint: "name an image with --image",
        })?;
        if let Some(task) = launch.task {
            return self.operation(task, recipe, launch.id.to_string(), reporter);
        }
        let Reached { held, stream, .. } = self.reach(&launch, recipe, reporter).await?;
        let (replies, requests) = stream.into_split();
        let started = RunnerExecution::start(Box::new(replies), Box::new(requests), launch.request()).await;
        match started {
            Ok(Started::Running(inner)) => Ok(Box::new(InSandbox { inner, docker: self.clone(), held })),
            Ok(Started::Refused(refusal, message)) => Err(launch.refused(refusal, message)),
            Err(error) => Err(self.fate(&held.name).await.unwrap_or(error)),
        }
    }

    async fn cleanup(&self, id: RunId) -> Result<()> {
        // In which container it was is not written down: an engine that died could not have told. They are few, and
        // one that has nothing of the run says so within a millisecond.
        let variable = format!("{RUN_ID}={id}");
        for name in self.0.folders.names() {
            let held = self.0.folders.hold(&name)?;
            let Ok(stream) = held.connect().await else { continue };
            let (replies, requests) = stream.into_split();
            let swept = runner::sweep(Box::new(replies), Box::new(requests), &variable);
            match tokio::time::timeout(SWEEPING, swept).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, name, "a container ended while it was swept"),
                Err(_) => tracing::warn!(name, "a container was not swept in time"),
            }
        }
        Ok(())
    }

    async fn reattach(&self, _: RunId) -> Result<Option<Box<dyn Execution>>> {
        // A run ends with its connection, as a local one ends with the engine that started it.
        Ok(None)
    }

    async fn stay(&self) {
        self.0.stays.store(true, Ordering::Relaxed);
        self.sweep().await;
    }

    async fn leave(&self) {
        self.0.warm.close();
        let was_used = self.0.engine.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if was_used || self.0.stays.load(Ordering::Relaxed) {
            self.sweep().await;
        }
    }
}
