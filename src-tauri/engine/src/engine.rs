//! The façade that every face holds.
//!
//! An engine belongs to one process and looks after the runs that were started through it; they end with it. The
//! history and the logs belong to the user and are shared with the engines of other processes.

mod changes;
mod follow;
mod hosts;
mod input;
mod kept;
mod late;
mod orphans;
mod requests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::backend::local::login_shell::{LoginShell, Resolver};
use crate::backend::{self, Backend};
use crate::config::{Config, Sources};
use crate::error::{Error, Result};
use crate::history::events::{self, Event, EventLog};
use crate::history::{Filter, History, Host};
use crate::home::Home;
use crate::launch;
use crate::live::{Live, Stop};
use crate::log::mask::Masks;
use crate::log::search::{Found, Query, search};
use crate::log::{LogReader, LogWriter, Tail};
use crate::run::{Run, blocking};
use crate::secrets::Secrets;
use crate::spec::{RunId, RunSpec};
use crate::state::{Place, RunRecord, RunState};

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
    login_shell: Arc<Resolver>,
    secrets: Arc<Secrets>,
    live: Mutex<HashMap<RunId, Arc<Live>>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Engine {
    /// Opens the user's data in `home`. Settings are read for each run, from `sources` and its workspace.
    pub async fn open(home: Home, sources: Sources) -> Result<Self> {
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
            backends: backend::all(),
            login_shell: Arc::default(),
            secrets: Arc::new(Secrets::new()),
            live: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        }));
        engine.close_orphans().await?;
        // Before any run, so that no request for one is missed.
        requests::listen(&engine);
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
        let sources = Sources { workspace: Some(workspace.to_owned()), ..self.0.sources.clone() };
        Config::load(&sources)
    }

    /// Where a run would go and why. Runs nothing.
    pub fn place(&self, spec: &RunSpec) -> Result<Place> {
        launch::check(spec)?;
        let place = launch::place(spec, &self.config(&spec.workspace)?);
        backend::of(&self.0.backends, place.mode)?;
        Ok(place)
    }

    /// Starts a run and returns at once; [`Engine::finished`] waits for its end. An error means that there is
    /// no run; what fails later is the run's outcome.
    pub async fn start(&self, spec: RunSpec) -> Result<RunId> {
        launch::check(&spec)?;
        if let Some(name) = launch::missing_values(&spec).first() {
            return Err(Error::InvalidSpec {
                what: format!("the value of the variable `{name}` is not kept in the history"),
                hint: "give it again with -e NAME=VALUE",
            });
        }
        let config = self.config(&spec.workspace)?;
        let place = launch::place(&spec, &config);
        let backend = backend::of(&self.0.backends, place.mode)?;
        let record = RunRecord {
            id: RunId::new(),
            spec: spec.without_values(),
            place,
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
        let (log, events, created) = blocking(move || inner.write_down(&record, &opened, limit)).await?;

        let live = Arc::new(Live::new(log.progress(), log.holds()));
        live.publish(created);
        self.live().insert(id, Arc::clone(&live));
        let run = Run {
            id,
            spec,
            folder,
            shell: config.shell().map(Into::into),
            backend,
            history: Arc::clone(&self.0.history),
            login_shell: Arc::clone(&self.0.login_shell),
            secrets: Arc::clone(&self.0.secrets),
            log,
            events,
            live,
            maskers: Masks::default().into(),
            started: None,
        };
        let inner = Arc::clone(&self.0);
        let span = tracing::info_span!("run", %id);
        self.0.tasks.spawn(
            async move {
                if let Some(end) = run.drive().await {
                    inner.tell_history(id, end).await;
                }
                inner.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
            .instrument(span),
        );
        Ok(id)
    }

    /// Asks a run to end, at least this urgently. The run may be another engine's. A run that is over is a
    /// [`Error::Conflict`].
    pub async fn stop(&self, id: RunId, stop: Stop) -> Result<()> {
        let record = match self.find_live(id) {
            Some(live) if live.state.borrow().ending().is_none() => {
                live.stop(stop);
                return Ok(());
            }
            _ => self.get(id).await?,
        };
        if record.state.ending().is_some() {
            return Err(Error::Conflict {
                what: format!("the run is over: {}", record.state.word()),
                hint: "see `stigmer runs` for those that go on",
            });
        }
        requests::ask(&self.0.home, record.host, id, stop)
    }

    /// Waits for the end of a run of this or another engine.
    pub async fn finished(&self, id: RunId) -> Result<RunRecord> {
        if let Some(live) = self.find_live(id) {
            let state = live.ended().await;
            // The history may not have the end yet, see `late`.
            return Ok(RunRecord { state, bytes: live.bytes(), ..self.get(id).await? });
        }
        let mut following = follow::Follow::start(self, id).await?;
        let _ = following.progress().wait_for(|progress| progress.ended).await;
        self.get(id).await
    }

    /// Reads the log of a run from `position`, waiting for more while it goes on.
    pub async fn tail(&self, id: RunId, position: u64) -> Result<Tail> {
        let mut reader = LogReader::open(self.0.home.run(id));
        reader.seek(position);
        let progress = match self.find_live(id) {
            Some(live) => live.progress.clone(),
            None => follow::Follow::start(self, id).await?.into_progress(),
        };
        Ok(Tail::new(reader, progress))
    }

    /// The same for a reader that must see every byte: the size limit leaves nothing out before it, and the
    /// program waits for it when it is too far behind. Only for runs of this engine.
    pub async fn attach(&self, id: RunId) -> Result<Tail> {
        let tail = self.tail(id, 0).await?;
        Ok(match self.find_live(id) {
            Some(live) => tail.holding(live.holds.hold(0)),
            None => tail,
        })
    }

    /// A window of a log that does not wait.
    pub fn log(&self, id: RunId) -> LogReader {
        LogReader::open(self.0.home.run(id))
    }

    /// What happened to a run so far, from event number `from` on; and for a run of this engine a receiver that
    /// wakes up when there is more.
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

    /// One run.
    pub async fn get(&self, id: RunId) -> Result<RunRecord> {
        let record = self.query(move |history| history.get(id)).await?;
        if record.state.ending().is_some() {
            return Ok(record);
        }
        if let Some(live) = self.find_live(id) {
            return Ok(RunRecord { state: live.state.borrow().clone(), ..record });
        }
        if self.close_orphans_among(std::slice::from_ref(&record)).await? {
            return self.query(move |history| history.get(id)).await;
        }
        let folder = self.0.home.run(id);
        // The history is told last.
        blocking(move || Ok(RunRecord::from_events(events::read(&folder)?).unwrap_or(record))).await
    }

    /// The run that a person means: an id, the beginning or end of one, or `last`.
    pub async fn resolve(&self, given: &str) -> Result<RunId> {
        let given = given.to_owned();
        self.query(move |history| history.resolve(&given)).await
    }

    /// Runs, newest first.
    pub async fn list(&self, filter: Filter) -> Result<Vec<RunRecord>> {
        let (first, again) = (filter.clone(), filter);
        let runs = self.query(move |history| history.list(&first)).await?;
        if self.close_orphans_among(&runs).await? {
            return self.query(move |history| history.list(&again)).await;
        }
        Ok(runs)
    }

    /// Asks every run of this engine to end, at least this urgently.
    pub fn stop_all(&self, stop: Stop) {
        for live in self.live().values() {
            live.stop(stop);
        }
    }

    /// Asks every run of this engine to end and waits until they have.
    pub async fn close(&self, stop: Stop) {
        self.0.closing.cancel();
        self.stop_all(stop);
        self.0.tasks.close();
        self.0.tasks.wait().await;
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

impl Inner {
    /// The folder, the row and the first event of a new run.
    fn write_down(
        &self,
        record: &RunRecord,
        folder: &std::path::Path,
        limit: u64,
    ) -> Result<(LogWriter, EventLog, Event)> {
        crate::os::create_private_dir(folder).map_err(Error::storage("creating", folder))?;
        let written = || {
            let events = EventLog::open(folder)?;
            let created = Event::created(record);
            events.append(&created)?;
            let log = LogWriter::create(folder, limit)?;
            self.history.insert(record)?;
            Ok((log, events, created))
        };
        // A folder without a row would come back as a run when the history is rebuilt.
        written().inspect_err(|_| drop(kept::remove_folder(folder)))
    }
}
