//! Following the settings files while a program runs.
//!
//! Folders are watched, not files: editors put a new file in the old one's place, and a file may not be there
//! yet. A change wakes one task, which waits until it is quiet and resolves everything anew. Nothing polls. A
//! broken file changes nothing but the problem that is told; the last good settings stay.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::sources::{Sources, project_file};
use super::{Config, PROJECT_FILE};
use crate::error::{Error, Report, Result};

/// How long nothing must change before the files are read: an editor that saves touches them several times.
const QUIET: Duration = Duration::from_millis(50);
/// How long at most changes are awaited: somebody may write without a pause.
const LONGEST: Duration = Duration::from_millis(500);

/// Settings as they are at a moment.
#[derive(Debug, Clone)]
pub struct State {
    /// The last settings without a mistake.
    pub config: Arc<Config>,
    /// What is wrong with the files since then.
    pub problem: Option<Report>,
}

/// Resolves settings and follows their files until the last receiver is dropped. Receivers are woken when a
/// value or a warning changed, or a problem came or went.
///
/// Fails if the settings have a mistake at the start, or if this system cannot watch. Call it within a Tokio
/// runtime. A project file that appears above the repository of the workspace is not noticed.
pub fn watch(sources: Sources) -> Result<watch::Receiver<State>> {
    let (wake, woken) = mpsc::channel(1);
    let mut eyes = Eyes::open(sources, wake)?;
    // First watch, then read: what changes in between is seen twice rather than never.
    eyes.look();
    let config = Arc::new(Config::load(&eyes.sources)?);
    let (sender, receiver) = watch::channel(State { config, problem: None });
    tokio::spawn(run(eyes, woken, sender));
    Ok(receiver)
}

async fn run(mut eyes: Eyes, mut woken: mpsc::Receiver<()>, sender: watch::Sender<State>) {
    loop {
        tokio::select! {
            () = sender.closed() => return,
            change = woken.recv() => if change.is_none() { return },
        }
        settle(&mut woken).await;
        let read = tokio::task::spawn_blocking(move || {
            eyes.look();
            let loaded = Config::load(&eyes.sources);
            (eyes, loaded)
        });
        let Ok((back, loaded)) = read.await else { return };
        eyes = back;
        publish(&sender, loaded);
    }
}

/// Waits until nothing changes any more, or it has lasted too long.
async fn settle(woken: &mut mpsc::Receiver<()>) {
    let end = Instant::now() + LONGEST;
    while let Ok(Some(())) = timeout_at(end.min(Instant::now() + QUIET), woken.recv()).await {
        if Instant::now() >= end {
            return;
        }
    }
}

fn publish(sender: &watch::Sender<State>, loaded: Result<Config>) {
    sender.send_if_modified(|state| match loaded {
        Ok(config) => {
            let changed = state.problem.is_some() || !config.says_the_same(&state.config);
            // Lines may have moved even where no value did.
            *state = State { config: Arc::new(config), problem: None };
            changed
        }
        Err(error) => {
            let problem = Some(Report::from(error));
            let changed = state.problem != problem;
            state.problem = problem;
            changed
        }
    });
}

/// The system's watcher and what it looks at.
struct Eyes {
    sources: Sources,
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
    /// The files and the folders above them: whatever else happens in a watched folder is not ours.
    paths: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Eyes {
    fn open(sources: Sources, wake: mpsc::Sender<()>) -> Result<Self> {
        let paths = Arc::new(Mutex::new(BTreeSet::new()));
        let ours = Arc::clone(&paths);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let relevant = event.map_or(true, |event| {
                // Our own reading is an access too, and must not wake us.
                let ours = ours.lock().unwrap_or_else(PoisonError::into_inner);
                event.need_rescan()
                    || (!event.kind.is_access() && event.paths.iter().any(|path| ours.contains(path)))
            });
            if relevant {
                // A full channel has already woken the task.
                let _ = wake.try_send(());
            }
        })
        .map_err(|error| Error::Storage {
            action: "watching",
            path: sources.user.path().to_owned(),
            source: std::io::Error::other(error),
        })?;
        Ok(Self { sources, watcher, folders: BTreeSet::new(), paths })
    }

    /// Watches the folders that matter now. A folder that was made anew has to be watched anew.
    fn look(&mut self) {
        // Folders may appear while we look; what appears after the second look is seen by the first.
        for _ in 0..2 {
            let files = files(&self.sources);
            let folders: BTreeSet<_> = files.iter().filter_map(|file| existing_folder(file)).collect();
            let mut paths: BTreeSet<PathBuf> =
                files.iter().flat_map(|file| file.ancestors()).map(Path::to_owned).collect();
            // Some systems report a path as it is without links.
            paths.extend(files.iter().filter_map(|file| without_links(file)));
            *self.paths.lock().unwrap_or_else(PoisonError::into_inner) = paths;
            for folder in self.folders.difference(&folders) {
                // It fails if the folder is gone, and then there is nothing to do.
                let _ = self.watcher.unwatch(folder);
            }
            for folder in &folders {
                if let Err(error) = self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                    tracing::warn!(folder = %folder.display(), %error, "changes of settings are not seen here");
                }
            }
            self.folders = folders;
        }
    }
}

/// Every file that has settings or would have, if it were there; absolute.
fn files(sources: &Sources) -> BTreeSet<PathBuf> {
    let workspace = sources.workspace.as_deref();
    let mut files = workspace.map(project_files).unwrap_or_default();
    let present = [Some(sources.user.path().to_owned()), workspace.and_then(project_file)];
    for file in present.into_iter().flatten() {
        // Behind a link the next stop may be missing, and the last may change without any link changing.
        files.extend(fs::read_link(&file).ok().and_then(|link| Some(file.parent()?.join(link))));
        files.extend(file.canonicalize().ok());
        files.insert(file);
    }
    files.into_iter().filter_map(|file| std::path::absolute(file).ok()).collect()
}

/// Where the file of a project may appear: from the workspace up to its repository, else up to the root.
fn project_files(workspace: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    // Nobody has a project in the root, and much else happens there.
    for folder in workspace.ancestors().filter(|folder| folder.parent().is_some()) {
        files.insert(folder.join(PROJECT_FILE));
        if folder.join(".git").exists() {
            break;
        }
    }
    files
}

/// The folder of a file, or the nearest one above it that is there.
fn existing_folder(file: &Path) -> Option<PathBuf> {
    file.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned)
}

fn without_links(file: &Path) -> Option<PathBuf> {
    Some(file.parent()?.canonicalize().ok()?.join(file.file_name()?))
}
