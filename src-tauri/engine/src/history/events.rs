//! What happened to a run, kept in its folder: `events.jsonl`, one event in a line.
//!
//! Written by whoever looks after the run, and the only thing from which the history can be rebuilt. Output is
//! not here but in the log. The reader takes what it can: a line that was cut, or that a later version wrote,
//! is left out and the others count.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::os;
use crate::spec::{RunId, RunSpec};
use crate::state::{Ending, Place, RunRecord, RunState};

const FILE: &str = "events.jsonl";

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// It was asked for. First in every file; see [`Event::created`].
    Created {
        /// Its id.
        id: RunId,
        /// What was asked for, without the values of variables.
        spec: Box<RunSpec>,
        /// The mode that was taken and why.
        place: Place,
        /// The engine that looks after it.
        host: Uuid,
    },
    /// A step towards its place began.
    Preparing {
        /// The step, for people.
        step: String,
    },
    /// A step went on.
    Progress {
        /// The step.
        step: String,
        /// How much is done, in the step's own unit.
        current: u64,
        /// How much there is to do, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// More is known about its place.
    Placed {
        /// All that is known now.
        place: Place,
    },
    /// The program started.
    Running {
        /// Its process id, in a place that has any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
    },
    /// Another engine looks after it from here on.
    Adopted {
        /// That engine.
        host: Uuid,
    },
    /// Something that people should know about it.
    Note {
        /// The text.
        text: String,
    },
    /// It was pinned, or released.
    Pinned {
        /// Whether it is pinned now.
        pinned: bool,
    },
    /// It is over.
    Ended {
        /// How it ended.
        ending: Ending,
        /// Bytes of output that were kept.
        bytes: u64,
    },
}

impl Event {
    /// The first event of a run.
    pub fn created(record: &RunRecord) -> Self {
        let RunRecord { id, spec, place, created, host, .. } = record;
        let spec = Box::new(spec.without_values());
        Self { at: *created, what: What::Created { id: *id, spec, place: place.clone(), host: *host } }
    }
}

/// The events of one run, to be continued. Several processes may append to the same.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
}

impl EventLog {
    /// Continues the events in a run's folder, which exists; begins them if there are none.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = path(folder);
        let open = || {
            let mut file =
                os::private(OpenOptions::new().create(true).append(true).read(true)).open(&path)?;
            if ends_within_a_line(&mut file)? {
                // Else the first new event would be lost together with the one that was cut.
                file.write_all(b"\n")?;
            }
            Ok(file)
        };
        let file = open().map_err(Error::storage("opening", &path))?;
        Ok(Self { path, file })
    }

    /// Adds an event. It is with the system when this returns: it survives this process, not a power cut.
    pub fn append(&self, event: &Event) -> Result<()> {
        let append = || {
            let mut line = serde_json::to_vec(event)?;
            line.push(b'\n');
            // One call for the whole line, so that lines of several processes do not mix.
            (&self.file).write_all(&line)
        };
        append().map_err(Error::storage("writing", &self.path))
    }
}

fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Where the events of the run with this folder are.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The events in a run's folder, in order; none if the folder or the file is gone. Lines that are not events of
/// this version are left out.
pub fn read(folder: &Path) -> Result<Vec<Event>> {
    let path = path(folder);
    match std::fs::read(&path) {
        Ok(bytes) => {
            Ok(bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::storage("reading", &path)(error)),
    }
}

impl RunRecord {
    /// The record that a run's events add up to; `None` if they do not say what was asked for.
    pub fn from_events(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut record: Option<Self> = None;
        for Event { at, what } in events {
            match (&mut record, what) {
                (None, What::Created { id, spec, place, host }) => {
                    record = Some(Self {
                        id,
                        spec: *spec,
                        place,
                        state: RunState::Queued,
                        created: at,
                        started: None,
                        bytes: 0,
                        pinned: false,
                        host,
                    });
                }
                (Some(record), what) => record.apply(at, what),
                (None, _) => {}
            }
        }
        record
    }

    fn apply(&mut self, at: Timestamp, what: What) {
        if let What::Pinned { pinned } = what {
            self.pinned = pinned;
        } else if self.state.ending().is_none() {
            // A run ends once: as in the database, nothing but pinning counts afterwards.
            self.apply_before_the_end(at, what);
        }
    }

    fn apply_before_the_end(&mut self, at: Timestamp, what: What) {
        match what {
            What::Preparing { .. } | What::Progress { .. } if self.started.is_none() => {
                self.state = RunState::Preparing;
            }
            What::Placed { place } => self.place = place,
            What::Running { .. } => {
                self.state = RunState::Running;
                self.started = Some(at);
            }
            What::Adopted { host } => self.host = host,
            What::Ended { ending, bytes } => {
                self.state = RunState::Ended(ending);
                self.bytes = bytes;
            }
            What::Created { .. }
            | What::Preparing { .. }
            | What::Progress { .. }
            | What::Note { .. }
            | What::Pinned { .. } => {}
        }
    }
}
