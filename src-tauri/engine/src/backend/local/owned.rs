//! The interpreters of sessions that end with this engine, because it stays: the app's and the server's.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use stigmer_runner::protocol::OWN;

use crate::os::Line;

/// A connection to each, whose end is theirs: so they end also where this engine is killed. `None` before it stays.
#[derive(Debug, Default)]
pub(super) struct Owned(Mutex<Option<HashMap<std::path::PathBuf, Line>>>);

impl Owned {
    /// From now on they are owned.
    pub(super) fn stay(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// They end.
    pub(super) fn leave(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Owns the one that listens at `socket`, if this engine stays.
    pub(super) fn own(&self, socket: &Path) {
        if let Some(owned) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)
            // Another may have taken the place of one that ended.
            && !owned.get(socket).is_some_and(Line::is_open)
            && let Ok(line) = Line::say(socket, OWN)
        {
            owned.insert(socket.to_owned(), line);
        }
    }
}
