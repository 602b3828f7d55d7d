//! That the history changed, by whichever engine.
//!
//! The file system tells that the database was written, and the database whether something changed by that. Nothing
//! is watched before somebody asks, and nothing any more when nobody does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::Engine;
use super::changes::Changes;
use crate::history::History;
use crate::run::blocking;

/// Time from a write to the look at the database: it tells of a change a moment after its file was written, and
/// changes that follow each other are one.
const SETTLE: Duration = Duration::from_millis(10);
/// Time to another look where the first saw nothing.
const AGAIN: Duration = Duration::from_millis(100);

/// Whom to tell.
#[derive(Debug, Default)]
pub(super) struct News(Arc<Mutex<Option<watch::Sender<u64>>>>);

impl Engine {
    /// Wakes up when any run of this user changed in the history: one was asked for, started, ended, was pinned or
    /// removed, by this or another engine. The value only ever rises. Call it within a Tokio runtime.
    pub fn changes(&self) -> watch::Receiver<u64> {
        let mut told = self.0.news.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = told.as_ref() {
            return sender.subscribe();
        }
        let (sender, changes) = watch::channel(0);
        *told = Some(sender.clone());
        let database = self.home().database();
        let watched = Changes::of_files(self.home().root(), &database);
        let (news, history) = (Arc::clone(&self.0.news.0), Arc::clone(&self.0.history));
        tokio::spawn(tell(news, sender, history, watched));
        changes
    }
}

async fn tell(
    news: Arc<Mutex<Option<watch::Sender<u64>>>>,
    sender: watch::Sender<u64>,
    history: Arc<History>,
    mut watched: Changes,
) {
    let mut known = version(&history).await;
    // What changed before that was known is none of the changes that are told from here on.
    sender.send_modify(|count| *count += 1);
    loop {
        tokio::select! {
            () = sender.closed() => {
                let mut told = news.lock().unwrap_or_else(PoisonError::into_inner);
                // Nobody can join while this is held.
                if sender.is_closed() {
                    *told = None;
                    return;
                }
                continue;
            }
            () = watched.next() => {}
        }
        for pause in [SETTLE, AGAIN] {
            tokio::time::sleep(pause).await;
            let now = version(&history).await;
            if now.is_none() || now != known {
                known = now;
                sender.send_modify(|count| *count += 1);
                break;
            }
        }
    }
}

/// Something that is another after each change; `None` where the database cannot tell.
async fn version(history: &Arc<History>) -> Option<i64> {
    let history = Arc::clone(history);
    blocking(move || history.version()).await.ok()
}
