//! Notices: that something changed, never what.

mod folder;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use stigmer_engine::config;
use stigmer_engine::engine::Engine;
use stigmer_engine::log::writer::Progress;
use stigmer_engine::spec::RunId;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use utoipa::ToSchema;

/// Shortest time between two notices about the list of runs.
const BETWEEN_RUNS: Duration = Duration::from_millis(100);

/// Shortest time between two notices about the log of a run: two frames. What grows faster is not read line by line, and
/// the processor is then better spent on the program.
const BETWEEN_LOGS: Duration = Duration::from_millis(33);

/// What somebody wants to be told about, besides what everybody is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// Runs whose states and output are shown.
    #[schema(value_type = Vec<String>)]
    pub runs: Vec<RunId>,
    /// The folder whose files are shown; absolute.
    #[schema(value_type = Option<String>)]
    pub workspace: Option<PathBuf>,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Notice {
    /// The first of them: whoever was away rereads what it shows.
    Hello {
        /// The version of what answers.
        version: String,
    },
    /// The list of runs is another.
    Runs,
    /// The state or the events of a watched run are others.
    Run {
        /// The run.
        #[schema(value_type = String, format = Uuid)]
        run_id: RunId,
    },
    /// A watched run printed something, or its log ended.
    Log {
        /// The run.
        #[schema(value_type = String, format = Uuid)]
        run_id: RunId,
        /// The position behind the last byte of its log.
        bytes: u64,
        /// Whether no more will come.
        ended: bool,
    },
    /// Files of the watched folder are others.
    Files {
        /// Which; `null` when they are too many to name.
        paths: Option<Vec<String>>,
        /// The folder itself is gone.
        gone: bool,
    },
    /// Settings are others.
    Config,
}

/// Tells what changes, for as long as somebody listens. The latest word counts: a listener that is slow gets fewer
/// notices, not late ones.
pub fn changes(engine: Engine, watch: watch::Receiver<Watch>) -> impl Stream<Item = Notice> + Send + 'static {
    // One notice waits at most; what happens meanwhile is told by the next of its kind.
    let (to, told) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            _ = tell(&engine, watch, &to) => {}
            () = to.closed() => {}
        }
    });
    stream::unfold(told, async |mut told| told.recv().await.map(|notice| (notice, told)))
}

/// Nobody listens any more.
struct Gone;

async fn tell(
    engine: &Engine,
    mut watch: watch::Receiver<Watch>,
    to: &mpsc::Sender<Notice>,
) -> Result<(), Gone> {
    // First watch, then say so: what changes in between is told.
    let always = for_everybody(engine, to);
    let (mut always, mut runs) = (Box::pin(always), JoinSet::new());
    send(to, Notice::Hello { version: env!("CARGO_PKG_VERSION").to_owned() }).await?;
    let mut watched: HashMap<RunId, AbortHandle> = HashMap::new();
    let (mut folder, mut files) = (None, JoinSet::new());
    loop {
        let wanted = watch.borrow_and_update().clone();
        watched.retain(|id, task| {
            let stays = wanted.runs.contains(id);
            if !stays {
                task.abort();
            }
            stays
        });
        for id in wanted.runs {
            watched.entry(id).or_insert_with(|| runs.spawn(run(engine.clone(), id, to.clone())));
        }
        if folder != wanted.workspace {
            files.abort_all();
            if let Some(workspace) = &wanted.workspace {
                files.spawn(folder::tell(engine.home().clone(), workspace.clone(), to.clone()));
            }
            folder = wanted.workspace;
        }
        tokio::select! {
            changed = watch.changed() => if changed.is_err() {
                // Whoever said what to watch says no more; what it said last stays.
                return always.await;
            },
            gone = &mut always => return gone,
            // A run that is over, or whose listener is gone: the channel tells which.
            Some(_) = runs.join_next() => {}
        }
    }
}

async fn send(to: &mpsc::Sender<Notice>, notice: Notice) -> Result<(), Gone> {
    to.send(notice).await.map_err(|_| Gone)
}

/// The list of runs and the settings, watched from this call on and not from the first look at what it returns.
fn for_everybody<'a>(
    engine: &Engine,
    to: &'a mpsc::Sender<Notice>,
) -> impl Future<Output = Result<(), Gone>> + use<'a> {
    let mut runs = engine.changes();
    // Without watches the settings are what they were at the start, and there is nothing to tell.
    let mut settings = config::watch(engine.sources().clone()).ok();
    async move {
        loop {
            tokio::select! {
                changed = runs.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    send(to, Notice::Runs).await?;
                    sleep(BETWEEN_RUNS).await;
                }
                () = changed(&mut settings) => send(to, Notice::Config).await?,
            }
        }
    }
}

async fn changed(settings: &mut Option<watch::Receiver<config::State>>) {
    let ended = match settings {
        Some(settings) => settings.changed().await.is_err(),
        None => true,
    };
    if ended {
        std::future::pending::<()>().await;
    }
}

/// One run that is shown.
async fn run(engine: Engine, id: RunId, to: mpsc::Sender<Notice>) -> Result<(), Gone> {
    // A run that is not there is told by whatever asks for it.
    let Ok(mut happenings) = engine.happenings(id).await else { return Ok(()) };
    let Ok(mut progress) = engine.progress(id).await else { return Ok(()) };
    // Whoever asked looked at the run before it was watched: what happened between is not lost.
    happenings.mark_changed();
    progress.mark_changed();
    let (mut over, mut ended) = (false, false);
    while !(over && ended) {
        tokio::select! {
            changed = happenings.changed(), if !over => match changed {
                Ok(()) => send(&to, Notice::Run { run_id: id }).await?,
                Err(_) => over = true,
            },
            changed = progress.changed(), if !ended => {
                let Progress { bytes, ended: now, .. } = *progress.borrow_and_update();
                ended = now || changed.is_err();
                send(&to, Notice::Log { run_id: id, bytes, ended }).await?;
                sleep(BETWEEN_LOGS).await;
            }
        }
    }
    send(&to, Notice::Run { run_id: id }).await
}
