//! The façade that every face holds.
//!
//! An engine belongs to one process and looks after the runs that were started through it; they end with it, or are taken
//! up by the next one where their place lets them go on. The history and the logs belong to the user and are shared with the engines of other processes.

mod again;
mod begin;
mod changes;
mod closing;
mod cloud;
mod compare;
mod costs;
mod export;
mod follow;
mod hosts;
mod input;
mod kept;
mod known;
mod late;
mod news;
mod orphans;
mod places;
mod requests;
mod tidy;
mod view;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::backend::daytona::Daytona;
use crate::backend::docker::Docker;
use crate::backend::local::Local;
use crate::backend::local::login_shell::{LoginShell, Resolver};
use crate::backend::{self, Backend};
use crate::config::{Config, Sources};
use crate::error::{Error, Result};
use crate::history::events::{self, Event};
use crate::history::{self, History, Host};
use crate::home::Home;
use crate::launch::{self, Sessions};
use crate::live::{Live, Stop};
use crate::log::mask::Masks;
use crate::log::search::{Found, Query, search};
use crate::log::view::Views;
use crate::log::writer::Holds;
use crate::log::{LogReader, Tail};
use crate::os::Mailbox;
use crate::run::{End, Run, blocking};
use crate::secrets::Secrets;
use crate::spec::{RunId, RunSpec};
use crate::state::{RunRecord, RunState};
use crate::workspace::sync::Watches;

pub use self::cloud::Estimate;

/// Runs commands and knows about every run of this user. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    home: Home,
    sources: Sources,
    history: Arc<History>,
    recovered: Option<PathBuf>,
    host: Host,
    hosts: hosts::Hosts,
    backends: Vec<Arc<dyn Backend>>,
    docker: Docker,
    daytona: Daytona,
    login_shell: Arc<Resolver>,
    secrets: Arc<Secrets>,
    live: Mutex<HashMap<RunId, Arc<Live>>>,
    follows: follow::Follows,
    news: news::News,
    views: Arc<Views>,
    unused: costs::Unused,
    taking_up: orphans::TakingUp,
    tasks: TaskTracker,
    /// From here on nothing is tried again.
    closing: CancellationToken,
    /// From here on nobody asks anything any more.
    closed: CancellationToken,
}

impl Engine {
    /// Opens the user's data in `home`. Settings are read for each run, from `sources` and its workspace.
    pub async fn open(home: Home, sources: Sources) -> Result<Self> {
        let secrets = Arc::new(Secrets::new());
        let watches = Watches::default();
        let docker = Docker::watching(home.clone(), watches.clone());
        let daytona = Daytona::new(home.clone(), Arc::clone(&secrets), sources.clone(), watches);
        let backends = backend::all(Local::new(&home), docker.clone(), daytona.clone());
        let (home, history, recovered, host) = blocking(move || {
            home.create()?;
            let opened = History::open(&home)?;
            let host = Host::claim(&home)?;
            Ok((home, opened.history, opened.recovered, host))
        })
        .await?;
        let engine = Self(Arc::new(Inner {
            home,
            sources,
            history: Arc::new(history),
            recovered,
            host,
            hosts: hosts::Hosts::default(),
            backends,
            docker,
            daytona,
            login_shell: Arc::default(),
            secrets,
            live: Mutex::default(),
            follows: follow::Follows::default(),
            news: news::News::default(),
            views: Arc::default(),
            unused: costs::Unused::default(),
            taking_up: orphans::TakingUp::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
        }));
        engine.close_orphans().await?;
        let mailbox = engine.0.home.mailbox(engine.0.host.id());
        let opened = Mailbox::create(&mailbox).map_err(Error::storage("creating", &mailbox))?;
        tokio::spawn(requests::serve(engine.clone(), opened));
        Ok(engine)
    }

    /// Where a damaged database was put aside when this engine opened; the history was rebuilt from the runs.
    pub fn recovered(&self) -> Option<&std::path::Path> {
        self.0.recovered.as_deref()
    }

    /// The folder of the user's data.
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Names this engine: in the rows of its runs and in the name of its lock.
    pub fn id(&self) -> uuid::Uuid {
        self.0.host.id()
    }

    /// Where its settings come from.
    pub fn sources(&self) -> &Sources {
        &self.0.sources
    }

    /// Named secrets in the OS keychain.
    pub fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// The environment of the user's login shell.
    pub async fn login_shell(&self) -> &LoginShell {
        self.0.login_shell.get().await
    }

    /// The settings that hold for a workspace.
    pub fn config(&self, workspace: &std::path::Path) -> Result<Config> {
        self.settings(Some(workspace.to_owned()))
    }

    fn settings(&self, workspace: Option<PathBuf>) -> Result<Config> {
        Config::load(&Sources { workspace, ..self.0.sources.clone() })
    }

    /// Starts a run and returns at once; [`Engine::finished`] waits for its end. An error means that there is
    /// no run; what fails later is the run's outcome.
    pub async fn start(&self, spec: RunSpec) -> Result<RunId> {
        self.start_attached(spec).await.map(|(id, _)| id)
    }

    /// The same for a caller who must see every byte: the size limit leaves nothing out before the tail has read
    /// it, and the program waits for the tail when it is too far behind.
    pub async fn start_attached(&self, spec: RunSpec) -> Result<(RunId, Tail)> {
        self.start_under(spec, self.0.sources.clone()).await
    }

    /// The same on behalf of another process, by the settings that hold there.
    pub async fn start_under(&self, spec: RunSpec, sources: Sources) -> Result<(RunId, Tail)> {
        let engine = self.clone();
        // A task of its own: a caller who gives up waiting leaves no run behind that nobody drives.
        let started = tokio::spawn(async move {
            let run = engine.prepare(spec, sources).await?;
            let tail = Tail::new(LogReader::open(&run.folder), run.log.progress());
            let tail = tail.holding(run.log.holds().hold(0));
            let id = run.id;
            engine.drive(run, Run::drive);
            Ok((id, tail))
        });
        started.await.unwrap_or(Err(Error::Stopped))
    }

    /// Checks what was asked for and writes it down.
    async fn prepare(&self, mut spec: RunSpec, sources: Sources) -> Result<Run> {
        launch::check(&spec)?;
        let missing = launch::missing_values(&spec);
        if !missing.is_empty() {
            return Err(Error::InvalidSpec {
                what: format!("values are not kept in the history: `{}`", missing.join("`, `")),
                hint: "give them again with -e NAME=VALUE",
            });
        }
        let config = Config::load(&Sources { workspace: Some(spec.workspace.clone()), ..sources })?;
        let place = launch::place(&spec, &config);
        let backend = backend::of(&self.0.backends, place.mode)?;
        let recipe = self.recipe(&spec, &place, &config)?;
        let warning = self.heed_limit(&spec, &place, &config).await?;
        if recipe.is_none() {
            // Kept with the run: what held it then holds when it is run again.
            spec.guard = spec.guard.or(Some(config.guard()));
        }
        let record = RunRecord {
            id: RunId::new(),
            spec: spec.without_values(),
            place: place.clone(),
            state: RunState::Queued,
            created: Timestamp::now(),
            started: None,
            bytes: 0,
            pinned: false,
            host: self.0.host.id(),
        };
        let (id, folder) = (record.id, self.0.home.run(record.id));
        let inner = Arc::clone(&self.0);
        let limit = config.logs().max_run_size;
        let opened = folder.clone();
        let (progress, holds) = (watch::Sender::default(), Arc::<Holds>::default());
        let live = Arc::new(Live::new(progress.subscribe(), Arc::clone(&holds)));
        // Before others can see its row: from then on they may stop it.
        self.live().insert(id, Arc::clone(&live));
        let written = blocking(move || inner.write_down(&record, &opened, limit)).await;
        let (log, events, created) = written.inspect_err(|_| drop(self.live().remove(&id)))?;
        let log = log.telling(progress, holds);
        live.publish(created);
        Ok(Run {
            id,
            spec,
            folder,
            shell: config.shell().map(Into::into),
            sessions: Sessions::of(&config),
            recipe,
            place,
            backend,
            history: Arc::clone(&self.0.history),
            login_shell: Arc::clone(&self.0.login_shell),
            secrets: Arc::clone(&self.0.secrets),
            log,
            events,
            live,
            maskers: Masks::default().into(),
            started: None,
            placing: None,
            warning,
            told: None,
        })
    }

    /// Carries a run out in the background.
    fn drive<F>(&self, run: Run, how: impl FnOnce(Run) -> F)
    where
        F: Future<Output = Option<End>> + Send + 'static,
    {
        let id = run.id;
        if self.0.tasks.is_closed() {
            // Started while the engine closes: it is told to end like all the others.
            run.live.stop(Stop::Force);
        }
        let (engine, live) = (self.clone(), Arc::clone(&run.live));
        let driving = tokio::spawn(how(run).instrument(tracing::info_span!("run", %id)));
        self.0.tasks.spawn(async move {
            match driving.await {
                Ok(None) => {}
                Ok(Some(end)) => engine.0.tell_history(id, end).await,
                // A defect of ours. Whoever waits for the run must not wait for ever; its row is closed as lost.
                Err(defect) => {
                    tracing::error!(%defect, %id, "the driver of the run failed");
                    live.fail();
                }
            }
            engine.live().remove(&id);
        });
    }

    /// Asks a run to end, at least this urgently. The run may be another engine's. A run that is over is a
    /// [`Error::Conflict`].
    pub async fn stop(&self, id: RunId, stop: Stop) -> Result<()> {
        let record = match self.find_live(id) {
            Some(live) if live.state.borrow().ending().is_none() => {
                live.stop(stop);
                return Ok(());
            }
            None if self.0.taking_up.stop(id, stop) => return Ok(()),
            _ => self.get(id).await?,
        };
        if record.state.ending().is_some() {
            return Err(Error::Conflict {
                what: format!("the run is over: {}", record.state.word()),
                hint: "see `stigmer runs` for those that go on",
            });
        }
        if history::is_alive(&self.0.home, record.host)? {
            return requests::ask(&self.0.home, record.host, id, stop);
        }
        // Nobody would hear it. What is left of the run is ended here.
        self.clean_up_and_close(&record).await?;
        self.close_orphans().await
    }

    /// Waits for the end of a run of this or another engine. The end of a run of this engine is told even
    /// where it could not be written down.
    pub fn finished(&self, id: RunId) -> impl Future<Output = Result<RunRecord>> + Send + use<> {
        // Looked up now and not when it is first waited for: the run may be over by then.
        let (engine, live) = (self.clone(), self.find_live(id));
        async move {
            let events = match live {
                Some(live) => {
                    // A sender that is dropped has ended the run before.
                    let _ = live.state.subscribe().wait_for(|state| state.ending().is_some()).await;
                    live.events(0).0
                }
                None => {
                    let mut progress = engine.follow(id).await?.0;
                    let _ = progress.wait_for(|progress| progress.ended).await;
                    let record = engine.get(id).await?;
                    if record.state.ending().is_some() {
                        return Ok(record);
                    }
                    // Its engine could not reach the database; the next one that opens completes the row.
                    events::read(&engine.home().run(id))?
                }
            };
            RunRecord::from_events(events).ok_or_else(|| Error::RunNotFound { given: id.to_string() })
        }
    }

    /// Reads the log of a run from `position`, waiting for more while it goes on.
    pub async fn tail(&self, id: RunId, position: u64) -> Result<Tail> {
        let mut reader = LogReader::open(self.0.home.run(id));
        reader.seek(position);
        Ok(Tail::new(reader, self.progress(id).await?))
    }

    /// A window of a log that does not wait.
    pub fn log(&self, id: RunId) -> LogReader {
        LogReader::open(self.0.home.run(id))
    }

    /// What happened to a run so far, from event number `from` on; and for a run of this engine a receiver that
    /// wakes up when there is more; [`Engine::happenings`] has one for every run.
    pub fn events(&self, id: RunId, from: usize) -> Result<(Vec<Event>, Option<watch::Receiver<usize>>)> {
        if let Some(live) = self.find_live(id) {
            let (events, more) = live.events(from);
            return Ok((events, Some(more)));
        }
        let events = events::read(&self.0.home.run(id))?;
        Ok((events.get(from..).unwrap_or_default().to_vec(), None))
    }

    /// Searches the log of a run, see [`search()`].
    pub async fn search(
        &self,
        id: RunId,
        query: Query,
        stop: CancellationToken,
        each: impl FnMut(Found) -> bool + Send + 'static,
    ) -> Result<u64> {
        let folder = self.0.home.run(id);
        blocking(move || search(&folder, &query, &stop, each)).await
    }

    /// Puts a query to the history, on a thread that may wait for the disk.
    pub async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&History) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let history = Arc::clone(&self.0.history);
        blocking(move || query(&history)).await
    }

    fn find_live(&self, id: RunId) -> Option<Arc<Live>> {
        self.live().get(&id).cloned()
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<Live>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
