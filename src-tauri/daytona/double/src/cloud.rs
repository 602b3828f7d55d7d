//! What all handlers share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::folder::Folder;
use crate::journal::Journal;
use crate::options::Options;
use crate::world::World;

/// The organization that the key belongs to.
pub(crate) const ORGANIZATION: &str = "5a0b2a3e-8c1f-4d2e-9b61-0d1f6f7a9c10";

/// The double's state and what it was told.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) options: Options,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    folder: Folder,
    world: Mutex<World>,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    pub(crate) closing: CancellationToken,
}

impl Cloud {
    pub(crate) fn new(options: Options, origin: String, folder: Folder) -> Arc<Self> {
        let clock = Clock::default();
        let world = World::new(clock.now());
        Arc::new(Self {
            options,
            origin,
            folder,
            world: Mutex::new(world),
            faults: Faults::default(),
            journal: Journal::default(),
            clock,
            closing: CancellationToken::new(),
        })
    }

    /// Everything that exists. Never held while waiting.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn remove_folder(&self) {
        self.folder.remove();
    }

    /// The files of a sandbox.
    pub(crate) fn disk(&self, id: &str) -> PathBuf {
        self.folder().join(id)
    }

    /// One state that passes by itself.
    pub(crate) async fn pass(&self) {
        tokio::time::sleep(self.options.delay).await;
    }
}

/// A lock that outlives a panic of its holder, whose test fails anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
