//! What is noted of a run in the cloud: enough to find it again, or to clean up after it, whatever happened to the engine.
//!
//! A note is a file that is locked by whoever looks after the run, until nothing of it is left. So one that can be locked
//! was left by an engine that died.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::os;
use crate::spec::RunId;

/// What must be known of a run.
#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    pub api_url: Option<String>,
    pub organization: Option<String>,
    /// The sandbox, once it is known.
    pub sandbox: Option<String>,
    pub is_thrown_away: bool,
    /// Whether an engine that stays may come for the run again.
    pub is_kept: bool,
    /// The workspace, where what changed comes back.
    pub back: Option<PathBuf>,
}

impl Note {
    /// Whether an engine that stays may come for what is noted.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_kept && self.sandbox.is_some()
    }
}

/// The notes of a home.
pub(super) struct Notes(pub PathBuf);

/// A note that is looked after until this is dropped.
pub(super) struct Held {
    file: File,
    path: PathBuf,
}

impl Notes {
    fn file(&self, id: RunId) -> PathBuf {
        self.0.join(format!("run-{id}.json"))
    }

    /// Notes a run that begins.
    pub(super) fn begin(&self, id: RunId, note: &Note) -> Result<Held> {
        let path = self.file(id);
        let create = || {
            os::create_private_dir(&self.0)?;
            let file = os::private(OpenOptions::new().create_new(true).write(true)).open(&path)?;
            // Empty as long as it is not locked, which nobody takes for a note.
            file.lock()?;
            Ok(file)
        };
        let file = create().map_err(Error::storage("writing", &path))?;
        let mut held = Held { file, path };
        held.write(note)?;
        Ok(held)
    }

    /// Looks after a run that another engine began, if its note is still there.
    pub(super) fn hold(&self, id: RunId) -> Option<Held> {
        let path = self.file(id);
        let file = OpenOptions::new().write(true).open(&path).ok()?;
        file.try_lock().ok()?;
        Some(Held { file, path })
    }

    pub(super) fn read(&self, id: RunId) -> Option<Note> {
        serde_json::from_slice(&std::fs::read(self.file(id)).ok()?).ok()
    }

    /// There is nothing to find again, or to clean up.
    pub(super) fn remove(&self, id: RunId) {
        let _ = std::fs::remove_file(self.file(id));
    }

    /// The runs that nobody looks after, and nobody will.
    pub(super) fn abandoned(&self) -> Vec<RunId> {
        let Ok(files) = std::fs::read_dir(&self.0) else { return Vec::new() };
        let names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
        let ids = names.filter_map(|name| name.strip_prefix("run-")?.strip_suffix(".json")?.parse().ok());
        ids.filter(|&id| self.is_abandoned(id)).collect()
    }

    fn is_abandoned(&self, id: RunId) -> bool {
        let is_left = |note: Option<Note>| note.is_some_and(|note| !note.is_awaited());
        // Looked at first: whoever comes for the run at this moment must find it free.
        let is_free = || File::open(self.file(id)).is_ok_and(|file| file.try_lock().is_ok());
        is_left(self.read(id)) && is_free() && is_left(self.read(id))
    }
}

impl Held {
    /// Notes something else instead, in one step.
    pub(super) fn write(&mut self, note: &Note) -> Result<()> {
        let mut write = || {
            let text = serde_json::to_vec(note)?;
            self.file.rewind()?;
            self.file.write_all(&text)?;
            self.file.set_len(text.len() as u64)
        };
        write().map_err(Error::storage("writing", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(sandbox: Option<&str>, is_kept: bool) -> Note {
        let sandbox = sandbox.map(str::to_owned);
        Note { api_url: None, organization: None, sandbox, is_thrown_away: true, is_kept, back: None }
    }

    #[test]
    fn only_what_nobody_looks_after_or_waits_for_is_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes(folder.path().join("cloud"));
        assert_eq!(notes.abandoned(), []);
        let id = RunId::new();
        let mut held = notes.begin(id, &note(None, true)).unwrap();
        assert_eq!(notes.abandoned(), []);
        held.write(&note(Some("a-sandbox"), true)).unwrap();
        drop(held);
        assert_eq!(notes.abandoned(), [], "an engine that stays will come for it");
        let mut held = notes.hold(id).unwrap();
        assert!(notes.hold(id).is_none());
        held.write(&note(None, false)).unwrap();
        drop(held);
        assert_eq!(notes.abandoned(), [id]);
        std::fs::write(notes.file(id), "").unwrap();
        assert_eq!(notes.abandoned(), [], "one that is just begun says nothing yet");
        notes.remove(id);
        assert!(notes.read(id).is_none() && notes.hold(id).is_none());
    }
}
