//! When the engines of other processes are gone. One thread waits for each of them, however many readers follow
//! its runs; it is not the runtime's, which would not end before the other engine.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::history;
use crate::home::Home;

/// The other engines whose end somebody waits for.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    waiting: Mutex<HashMap<Uuid, watch::Receiver<()>>>,
}

impl Hosts {
    /// A receiver whose sender is dropped when the engine `host` is gone.
    pub(super) fn gone(&self, home: &Home, host: Uuid) -> Result<watch::Receiver<()>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, gone| gone.has_changed().is_ok());
        if let Some(gone) = waiting.get(&host) {
            return Ok(gone.clone());
        }
        let (alive, gone) = watch::channel(());
        let of = home.clone();
        let wait = move || {
            history::wait_until_gone(&of, host);
            drop(alive);
        };
        let thread = std::thread::Builder::new().name("host".to_owned()).spawn(wait);
        thread.map_err(Error::storage("watching", &home.hosts()))?;
        waiting.insert(host, gone.clone());
        Ok(gone)
    }
}
