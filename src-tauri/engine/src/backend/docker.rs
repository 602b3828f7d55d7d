//! Docker, and whatever speaks its language: programs run in containers.
//!
//! A container's first process is our runner, which listens on a socket in a folder that it shares with this machine.
//! Starting a program there is a connection to that socket: no request to the engine, no `exec`. The container ends by
//! itself, by its first process: after its one run if it was made for one, else when it was idle for its time; and the
//! engine removes it then. So nothing of ours must live for that, and nothing is left when nothing of ours does.

mod about;
mod client;
mod container;
mod copy;
mod credentials;
mod disk;
mod execution;
mod find;
mod images;
mod make;
mod pull;
mod reach;
mod recipe;
mod sandboxes;
mod sweep;
mod warm;
mod way;
mod work;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use jiff::Timestamp;
use serde_bytes::ByteBuf;
use stigmer_runner::Keep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::about::About;
pub use self::find::{Address, Wish};
pub use self::recipe::{Recipe, Supply, WORKSPACE};

use self::container::{Folders, Held, Kept};
use self::copy::Far;
use self::execution::InSandbox;
use self::reach::Reached;
use self::recipe::{Kind, SHARED};
use self::sweep::Sweep;
use super::runner::{self, Greeted, Keeping, Started};
use super::{Back, Backend, Cleaned, Execution, Launch, RUN_ID, Reporter, SESSIONS};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::spec::{Mode, RunId};
use crate::workspace::sync::{Copy, Watches};
use crate::workspace::upload::Mark;

/// Longest time for a container to end what is left of a run.
const SWEEPING: Duration = Duration::from_secs(5);

/// Longest time for what is under way in the background when an engine goes.
const LEAVING: Duration = Duration::from_secs(10);

/// Longest time for a run to be found again.
const RESUMING: Duration = Duration::from_secs(5);

/// Bytes of output that a run keeps until they are in its log, where it may be found again.
const SPOOL: u32 = 1 << 20;

/// Time that a run goes on without any engine, in milliseconds: for one that crashed to come again.
const LINGER_MS: u32 = 60_000;

/// The socket of a run that may be found again, in the folder that is shared with its container.
fn door(id: RunId) -> String {
    format!("run-{id}")
}

/// Names a home in the labels of its sandboxes, here and in the cloud.
pub(super) fn owner(home: &Home) -> Result<String> {
    Folders::new(home.clone()).owner()
}

/// Runs programs in containers. Clones are the same.
#[derive(Clone)]
pub struct Docker(Arc<Inner>);

struct Inner {
    home: Home,
    folders: Folders,
    /// The engine that was used last.
    engine: Mutex<Option<Engine>>,
    warm: warm::Warm,
    watches: Watches,
    stays: AtomicBool,
    /// What is seen through though nobody waits for it.
    tasks: TaskTracker,
    leaving: CancellationToken,
}

/// An engine that answered.
#[derive(Clone)]
pub(super) struct Engine {
    pub address: Address,
    pub api: bollard::Docker,
}

impl Docker {
    /// The containers of this home. Nothing is looked for before it is needed.
    pub fn new(home: Home) -> Self {
        Self::watching(home, Watches::default())
    }

    /// The same for an engine that watches workspaces once it stays.
    pub(crate) fn watching(home: Home, watches: Watches) -> Self {
        Self(Arc::new(Inner {
            folders: Folders::new(home.clone()),
            home,
            engine: Mutex::default(),
            warm: warm::Warm::default(),
            watches,
            stays: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            leaving: CancellationToken::new(),
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

    /// Copies the workspace into a container on another disk. Returns what brings it back.
    async fn copied(
        &self,
        engine: &Engine,
        held: &Held,
        recipe: &Recipe,
        reporter: &Reporter,
    ) -> Result<Option<Back>> {
        // What is named need not have a copy of this workspace.
        if !engine.is_far() || recipe.supply.within.is_some() {
            return Ok(None);
        }
        let (workspace, home) = (recipe.workspace.clone(), self.0.home.root().to_owned());
        let mark = Some(Mark::of_engine(&self.0.home, &workspace, &engine.address.uri));
        let copy = Copy { workspace, home, folder: held.copy(), mark, watches: self.watches() };
        let far = Far { engine: engine.clone(), name: held.name.clone() };
        copy.bring_there(&far, reporter).await?;
        Ok(Some(Back::new(copy, Arc::new(far), reporter.clone())))
    }

    /// Who watches workspaces, if this engine stays.
    fn watches(&self) -> Option<Watches> {
        self.0.stays.load(Ordering::Relaxed).then(|| self.0.watches.clone())
    }

    /// The engine that has a container.
    fn engine_of(&self, name: &str) -> Result<Engine> {
        let known = self.0.engine.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (known, self.0.folders.engine(name)) {
            (Some(known), Some(address)) if known.address.uri == address.uri => Ok(known),
            (_, Some(address)) => Ok(Engine { api: client::connect(&address)?, address }),
            (Some(known), None) => Ok(known),
            (None, None) => Err(Error::SandboxNotFound { name: name.to_owned() }),
        }
    }

    /// Holds a container, which need not be there yet.
    async fn hold(&self, name: &str) -> Result<Held> {
        let (folders, name) = (self.0.folders.clone(), name.to_owned());
        crate::run::blocking(move || folders.hold(&name)).await
    }

    fn hold_new(&self) -> Result<Held> {
        self.0.folders.hold(&format!("stigmer-{}", &uuid::Uuid::new_v4().simple().to_string()[..16]))
    }

    /// A container that served its one run goes, and its folder. Where this engine does not stay, it goes by itself, and
    /// whoever looks next removes the folder.
    fn forget_when_over(&self, engine: Engine, held: Held) {
        if self.0.stays.load(Ordering::Relaxed) || engine.is_far() {
            let docker = self.clone();
            self.0.tasks.spawn(async move { docker.discard(&engine, held).await });
        }
    }
}

/// What came of removing a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    Done,
    /// The engine knows none of this name. It may list one all the same that it is just making.
    Unknown,
    /// Somebody else does it, or it cannot be done now.
    Pending,
}

/// Removes a container, whatever it does.
async fn remove(api: &bollard::Docker, name: &str) -> Removal {
    let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match api.remove_container(name, Some(force)).await {
        Ok(()) => Removal::Done,
        Err(failure) if client::status(&failure) == Some(404) => Removal::Unknown,
        Err(failure) if client::status(&failure) == Some(409) => Removal::Pending,
        Err(failure) => {
            tracing::warn!(%failure, name, "a container could not be removed");
            Removal::Pending
        }
    }
}

/// Says of a program that cannot be executed that its image is for another processor, if that is so.
fn for_another(processor: Option<&str>, error: Error) -> Error {
    let own = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        own => own,
    };
    match (error, processor) {
        (Error::ProgramNotExecutable { program, source }, Some(other)) if other != own => {
            let why = format!("the image is for the processor {other}, this machine has {own}: {source}");
            Error::ProgramNotExecutable { program, source: io::Error::other(why) }
        }
        (error, _) => error,
    }
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
        let Some(super::Recipe::Sandbox(recipe)) = launch.recipe.as_deref() else {
            return Err(Error::InvalidSpec {
                what: "the run does not say what its sandbox is made of".to_owned(),
                hint: "name an image with --image",
            });
        };
        if let Some(task) = launch.task {
            return self.operation(task, recipe, launch.id.to_string(), reporter);
        }
        let Reached { held, runner, kind, engine, processor, .. } =
            self.reach(&launch, recipe, reporter).await?;
        let copy = match self.copied(&engine, &held, recipe, reporter).await {
            Ok(copy) => copy,
            Err(error) => {
                if kind == Kind::Fresh {
                    self.forget_when_over(engine, held);
                }
                return Err(error);
            }
        };
        // Only an engine that stays, or comes again, finds it.
        let kept = (launch.may_be_kept && self.0.stays.load(Ordering::Relaxed)).then_some(launch.id);
        let mut start = launch.request();
        start.interpreter = launch.interpreter(SESSIONS);
        if let Some(id) = kept {
            let copied = copy.as_ref().map(|_| recipe.workspace.clone());
            held.keep(id, &Kept { is_fresh: kind == Kind::Fresh, copied });
            let socket = ByteBuf::from(format!("{SHARED}/{}", door(id)));
            (start.spool, start.keep) = (SPOOL, Some(Keep { socket, linger_ms: LINGER_MS, silence_ms: 0 }));
        }
        match runner.start(start).await {
            Ok(Started::Running(inner)) => {
                launch.tell(&inner, reporter).await;
                let (docker, held) = (self.clone(), Some(held));
                Ok(Box::new(InSandbox { inner, docker, engine, kind, held, kept, copy }))
            }
            Ok(Started::Refused(refusal, message)) => {
                held.let_go(launch.id);
                if kind == Kind::Fresh {
                    self.forget_when_over(engine, held);
                }
                Err(for_another(processor.as_deref(), launch.refused(refusal, message)))
            }
            Err(error) => Err(self.fate(&engine, &held, Timestamp::now()).await.unwrap_or(error)),
        }
    }

    async fn cleanup(&self, id: RunId) -> Result<Cleaned> {
        // In which container it was is not written down: an engine that died could not have told. They are few, and
        // one that has nothing of the run says so within a millisecond.
        let variable = format!("{RUN_ID}={id}");
        for name in self.0.folders.names() {
            let held = self.hold(&name).await?;
            let Ok(engine) = self.engine_of(&name) else { continue };
            let swept = async {
                match engine.connect(&held).await {
                    Ok((replies, requests)) => runner::sweep(replies, requests, &variable).await,
                    // Where nobody listens nothing runs.
                    Err(_) => Ok(()),
                }
            };
            match timeout(SWEEPING, swept).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, name, "a container ended while it was swept"),
                Err(_) => tracing::warn!(name, "a container was not swept in time"),
            }
        }
        Ok(Cleaned::Done)
    }

    async fn awaits(&self, id: RunId) -> bool {
        let Some(name) = self.0.folders.keeper(id) else { return false };
        let (Ok(held), Ok(engine)) = (self.hold(&name).await, self.engine_of(&name)) else { return false };
        if !engine.is_far() && !held.was_heard() {
            return held.shared().join(door(id)).symlink_metadata().is_ok();
        }
        timeout(RESUMING, engine.connect_to(&held, &door(id))).await.is_ok_and(|connected| connected.is_ok())
    }

    async fn reattach(&self, id: RunId, offset: u64) -> Result<Option<Box<dyn Execution>>> {
        let Some(name) = self.0.folders.keeper(id) else { return Ok(None) };
        let held = self.hold(&name).await?;
        let engine = self.engine_of(&name)?;
        let Some(note) = held.kept(id) else { return Ok(None) };
        let resumed = async {
            let connected = engine.connect_to(&held, &door(id)).await;
            let (replies, requests) = connected.map_err(|source| Error::Connection { source })?;
            Greeted::hear(replies, requests).await?.resume(offset, Keeping { spool: SPOOL, window: 0 }).await
        };
        match timeout(RESUMING, resumed).await {
            Ok(Ok(inner)) => {
                let (kept, docker) = (Some(id), self.clone());
                let kind = if note.is_fresh { Kind::Fresh } else { Kind::Shared };
                let copy = note.copied.map(|workspace| {
                    let home = self.0.home.root().to_owned();
                    let copy =
                        Copy { workspace, home, folder: held.copy(), mark: None, watches: self.watches() };
                    let far = Far { engine: engine.clone(), name: name.clone() };
                    Back::new(copy, Arc::new(far), Reporter::silent())
                });
                Ok(Some(Box::new(InSandbox { inner, docker, engine, kind, held: Some(held), kept, copy })))
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, name, "a run is not found again");
                held.let_go(id);
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    async fn stay(&self) {
        if !self.0.stays.swap(true, Ordering::Relaxed) {
            self.keep_sweeping();
        }
        self.sweep(Sweep::Unused).await;
    }

    async fn leave(&self) {
        self.0.warm.close();
        self.0.leaving.cancel();
        self.0.tasks.close();
        if timeout(LEAVING, self.0.tasks.wait()).await.is_err() {
            tracing::warn!("the engine of sandboxes does not answer; what it still makes ends by itself");
        }
        let was_used = self.0.engine.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if self.0.stays.load(Ordering::Relaxed) {
            self.sweep(Sweep::Unused).await;
        } else if was_used {
            self.sweep(Sweep::Stopped).await;
        }
    }
}
