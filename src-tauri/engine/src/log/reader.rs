//! Reading a log from any position: forwards by piece, or a window of lines.
//!
//! A reader looks at nothing but the files, so a log can be read while another process writes it. It finds
//! what is there now and does not wait; [`super::Tail`] waits.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use memchr::memchr_iter;

use super::Piece;
use super::segment::{Record, Segment, offsets};
use crate::error::{Error, Result};

/// Most bytes in one piece that a reader returns.
pub const PIECE: usize = 256 << 10;

/// Reads the log in a run's folder.
#[derive(Debug)]
pub struct LogReader {
    folder: PathBuf,
    position: u64,
    at: Option<Place>,
}

/// An open segment and the record that the position is in, or behind.
#[derive(Debug)]
struct Place {
    segment: Segment,
    record: u64,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 0.
    pub number: u64,
    /// Position of its first byte.
    pub offset: u64,
    /// Its bytes without the line end, cut at the length that was asked for.
    pub bytes: Vec<u8>,
    /// Its whole length in bytes, without the line end.
    pub length: u64,
}

impl LogReader {
    /// Reads the log in `folder`, from its beginning.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), position: 0, at: None }
    }

    /// The position of the next byte to read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes on reading at `position`.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
        self.at = None;
    }

    /// The next piece, at most [`PIECE`] bytes; `None` where the log ends for now.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        self.find_piece().map_err(Error::storage("reading", &self.folder))
    }

    /// The position behind the last byte.
    pub fn length(&self) -> Result<u64> {
        let end = || match offsets(&self.folder)?.last() {
            Some(&start) => Segment::open(&self.folder, start)?.map_or(Ok(start), |segment| segment.end()),
            None => Ok(0),
        };
        end().map_err(Error::storage("reading", &self.folder))
    }

    /// Number of lines; the last one counts without a line end, too.
    pub fn line_count(&self) -> Result<u64> {
        count_lines(&self.folder).map_err(Error::storage("reading", &self.folder))
    }

    /// At most `count` lines from number `first` on, each cut after `cut` bytes.
    pub fn lines(&self, first: u64, count: usize, cut: usize) -> Result<Vec<Line>> {
        let mut reader = Self::open(&self.folder);
        let start = line_start(&self.folder, first).map_err(Error::storage("reading", &self.folder))?;
        let Some((number, offset)) = start else { return Ok(Vec::new()) };
        reader.seek(offset);
        let mut lines = Lines { number, first, count, cut, found: Vec::new(), open: None };
        while lines.found.len() < count {
            match reader.next_piece()? {
                Some(Piece::Bytes { offset, bytes, .. }) => lines.take(offset, &bytes),
                Some(piece @ Piece::LeftOut { .. }) => lines.skip_to(&self.folder, piece.end())?,
                None => break,
            }
        }
        Ok(lines.finish())
    }

    fn find_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let Some(place) = &mut self.at else {
                match self.locate()? {
                    Located::Inside(place) => self.at = Some(place),
                    Located::LeftOut(end) => {
                        let piece = Piece::LeftOut { offset: self.position, length: end - self.position };
                        self.position = end;
                        return Ok(Some(piece));
                    }
                    Located::End => return Ok(None),
                }
                continue;
            };
            let data_end = place.segment.end()?;
            match place.segment.record(place.record)? {
                Some(record)
                    if record.offset <= self.position && self.position < record.end().min(data_end) =>
                {
                    return self.read_from(record, data_end).map(Some);
                }
                // The record before may have grown between our look at it and at the number of records.
                Some(record) if self.position < record.offset => {
                    let before =
                        place.record.checked_sub(1).map(|at| place.segment.record(at)).transpose()?;
                    let before = before.flatten().filter(|before| before.end() > self.position);
                    let before = before.unwrap_or_else(|| self.undescribed(record.offset));
                    return self.read_from(before, data_end).map(Some);
                }
                // Behind this record: the next one, or the next segment, may have begun meanwhile.
                Some(record)
                    if self.position >= record.end() && place.segment.records()? > place.record + 1 =>
                {
                    place.record += 1;
                }
                _ if self.position < data_end => {
                    return self.read_from(self.undescribed(data_end), data_end).map(Some);
                }
                _ if self.has_later_segment()? => self.at = None,
                _ => return Ok(None),
            }
        }
    }

    /// Stands in for what a damaged index does not say: the bytes are there and are given out, without a time.
    fn undescribed(&self, end: u64) -> Record {
        let length = u32::try_from(end - self.position).unwrap_or(u32::MAX);
        Record { offset: self.position, at: 0, line: 0, length, stream: super::Stream::Stdout }
    }

    /// Reads from the position to the end of `record`, [`PIECE`] bytes at most.
    fn read_from(&mut self, record: Record, data_end: u64) -> io::Result<Piece> {
        let place = self.at.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let length = (record.end().min(data_end) - self.position).min(PIECE as u64);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(PIECE)];
        let read = place.segment.read(self.position, &mut bytes)?;
        bytes.truncate(read);
        let piece = Piece::Bytes {
            offset: self.position,
            at: record.at,
            stream: record.stream,
            bytes: Bytes::from(bytes),
        };
        self.position = piece.end();
        Ok(piece)
    }

    fn has_later_segment(&self) -> io::Result<bool> {
        let current = self.at.as_ref().map_or(0, |place| place.segment.start);
        // The successor of a segment is named by where it ends: one look instead of a listing.
        if super::segment::data_path(&self.folder, self.position).exists() && self.position > current {
            return Ok(true);
        }
        Ok(offsets(&self.folder)?.last().is_some_and(|&last| last > current))
    }

    /// The segment and record of the position.
    fn locate(&self) -> io::Result<Located> {
        let starts = offsets(&self.folder)?;
        let following = starts.partition_point(|&start| start <= self.position);
        if let Some(&start) = following.checked_sub(1).and_then(|index| starts.get(index))
            && let Some(segment) = Segment::open(&self.folder, start)?
            && (self.position < segment.end()? || following == starts.len())
        {
            let record = segment.last_where(|record| record.offset <= self.position)?.unwrap_or(0);
            return Ok(Located::Inside(Place { segment, record }));
        }
        Ok(starts.get(following).map_or(Located::End, |&start| Located::LeftOut(start)))
    }
}

enum Located {
    Inside(Place),
    LeftOut(u64),
    End,
}

fn count_lines(folder: &Path) -> io::Result<u64> {
    for &start in offsets(folder)?.iter().rev() {
        let Some(segment) = Segment::open(folder, start)? else { continue };
        let Some(last) =
            segment.last_where(|_| true)?.map(|last| segment.record(last)).transpose()?.flatten()
        else {
            continue;
        };
        let mut bytes = vec![0; last.length as usize];
        let read = segment.read(last.offset, &mut bytes)?;
        let bytes = &bytes[..read];
        let ends = memchr_iter(b'\n', bytes).count() as u64;
        return Ok(last.line + ends + u64::from(bytes.last().is_some_and(|&byte| byte != b'\n')));
    }
    Ok(0)
}

/// The number of the line that the byte at `offset` is in; as if one began there where bytes before are left out.
pub(super) fn line_at(folder: &Path, offset: u64) -> io::Result<u64> {
    let starts = offsets(folder)?;
    let before = starts.partition_point(|&start| start <= offset);
    let Some(&start) = before.checked_sub(1).and_then(|index| starts.get(index)) else { return Ok(0) };
    let Some(segment) = Segment::open(folder, start)? else { return Ok(0) };
    let record =
        segment.last_where(|record| record.offset <= offset)?.map(|at| segment.record(at)).transpose()?;
    let Some(record) = record.flatten() else { return Ok(0) };
    let length = (offset - record.offset).min(record.length.into());
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(PIECE)];
    let read = segment.read(record.offset, &mut bytes)?;
    Ok(record.line + memchr_iter(b'\n', &bytes[..read]).count() as u64)
}

/// The number of a line at or before `wanted`, and a position in or before it from where to count. `None` where
/// the log is empty.
fn line_start(folder: &Path, wanted: u64) -> io::Result<Option<(u64, u64)>> {
    let mut best = None;
    for &start in &offsets(folder)? {
        let Some(segment) = Segment::open(folder, start)? else { continue };
        // A record's `line` counts the line ends before it: its first bytes belong to that line, which may have
        // begun earlier. The line that begins inside is found by counting, so it must begin strictly later.
        let found = segment.last_where(|record| record.line < wanted)?;
        match found {
            Some(position) => {
                best = segment.record(position)?.map(|record| (record.line, record.offset));
            }
            None if best.is_none() => {
                best = segment.record(0)?.map(|record| (record.line, record.offset));
            }
            None => break,
        }
    }
    Ok(best)
}

/// Collects lines out of pieces.
struct Lines {
    number: u64,
    first: u64,
    count: usize,
    cut: usize,
    found: Vec<Line>,
    open: Option<Line>,
}

impl Lines {
    fn take(&mut self, mut offset: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.found.len() < self.count {
            let end = memchr::memchr(b'\n', bytes);
            let text = &bytes[..end.unwrap_or(bytes.len())];
            if self.number >= self.first {
                let line = self.open.get_or_insert_with(|| Line {
                    number: self.number,
                    offset,
                    bytes: Vec::new(),
                    length: 0,
                });
                let room = self.cut.saturating_sub(line.bytes.len());
                line.bytes.extend_from_slice(&text[..text.len().min(room)]);
                line.length += text.len() as u64;
            }
            let Some(end) = end else { return };
            self.found.extend(self.open.take());
            self.number += 1;
            offset += end as u64 + 1;
            bytes = &bytes[end + 1..];
        }
    }

    /// Goes on behind left-out bytes, where the index knows the number of the line.
    fn skip_to(&mut self, folder: &Path, offset: u64) -> Result<()> {
        self.found.extend(self.open.take());
        let record = Segment::open(folder, offset)
            .and_then(|segment| segment.map_or(Ok(None), |segment| segment.record(0)))
            .map_err(Error::storage("reading", folder))?;
        self.number = record.map_or(self.number, |record| record.line);
        Ok(())
    }

    fn finish(mut self) -> Vec<Line> {
        if self.found.len() < self.count {
            self.found.extend(self.open.take());
        }
        self.found
    }
}
