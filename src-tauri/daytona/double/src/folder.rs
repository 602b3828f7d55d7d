//! The folder of a double, which is gone at its end. What a double left that was killed, the next one removes.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// How the names of such folders begin.
const PREFIX: &str = "daytona-double-";

/// The file in a folder that its owner holds locked.
const LOCK: &str = "lock";

/// A folder for the files of sandboxes.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        tidy();
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        // Locked before it has its name, so that nobody sees it without its owner.
        let unnamed = folder.path().join("new");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        std::fs::rename(unnamed, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Removes it and everything in it.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_dir_all(self.path());
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders whose owners are gone.
fn tidy() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
