//! Following a run, whoever carries it out. Of another engine's run its folder tells that there is more, and the lock
//! of that engine when nobody writes any more. However many follow a run, its folder is watched once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::Engine;
use super::changes::Changes;
use crate::error::{Error, Result};
use crate::history::events::{self, What};
use crate::log::LogReader;
use crate::log::writer::Progress;
use crate::run::blocking;
use crate::spec::RunId;

/// Shortest time between two looks at a run that writes without a pause.
const PAUSE: Duration = Duration::from_millis(4);

/// Time to the next look for the engine of a run whose engine died, and which another one may take up.
const ANOTHER: Duration = Duration::from_secs(1);

/// The runs of other engines that somebody follows.
#[derive(Debug, Default)]
pub(super) struct Follows(Mutex<HashMap<RunId, Followed>>);

/// Wakes those who follow a run: when its log grew, and when something happened to it.
#[derive(Debug, Clone, Default)]
struct Followed {
    progress: watch::Sender<Progress>,
    happened: watch::Sender<usize>,
}

/// What somebody who follows a run holds.
pub(super) type Following = (watch::Receiver<Progress>, watch::Receiver<usize>);

impl Engine {
    /// How far the log of a run is written, and whether it will grow; a receiver that skips values when it is slow.
    /// Works for the runs of every engine. The log has ended, too, when the sender is dropped.
    pub async fn progress(&self, id: RunId) -> Result<watch::Receiver<Progress>> {
        match self.find_live(id) {
            Some(live) => Ok(live.progress.clone()),
            None => Ok(self.follow(id).await?.0),
        }
    }

    /// Wakes up when something happened to a run; its value is the number of events so far, which
    /// [`Engine::events`] has. Works for the runs of every engine. There will be no more when the sender is dropped.
    pub async fn happenings(&self, id: RunId) -> Result<watch::Receiver<usize>> {
        match self.find_live(id) {
            Some(live) => Ok(live.events(0).1),
            None => Ok(self.follow(id).await?.1),
        }
    }

    /// Follows a run of another engine; one that is over has its end told at once.
    pub(super) async fn follow(&self, id: RunId) -> Result<Following> {
        let record = self.get(id).await?;
        let is_over = record.state.ending().is_some();
        if !is_over && let Some(followed) = self.0.follows.lock().get(&id) {
            return Ok(followed.subscribe());
        }
        let folder = self.home().run(id);
        // Watched before it is looked at: what changes in between is seen twice rather than never.
        let watched = if is_over { None } else { Some(Changes::of(&folder)) };
        let mut look = Look { folder, is_over, ..Look::default() };
        let look = blocking(move || {
            look.again();
            Ok(look)
        })
        .await?;
        let mut all = self.0.follows.lock();
        if let Some(followed) = all.get(&id) {
            return Ok(followed.subscribe());
        }
        let followed = Followed::default();
        followed.tell(&look);
        let following = followed.subscribe();
        if let Some(changes) = watched.filter(|_| !look.is_over) {
            let gone = self.0.hosts.gone(self.home(), record.host)?;
            all.insert(id, followed.clone());
            tokio::spawn(self.clone().watch_over(id, followed, look, changes, gone));
        }
        Ok(following)
    }

    /// Tells those who follow a run until it is over or nobody does any more.
    async fn watch_over(
        self,
        id: RunId,
        followed: Followed,
        mut look: Look,
        mut changes: Changes,
        mut gone: watch::Receiver<()>,
    ) {
        while !look.is_over {
            tokio::select! {
                () = followed.closed() => {
                    let mut all = self.0.follows.lock();
                    // Nobody can join while this is held.
                    if followed.is_closed() {
                        all.remove(&id);
                        return;
                    }
                    continue;
                }
                () = changes.next() => {}
                _ = gone.changed() => {
                    // Whoever finds the orphan first writes down that it is lost; one that may go on has another engine soon.
                    let _ = self.close_orphans().await;
                    match self.query(move |history| history.get(id)).await {
                        Ok(run) if run.state.ending().is_none() => {
                            tokio::time::sleep(ANOTHER).await;
                            gone = self.0.hosts.gone(self.home(), run.host).unwrap_or(gone);
                        }
                        // Asked again: what cannot be read is no end.
                        Err(Error::History { .. }) => tokio::time::sleep(ANOTHER).await,
                        _ => look.is_over = true,
                    }
                }
            }
            let looked = tokio::task::spawn_blocking(move || {
                look.again();
                look
            });
            match looked.await {
                Ok(again) => look = again,
                // The runtime ends.
                Err(_) => return,
            }
            followed.tell(&look);
            tokio::time::sleep(PAUSE).await;
        }
        self.0.follows.lock().remove(&id);
    }
}

impl Follows {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Followed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    fn subscribe(&self) -> Following {
        (self.progress.subscribe(), self.happened.subscribe())
    }

    fn tell(&self, look: &Look) {
        // First what happened: whoever waits for the end of the log finds the end of the run.
        change(&self.happened, look.events);
        change(&self.progress, Progress { bytes: look.bytes, ended: look.is_over });
    }

    async fn closed(&self) {
        self.progress.closed().await;
        self.happened.closed().await;
    }

    fn is_closed(&self) -> bool {
        self.progress.is_closed() && self.happened.is_closed()
    }
}

fn change<T: PartialEq>(sender: &watch::Sender<T>, value: T) {
    sender.send_if_modified(|told| {
        let is_new = *told != value;
        *told = value;
        is_new
    });
}

/// What the folder of a run says.
#[derive(Debug, Default)]
struct Look {
    folder: PathBuf,
    /// Size of the file of events when it was read.
    size: u64,
    events: usize,
    bytes: u64,
    is_over: bool,
}

impl Look {
    fn again(&mut self) {
        let size = std::fs::metadata(events::path(&self.folder)).map_or(0, |found| found.len());
        if size != self.size {
            let events = events::read(&self.folder).unwrap_or_default();
            (self.size, self.events) = (size, events.len());
            self.is_over |= ends(&events);
        }
        // Behind the end: everything is in the log when that is said.
        self.bytes = LogReader::open(&self.folder).length().unwrap_or(self.bytes);
    }
}

/// Whether the folder of a run has its end.
pub(super) fn is_over(folder: &Path) -> bool {
    ends(&events::read(folder).unwrap_or_default())
}

fn ends(events: &[events::Event]) -> bool {
    // Not the last: a run may be pinned after its end.
    events.iter().any(|event| matches!(event.what, What::Ended { .. }))
}
