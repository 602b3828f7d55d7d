//! Containers that were started and never used, ready for runs that want one of their own.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use super::container::Held;
use super::{Docker, NewContainer};
use crate::error::Result;

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
        let coming = shelf.coming.entry(key.to_owned()).or_default();
        let lacks = ready + *coming < wanted;
        *coming += u64::from(lacks);
        lacks && !shelf.is_closed
    }

    /// What was ordered is there, or will not be.
    fn put(&self, key: &str, held: Option<Held>) {
        let mut shelf = self.lock();
        if let Some(coming) = shelf.coming.get_mut(key) {
            *coming = coming.saturating_sub(1);
        }
        if let Some(held) = held.filter(|_| !shelf.is_closed) {
            shelf.ready.entry(key.to_owned()).or_default().push(held);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Docker {
    /// Sees to it, in the background, that enough containers of this recipe are ready. Only an engine that stays
    /// holds any.
    pub(super) fn refill(&self, making: &NewContainer<'_>, key: &str) {
        if !self.0.stays.load(Ordering::Relaxed) {
            return;
        }
        while self.0.warm.order(key, making.recipe.supply.warm) {
            let (docker, key) = (self.clone(), key.to_owned());
            let (engine, recipe) = (making.engine.clone(), making.recipe.clone());
            let (owner, image_id) = (making.owner.to_owned(), making.image_id.to_owned());
            tokio::spawn(async move {
                let making = NewContainer {
                    engine: &engine,
                    recipe: &recipe,
                    owner: &owner,
                    image_id: &image_id,
                    run: "",
                };
                let made: Result<Held> = async {
                    let held = docker.hold_new()?;
                    making.make_ready(&held).await?;
                    Ok(held)
                }
                .await;
                if let Err(error) = &made {
                    tracing::warn!(%error, "no sandbox is held ready");
                }
                docker.0.warm.put(&key, made.ok());
            });
        }
    }
}
