//! Watching a snapshot while it is made: its states, and the log of its build.

use std::time::Duration;

use bytes::Bytes;
use stigmer_daytona::{BuildLog, Client, Error as Failure};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::Snapshot;
use crate::backend::daytona::cloud;
use crate::error::Result;

/// Shortest and longest time between two looks.
const LOOK: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(3));

/// Longest time for one look.
const ANSWER: Duration = Duration::from_secs(30);

/// Longest time that the end of a log is waited for once the state says that the build is over.
const LAST_LINES: Duration = Duration::from_secs(10);

/// Looks at one that sleeps before it counts as staying so: activating shows in the state a moment later.
const ASLEEP: u32 = 4;

/// What happens to a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// It is in another state.
    State(Box<Snapshot>),
    /// A piece of the log of its build; it may end within a character.
    Log(Bytes),
}

/// The log of a build, read on the side: finding it may take longer than the time between two looks.
struct Reading {
    pieces: mpsc::Receiver<Bytes>,
    _reader: Option<AbortOnDropHandle<()>>,
}

impl Reading {
    fn of(log: Option<BuildLog>) -> Self {
        let (send, pieces) = mpsc::channel(16);
        let read = |mut log: BuildLog| async move {
            loop {
                match log.next().await {
                    Ok(Some(piece)) => match send.send(piece).await {
                        Ok(()) => {}
                        Err(_) => return,
                    },
                    Ok(None) => return,
                    // It is company; the state decides.
                    Err(error) => {
                        return tracing::debug!(%error, "the log of a build cannot be followed");
                    }
                }
            }
        };
        Self { pieces, _reader: log.map(|log| AbortOnDropHandle::new(tokio::spawn(read(log)))) }
    }

    /// Tells what comes of it until some time, or until it ends.
    async fn tell(&mut self, until: Instant, tell: &mut impl FnMut(News) -> Result<()>) -> Result<()> {
        while let Ok(Some(piece)) = timeout_at(until, self.pieces.recv()).await {
            tell(News::Log(piece))?;
        }
        Ok(())
    }
}

/// Watches until it is settled.
pub(super) async fn follow(
    client: &Client,
    id: &str,
    with_log: bool,
    within: Duration,
    mut tell: impl FnMut(News) -> Result<()>,
) -> Result<Snapshot> {
    let end = Instant::now() + within;
    let (mut name, mut last, mut asleep, mut pause) = (id.to_owned(), String::new(), 0, LOOK.0);
    let mut reading: Option<Reading> = None;
    loop {
        match timeout(ANSWER, client.snapshots().get(id)).await {
            Ok(Ok(found)) => {
                let log = (with_log && found.build_info.is_some()).then(|| client.snapshots().build_log(id));
                let snapshot = Snapshot::from(found);
                let reading = reading.get_or_insert_with(|| Reading::of(log));
                name.clone_from(&snapshot.name);
                if snapshot.state != last {
                    last.clone_from(&snapshot.state);
                    pause = LOOK.0;
                    tell(News::State(Box::new(snapshot.clone())))?;
                }
                asleep = if snapshot.state == "inactive" { asleep + 1 } else { 0 };
                let settled = snapshot.is_settled() && asleep == 0;
                if settled || snapshot.state == "removing" || asleep > ASLEEP {
                    reading.tell(Instant::now() + LAST_LINES, &mut tell).await?;
                    return Ok(snapshot);
                }
            }
            Ok(Err(error)) if !error.is_transient() => return Err(cloud(error)),
            Ok(Err(_)) | Err(_) => {}
        }
        if Instant::now() >= end {
            let what = format!("the snapshot `{name}`");
            return Err(cloud(Failure::Deadline { what, last, after: within }));
        }
        let until = (Instant::now() + pause).min(end);
        if let Some(reading) = &mut reading {
            reading.tell(until, &mut tell).await?;
        }
        sleep_until(until).await;
        pause = pause.mul_f64(1.3).min(LOOK.1);
    }
}
