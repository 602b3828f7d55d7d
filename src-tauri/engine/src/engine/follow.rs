//! Following a run that another engine carries out: its folder tells that there is more, the lock of its engine
//! tells when nobody writes any more.

use tokio::sync::watch;

use super::Engine;
use super::changes::Changes;
use crate::error::Result;
use crate::history::events::{self, What};
use crate::log::writer::Progress;
use crate::spec::RunId;

/// Wakes readers of another engine's run.
pub(super) struct Follow {
    progress: watch::Receiver<Progress>,
}

impl Follow {
    /// Follows a run; one that is over has its end told at once.
    pub(super) async fn start(engine: &Engine, id: RunId) -> Result<Self> {
        let record = engine.get(id).await?;
        let folder = engine.home().run(id);
        let (send, progress) = watch::channel(Progress::default());
        if record.state.ending().is_some() {
            send.send_modify(|progress| progress.ended = true);
            return Ok(Self { progress });
        }
        let mut changes = Changes::of(&folder);
        let (engine, host) = (engine.clone(), record.host);
        let mut gone = engine.0.hosts.gone(engine.home(), host)?;
        tokio::spawn(async move {
            loop {
                if is_over(&folder) {
                    break;
                }
                send.send_modify(|progress| progress.bytes += 1);
                tokio::select! {
                    () = send.closed() => return,
                    () = changes.next() => {}
                    _ = gone.changed() => {
                        // Whoever finds the orphan first writes down that it is lost.
                        let _ = engine.close_orphans().await;
                        break;
                    }
                }
            }
            send.send_modify(|progress| progress.ended = true);
        });
        Ok(Self { progress })
    }

    pub(super) fn progress(&mut self) -> &mut watch::Receiver<Progress> {
        &mut self.progress
    }

    pub(super) fn into_progress(self) -> watch::Receiver<Progress> {
        self.progress
    }
}

pub(super) fn is_over(folder: &std::path::Path) -> bool {
    let events = events::read(folder).unwrap_or_default();
    // Not the last: a run may be pinned after its end.
    events.iter().any(|event| matches!(event.what, What::Ended { .. }))
}

impl Engine {
    /// How far the log of a run is written, and whether it will grow; a receiver that skips values when it is slow.
    /// Works for the runs of every engine. The log counts as ended, too, when the sender is dropped.
    pub async fn progress(&self, id: RunId) -> Result<watch::Receiver<Progress>> {
        match self.find_live(id) {
            Some(live) => Ok(live.progress.clone()),
            None => Ok(Follow::start(self, id).await?.into_progress()),
        }
    }

    /// Wakes up when something happened to a run; its value is the number of events so far, which
    /// [`Engine::events`] has. Works for the runs of every engine. There will be no more when the sender is dropped.
    pub async fn happenings(&self, id: RunId) -> Result<watch::Receiver<usize>> {
        match self.find_live(id) {
            Some(live) => Ok(live.events(0).1),
            None => Ok(watch::channel(events::read(&self.home().run(id))?.len()).1),
        }
    }

    /// Wakes up when any run of this user changed in the history: one was asked for, started, ended, was pinned or
    /// removed, by this or another engine. The value only ever rises, by one or more.
    pub fn changes(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}
