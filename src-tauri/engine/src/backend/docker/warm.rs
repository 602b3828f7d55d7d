//! Containers that were started and never used, ready for runs that want one of their own.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use super::Docker;
use super::container::Held;
use super::make::NewContainer;

/// What is held ready, by recipe.
#[derive(Debug, Default)]
pub(super) struct Warm(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    ready: HashMap<String, Vec<Held>>,
    /// How many are being made.
    coming: HashMap<String, u64>,
    is_closed: bool,
}

impl Warm {
    /// One that is ready, if there is any.
    pub(super) fn take(&self, key: &str) -> Option<Held> {
        self.lock().ready.get_mut(key)?.pop()
    }

    /// From here on nothing is held any more.
    pub(super) fn close(&self) {
        let mut shelf = self.lock();
        shelf.is_closed = true;
        shelf.ready.clear();
    }

    /// Whether another one should be made; then it counts as coming.
    fn order(&self, key: &str, wanted: u64) -> bool {
        let mut shelf = self.lock();
        let ready = shelf.ready.get(key).map_or(0, |ready| ready.len() as u64);
        let coming = shelf.coming.get(key).copied().unwrap_or(0);
        let lacks = ready + coming < wanted;
        let is_wanted = lacks && !shelf.is_closed;
        if is_wanted {
            *shelf.coming.entry(key.to_owned()).or_default() += 1;
        }
        is_wanted
    }

    /// What was ordered is there, or will not be. Returns what is not wanted any more.
    fn put(&self, key: &str, held: Option<Held>) -> Option<Held> {
        let mut shelf = self.lock();
        if let Some(coming) = shelf.coming.get_mut(key) {
            *coming = coming.saturating_sub(1);
        }
        if shelf.is_closed {
            return held;
        }
        shelf.ready.entry(key.to_owned()).or_default().extend(held);
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Docker {
    /// Sees to it, in the background, that enough containers of this recipe are ready. Only an engine that stays
    /// holds any.
    pub(super) fn refill(&self, making: &NewContainer) {
        if !self.0.stays.load(Ordering::Relaxed) {
            return;
        }
        let key = making.key();
        while self.0.warm.order(&key, making.recipe.supply.warm) {
            let (key, making) = (key.clone(), NewContainer { run: String::new(), ..making.clone() });
            self.0.tasks.spawn(async move {
                let made = making.make_ready().await;
                if let Err(error) = &made {
                    tracing::warn!(%error, "no sandbox is held ready");
                }
                if let Some(unwanted) = making.docker.0.warm.put(&key, made.ok()) {
                    making.docker.discard(&making.engine, unwanted).await;
                }
            });
        }
    }
}
