//! Segments on disk: their names, and the records of their index.
//!
//! A record is written before the bytes that it describes, so that after a crash no byte stands without one;
//! readers cut the last record at the end of the data.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::Stream;
use crate::os;

/// The data file of the segment that begins at `offset`.
pub(super) fn data_path(folder: &Path, offset: u64) -> PathBuf {
    folder.join(format!("{offset:016x}.log"))
}

/// The index file of the segment that begins at `offset`.
pub(super) fn index_path(folder: &Path, offset: u64) -> PathBuf {
    folder.join(format!("{offset:016x}.idx"))
}

/// The offsets at which segments begin, in order. A folder that is gone has none.
pub(super) fn offsets(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut offsets = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".log"));
        if let Some(offset) =
            stem.filter(|stem| stem.len() == 16).and_then(|s| u64::from_str_radix(s, 16).ok())
        {
            offsets.push(offset);
        }
    }
    offsets.sort_unstable();
    Ok(offsets)
}

/// One entry of an index: a piece of output of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Position of its first byte in the log.
    pub offset: u64,
    /// Microseconds since 1970.
    pub at: u64,
    /// Line ends in the log before it, left-out ones included.
    pub line: u64,
    /// Its length in bytes.
    pub length: u32,
    pub stream: Stream,
}

impl Record {
    /// Size on disk, in bytes.
    pub(super) const SIZE: usize = 32;

    pub(super) fn end(&self) -> u64 {
        self.offset + u64::from(self.length)
    }

    pub(super) fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.line.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.length.to_le_bytes());
        bytes[28] = match self.stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
            Stream::System => 3,
        };
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let number = |from: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[from..from + 8]);
            u64::from_le_bytes(eight)
        };
        let stream = match bytes[28] {
            1 => Stream::Stdout,
            2 => Stream::Stderr,
            3 => Stream::System,
            _ => return None,
        };
        let length = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
        Some(Self { offset: number(0), at: number(8), line: number(16), length, stream })
    }

    /// The record at `position` of an index; `None` behind its end, or where it is damaged.
    pub(super) fn read(index: &File, position: u64) -> io::Result<Option<Self>> {
        let mut bytes = [0; Self::SIZE];
        let mut filled = 0;
        while filled < Self::SIZE {
            let at = position * Self::SIZE as u64 + filled as u64;
            match os::read_at(index, &mut bytes[filled..], at) {
                Ok(0) => return Ok(None),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self::from_bytes(&bytes))
    }
}

/// The records of a segment in memory, as the system maps their file.
pub(super) struct Records(os::Mapping);

impl Records {
    /// The record at `position`; `None` behind the last, or where it is damaged.
    pub(super) fn get(&self, position: u64) -> Option<Record> {
        let from = usize::try_from(position).ok()?.checked_mul(Record::SIZE)?;
        Record::from_bytes(self.0.get(from..)?.first_chunk()?)
    }
}

/// An open segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub start: u64,
    pub data: File,
    index: File,
}

impl Segment {
    /// Opens the segment at `start`; `None` if there is none (any more).
    pub(super) fn open(folder: &Path, start: u64) -> io::Result<Option<Self>> {
        let open = |path: PathBuf| match File::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let (Some(index), Some(data)) = (open(index_path(folder, start))?, open(data_path(folder, start))?)
        else {
            return Ok(None);
        };
        Ok(Some(Self { start, data, index }))
    }

    /// Where its data ends now.
    pub(super) fn end(&self) -> io::Result<u64> {
        Ok(self.start + self.data.metadata()?.len())
    }

    /// The record at `position`, checked to fit this segment.
    pub(super) fn record(&self, position: u64) -> io::Result<Option<Record>> {
        Ok(Record::read(&self.index, position)?.filter(|record| record.offset >= self.start))
    }

    /// All records that there are now.
    pub(super) fn all_records(&self) -> io::Result<Records> {
        let length = self.records()? * Record::SIZE as u64;
        Ok(Records(os::Mapping::new(&[(&self.index, length)])?))
    }

    /// Number of whole records.
    pub(super) fn records(&self) -> io::Result<u64> {
        Ok(self.index.metadata()?.len() / Record::SIZE as u64)
    }

    /// Position of the last record for which `is_before` holds, of records sorted by it.
    pub(super) fn last_where(&self, is_before: impl Fn(&Record) -> bool) -> io::Result<Option<u64>> {
        let (mut low, mut high) = (0, self.records()?);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.record(middle)? {
                Some(record) if is_before(&record) => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low.checked_sub(1))
    }

    /// Reads data from `offset` into `buffer` as far as there is any.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match os::read_at(&self.data, &mut buffer[filled..], offset - self.start + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}
