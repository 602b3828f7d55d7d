//! Runs whose engine died: taken up again where they go on, else closed with the truth and their places cleaned up.
//!
//! Any engine closes what nobody can take up, whether it belongs to an app or to one command; only one that stays takes up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{Engine, Inner};
use crate::backend::{self, Backend};
use crate::config::{Config, Sources};
use crate::error::{Error, Result};
use crate::history;
use crate::history::events::{self, Event, EventLog, What};
use crate::launch::Sessions;
use crate::live::{Live, Stop};
use crate::log::mask::Masks;
use crate::log::writer::Holds;
use crate::log::{LogReader, LogWriter, Reopened};
use crate::run::{Run, blocking};
use crate::spec::RunId;
use crate::state::{Ending, Outcome, RunRecord};

/// Runs of engines that died while it is found out whether they go on, and how they were asked to end meanwhile.
#[derive(Debug, Default)]
pub(super) struct TakingUp(Mutex<HashMap<RunId, Stop>>);

impl TakingUp {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Stop>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a run shall end, at least this urgently. `false` if it is none of these.
    pub(super) fn stop(&self, id: RunId, stop: Stop) -> bool {
        self.lock().get_mut(&id).map(|asked| *asked = stop.max(*asked)).is_some()
    }
}

/// Time between two looks for runs that may go on in a place that cannot be reached, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

impl Engine {
    /// Ends the rows of engines that died: the history completes those whose folder has the
    /// end, the others are lost. One that cannot be ended now does not stand in the way of the others.
    pub(super) async fn close_orphans(&self) -> Result<()> {
        let home = self.0.home.clone();
        for orphan in self.query(move |history| history.orphans(&home)).await? {
            if self.is_awaited(&orphan).await {
                continue;
            }
            if let Err(error) = self.clean_up_and_close(&orphan).await {
                warn!(run = %orphan.id, %error, "a run of a program that died could not be ended");
            }
        }
        Ok(())
    }

    /// Takes up the runs of engines that died, as far as they go on. For engines that stay: where that cannot be found out now,
    /// it is tried again in the background.
    pub(super) async fn take_up_orphans(&self) {
        if self.try_to_take_up_orphans().await {
            return;
        }
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            let mut pause = AGAIN.0;
            // One that was found is taken up as a whole.
            while engine.0.closing.run_until_cancelled(sleep(pause)).await.is_some() {
                if engine.try_to_take_up_orphans().await {
                    return;
                }
                pause = (pause * 2).min(AGAIN.1);
            }
        });
    }

    /// Whether none is left that may go on.
    async fn try_to_take_up_orphans(&self) -> bool {
        let home = self.0.home.clone();
        let orphans = match self.query(move |history| history.orphans(&home)).await {
            Ok(orphans) => orphans,
            Err(error) => {
                warn!(%error, "runs of an engine that died were not looked for");
                return false;
            }
        };
        let mut is_done = true;
        for orphan in orphans {
            let id = orphan.id;
            if self.0.closing.is_cancelled() {
                return false;
            }
            match self.take_up(orphan).await {
                Ok(true) => info!(run = %id, "goes on"),
                Ok(false) => {}
                Err(error) => {
                    warn!(run = %id, %error, "a run that may go on could not be taken up yet");
                    is_done = false;
                }
            }
        }
        is_done
    }

    /// Whether it goes on here. An error says that it may later: until then it is nobody's again.
    async fn take_up(&self, orphan: RunRecord) -> Result<bool> {
        let (id, started) = (orphan.id, orphan.started);
        let backend = backend::of(&self.0.backends, orphan.place.mode)?;
        let (Some(started), true) = (started, backend.awaits(id).await) else { return Ok(false) };
        let (from, host) = (orphan.host, self.0.host.id());
        // First of all: of several engines one has it.
        if !self.query(move |history| history.adopt(id, from, host)).await? {
            return Ok(false);
        }
        self.0.taking_up.lock().insert(id, Stop::No);
        let gone_on = self.go_on(&orphan, backend, started).await;
        // Asked while nobody had it.
        let asked = self.0.taking_up.lock().remove(&id).unwrap_or_default();
        match gone_on {
            Ok(true) => {
                if let Some(live) = self.find_live(id) {
                    live.stop(asked);
                }
                Ok(true)
            }
            // It is ours now, and nobody else would end it.
            Ok(false) => self.clean_up_and_close(&orphan).await.map(|()| false),
            // Without its log it cannot go on.
            Err(error @ Error::Storage { .. }) => self.clean_up_and_close(&orphan).await.and(Err(error)),
            Err(_) if asked != Stop::No => self.clean_up_and_close(&orphan).await.map(|()| false),
            Err(error) => {
                self.query(move |history| history.adopt(id, host, from)).await?;
                Err(error)
            }
        }
    }

    /// Goes on with an adopted run, if its place still has it.
    async fn go_on(&self, orphan: &RunRecord, backend: Arc<dyn Backend>, started: Timestamp) -> Result<bool> {
        let (id, spec, folder) = (orphan.id, orphan.spec.clone(), self.0.home.run(orphan.id));
        let config =
            Config::load(&Sources { workspace: Some(spec.workspace.clone()), ..self.0.sources.clone() })?;
        let (limit, opened) = (config.logs().max_run_size, folder.clone());
        let reopen = move || {
            let told = events::read(&opened)?;
            Ok((LogWriter::reopen(&opened, limit)?, EventLog::open(&opened)?, told))
        };
        let (Reopened { writer, own_bytes }, events, told) = blocking(reopen).await?;
        let own_bytes = own_bytes.unwrap_or_else(|| noted(&told));
        let offset = writer.bytes().saturating_sub(own_bytes);
        // An engine that goes leaves it to the next one.
        let reattached = self.0.closing.run_until_cancelled(backend.reattach(id, offset)).await;
        let Some(execution) = reattached.unwrap_or(Err(Error::Stopped))? else { return Ok(false) };
        let (progress, holds) = (watch::Sender::default(), Arc::<Holds>::default());
        let live = Arc::new(Live::new(progress.subscribe(), Arc::clone(&holds)));
        for event in told {
            live.publish(event);
        }
        self.live().insert(id, Arc::clone(&live));
        let mut run = Run {
            id,
            folder,
            shell: None,
            sessions: Sessions::of(&config),
            recipe: None,
            place: orphan.place.clone(),
            backend,
            history: Arc::clone(&self.0.history),
            login_shell: Arc::clone(&self.0.login_shell),
            secrets: Arc::clone(&self.0.secrets),
            log: writer.telling(progress, holds),
            events,
            live,
            maskers: Masks::default().into(),
            started: None,
            placing: None,
            warning: None,
            told: None,
            spec,
        };
        run.adopted(self.0.host.id());
        self.drive(run, move |run| run.go_on(Arc::from(execution), started));
        Ok(true)
    }

    /// Whether one of these was looked after by an engine that is gone; then it is closed, and what was read is old.
    pub(super) async fn close_orphans_among(&self, records: &[RunRecord]) -> Result<bool> {
        for record in records.iter().filter(|record| record.state.ending().is_none()) {
            if self.find_live(record.id).is_none() && !history::is_alive(self.home(), record.host)? {
                self.close_orphans().await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an engine that stays may still come for a run.
    async fn is_awaited(&self, orphan: &RunRecord) -> bool {
        match backend::of(&self.0.backends, orphan.place.mode) {
            Ok(backend) => orphan.started.is_some() && backend.awaits(orphan.id).await,
            Err(_) => false,
        }
    }

    pub(super) async fn clean_up_and_close(&self, orphan: &RunRecord) -> Result<()> {
        let (inner, id) = (Arc::clone(&self.0), orphan.id);
        if let Ok(backend) = backend::of(&self.0.backends, orphan.place.mode) {
            // What cannot be reached now is ended later, by its backend.
            backend.cleanup(id).await?;
        }
        blocking(move || inner.close_orphan(id)).await
    }
}

/// Bytes of the app's own lines, by what was written down of them.
fn noted(told: &[Event]) -> u64 {
    let length = |event: &Event| match &event.what {
        What::Note { text } => text.len() as u64 + 1,
        _ => 0,
    };
    told.iter().map(length).sum()
}

impl Inner {
    fn close_orphan(&self, id: RunId) -> Result<()> {
        let folder = self.home.run(id);
        let ending = Ending { outcome: Outcome::Lost, at: Timestamp::now(), usage: None };
        let bytes = LogReader::open(&folder).length().unwrap_or_default();
        let event = Event { at: ending.at, what: What::Ended { ending: ending.clone(), bytes } };
        if folder.is_dir()
            && let Err(error) = EventLog::open(&folder).and_then(|events| events.append(&event))
        {
            warn!(run = %id, %error, "only the history knows that the run is lost");
        }
        self.history.ended(id, &ending, bytes).map(drop)
    }
}
