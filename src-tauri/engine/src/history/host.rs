//! Whether the engine that looks after a run is alive.
//!
//! An engine holds the lock of a file that is named by a random id. The system frees the lock when the process
//! ends, however it ends, and unlike a process id the name is never used again. The file contains the process
//! id, for people only: nothing reads it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;

/// This engine's sign of life; it ends when this is dropped.
#[derive(Debug)]
pub struct Host {
    id: Uuid,
    path: PathBuf,
    _lock: File,
}

impl Host {
    /// A new sign of life, under a new id.
    pub fn claim(home: &Home) -> Result<Self> {
        home.create()?;
        let id = Uuid::new_v4();
        let path = lock_file(home, id);
        let claim = || {
            let mut file = os::private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
            file.try_lock().map_err(io::Error::from)?;
            writeln!(file, "{}", std::process::id())?;
            Ok(file)
        };
        let lock = claim().map_err(Error::storage("locking", &path))?;
        Ok(Self { id, path, _lock: lock })
    }

    /// Removes the sign of life of an engine that has no runs any more, whoever still holds a piece of it.
    pub fn leave(&self) {
        // A file that stays is removed by whoever asks for it next.
        let _ = fs::remove_file(&self.path);
    }

    /// The id to write into the records of its runs.
    pub const fn id(&self) -> Uuid {
        self.id
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Whether the engine `host` is alive. Removes what a dead one left.
pub fn is_alive(home: &Home, host: Uuid) -> Result<bool> {
    let path = lock_file(home, host);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::storage("reading", &path)(error)),
    };
    // Shared, so that two who ask at once do not take each other for the engine.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(Error::storage("locking", &path)(error)),
        Ok(()) => {
            // Whatever stays is removed by whoever asks next.
            let _ = fs::remove_file(home.mailbox(host));
            let _ = fs::remove_file(&path);
            Ok(false)
        }
    }
}

/// Removes what engines left that died without a run, for which nobody would ever ask.
pub fn forget_dead(home: &Home) -> Result<()> {
    let folder = home.hosts();
    let files = fs::read_dir(&folder).map_err(Error::storage("reading", &folder))?;
    for file in files.flatten() {
        let name = file.file_name();
        let host = name.to_str().and_then(|name| name.strip_suffix(".lock")?.parse().ok());
        // A younger one may be about to be locked.
        let is_settled = || file.metadata()?.modified()?.elapsed().map_err(io::Error::other);
        if let Some(host) = host
            && is_settled().is_ok_and(|age| age > Duration::from_mins(1))
        {
            is_alive(home, host)?;
        }
    }
    Ok(())
}

/// Waits until the engine `host` is gone. Blocks for as long as it lives.
pub fn wait_until_gone(home: &Home, host: Uuid) {
    // A file that cannot be opened or locked is one that no engine holds.
    if let Ok(file) = File::open(lock_file(home, host)) {
        let _ = file.lock_shared();
    }
}

fn lock_file(home: &Home, host: Uuid) -> PathBuf {
    home.hosts().join(format!("{host}.lock"))
}
