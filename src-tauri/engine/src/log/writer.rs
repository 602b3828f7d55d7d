//! The one writer of a log.
//!
//! Appending never waits for a reader, with one exception that readers ask for: a [`Hold`] keeps bytes from
//! being left out before it has passed them, and [`LogWriter::held_back`] tells the driver to wait.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use super::Stream;
use super::segment::{Record, data_path, index_path};
use crate::error::{Error, Result};
use crate::os;

/// Pieces of one stream that follow each other within this time share a record, in microseconds.
const JOIN_WITHIN: u64 = 1_000;
/// Longest piece that joining makes, in bytes. Jumping to a line scans at most one piece.
const JOIN_UP_TO: u32 = 256 << 10;
/// Largest segment, in bytes.
const SEGMENT: u64 = 16 << 20;
/// A log keeps its beginning and its end, each in about half of the limit, in this many segments at least.
const SEGMENTS: u64 = 16;

/// How far a log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of output so far, left-out ones included.
    pub bytes: u64,
    /// Whether nothing more will come.
    pub ended: bool,
}

/// Appends to the log of a run.
#[derive(Debug)]
pub struct LogWriter {
    pub(super) folder: PathBuf,
    pub(super) limit: u64,
    pub(super) segment_size: u64,
    pub(super) current: Current,
    /// Closed segments that may be left out: start and length, oldest first.
    pub(super) droppable: VecDeque<(u64, u64)>,
    pub(super) kept: u64,
    pub(super) lines: u64,
    pub(super) holds: Arc<Holds>,
    pub(super) progress: watch::Sender<Progress>,
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Current {
    pub start: u64,
    pub data: File,
    pub index: File,
    pub records: u64,
    pub last: Option<Record>,
    pub end: u64,
}

/// Length of the segments of a log with this limit: whole pages, so that a search can map segments one behind the other.
pub(super) fn segment_size(limit: u64) -> u64 {
    let page = os::page_size();
    (limit / SEGMENTS).clamp(page, SEGMENT) / page * page
}

impl LogWriter {
    /// Begins an empty log in `folder`, of which about `limit` bytes are kept.
    pub fn create(folder: &Path, limit: u64) -> Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            limit,
            segment_size: segment_size(limit),
            current: Current::create(folder, 0).map_err(Error::storage("writing", folder))?,
            droppable: VecDeque::new(),
            kept: 0,
            lines: 0,
            holds: Arc::default(),
            progress: watch::Sender::default(),
        })
    }

    /// Tells those who look already, before there was a log.
    #[must_use]
    pub(crate) fn telling(self, progress: watch::Sender<Progress>, holds: Arc<Holds>) -> Self {
        progress.send_modify(|progress| progress.bytes = self.bytes());
        Self { holds, progress, ..self }
    }

    /// Tells readers how far the log is written. A slow reader skips values, never bytes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Where readers take their [`Hold`].
    pub fn holds(&self) -> Arc<Holds> {
        Arc::clone(&self.holds)
    }

    /// Bytes of output so far, left-out ones included.
    pub fn bytes(&self) -> u64 {
        self.current.end
    }

    /// Whether the log is full of what a reader holds. Wait for [`Holds::passed`]: appending nevertheless keeps
    /// everything and goes beyond the limit.
    pub fn held_back(&self) -> bool {
        self.is_full() && self.droppable.front().is_some_and(|segment| self.is_held(*segment))
    }

    /// Whether there is no room for another segment.
    fn is_full(&self) -> bool {
        self.kept + self.segment_size > self.limit
    }

    fn is_held(&self, (start, length): (u64, u64)) -> bool {
        self.holds.first() < start + length
    }

    /// Appends a piece.
    pub fn append(&mut self, stream: Stream, at: u64, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.current.start + self.segment_size - self.current.end;
            let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.write(stream, at, now).map_err(Error::storage("writing", &self.folder))?;
            bytes = later;
        }
        self.progress.send_modify(|progress| progress.bytes = self.current.end);
        Ok(())
    }

    /// Says that nothing more will come. Everything is in the files before readers learn of it.
    pub fn finish(self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    fn write(&mut self, stream: Stream, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.current.end == self.current.start + self.segment_size {
            self.roll()?;
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(bytes.len()).expect("a segment is far below 4 GiB");
        self.current.describe(Record { offset: self.current.end, at, line: self.lines, length, stream })?;
        self.current.data.write_all(bytes)?;
        self.current.end += u64::from(length);
        self.kept += u64::from(length);
        self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        Ok(())
    }

    /// Closes the current segment, begins the next and leaves out old ones past the limit.
    fn roll(&mut self) -> io::Result<()> {
        let next = Current::create(&self.folder, self.current.end)?;
        let closed = std::mem::replace(&mut self.current, next);
        if closed.end > self.limit / 2 {
            self.droppable.push_back((closed.start, closed.end - closed.start));
        }
        while self.is_full()
            && let Some(&(start, length)) = self.droppable.front()
            && !self.is_held((start, length))
        {
            self.droppable.pop_front();
            std::fs::remove_file(data_path(&self.folder, start))?;
            std::fs::remove_file(index_path(&self.folder, start))?;
            self.kept -= length;
        }
        Ok(())
    }
}

impl Current {
    fn create(folder: &Path, start: u64) -> io::Result<Self> {
        let create = |path: PathBuf| {
            let mut options = OpenOptions::new();
            os::private(options.write(true).create_new(true)).open(path)
        };
        let index = create(index_path(folder, start))?;
        let data = create(data_path(folder, start))?;
        Ok(Self { start, data, index, records: 0, last: None, end: start })
    }

    /// Puts `record` into the index, joined to the last one where they belong together.
    fn describe(&mut self, record: Record) -> io::Result<()> {
        let joined = self.last.filter(|last| {
            last.stream == record.stream
                && record.at.saturating_sub(last.at) <= JOIN_WITHIN
                && last.length.saturating_add(record.length) <= JOIN_UP_TO
        });
        let record = match joined {
            Some(last) => Record { length: last.length + record.length, ..last },
            None => {
                self.records += 1;
                record
            }
        };
        os::write_at(&self.index, &record.to_bytes(), (self.records - 1) * Record::SIZE as u64)?;
        self.last = Some(record);
        Ok(())
    }
}

/// The positions below which readers still need every byte.
#[derive(Debug, Default)]
pub struct Holds {
    positions: Mutex<HashMap<u64, u64>>,
    next: AtomicU64,
    passed: Notify,
}

impl Holds {
    /// Keeps everything from `position` on from being left out until the hold moves past it.
    pub fn hold(self: &Arc<Self>, position: u64) -> Hold {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).insert(key, position);
        Hold { key, holds: Arc::clone(self) }
    }

    /// Waits until a hold moved or was given up. Enabled by the call itself: what happens between it and
    /// the first poll is not missed.
    pub fn passed(&self) -> tokio::sync::futures::Notified<'_> {
        self.passed.notified()
    }

    fn first(&self) -> u64 {
        let positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.values().copied().min().unwrap_or(u64::MAX)
    }
}

/// A reader's claim on bytes that it has not read yet. Dropping it gives the claim up.
#[derive(Debug)]
pub struct Hold {
    key: u64,
    holds: Arc<Holds>,
}

impl Hold {
    /// Everything before `position` has been read.
    pub fn move_to(&self, position: u64) {
        self.holds.positions.lock().unwrap_or_else(PoisonError::into_inner).insert(self.key, position);
        self.holds.passed.notify_one();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.positions.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        self.holds.passed.notify_one();
    }
}
