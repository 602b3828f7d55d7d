//! What there is of a log at a moment: its stretches without a gap, and which row is where.

use std::io;
use std::path::{Path, PathBuf};

use memchr::memchr_iter;

use crate::log::segment::{Record, Segment, offsets};

/// A log at a moment. What is appended later is not seen.
#[derive(Debug)]
pub(super) struct Layout {
    pub folder: PathBuf,
    pub stretches: Vec<Stretch>,
}

/// A part of a log that has no bytes left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub start: u64,
    pub end: u64,
    /// Where its segments begin, in order; the first is `start`.
    pub segments: Vec<u64>,
    /// Number of the line that its first byte is in.
    pub line: u64,
    /// Line ends in it.
    pub ends: u64,
    /// Whether its last byte is no line end.
    pub unended: bool,
}

/// What a row of the whole log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A line, of the stretch with this index.
    Line { stretch: usize, line: u64 },
    /// What is left out before the stretch with this index.
    Gap { stretch: usize },
}

impl Stretch {
    /// The number behind that of its last line.
    pub(super) fn end_line(&self) -> u64 {
        self.line + self.ends + u64::from(self.unended)
    }

    pub(super) fn lines(&self) -> u64 {
        self.end_line() - self.line
    }

    /// Where the segment begins that has the byte at `offset`, and where it ends.
    pub(super) fn segment_of(&self, offset: u64) -> (u64, u64) {
        let next = self.segments.partition_point(|&start| start <= offset);
        let start = next.checked_sub(1).and_then(|at| self.segments.get(at)).copied();
        (start.unwrap_or(self.start), self.segments.get(next).copied().unwrap_or(self.end))
    }
}

impl Layout {
    /// Looks at the log in `folder`. Costs the same however long the log is, but for its number of segments.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for start in offsets(folder)? {
            let end = match std::fs::metadata(crate::log::segment::data_path(folder, start)) {
                Ok(found) => start + found.len(),
                // Left out meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match stretches.last_mut().filter(|last| last.end == start) {
                Some(last) => {
                    last.segments.push(start);
                    last.end = end;
                }
                None => {
                    stretches.push(Stretch {
                        start,
                        end,
                        segments: vec![start],
                        line: 0,
                        ends: 0,
                        unended: false,
                    });
                }
            }
        }
        stretches.retain(|stretch| stretch.end > stretch.start);
        let mut line = 0;
        for stretch in &mut stretches {
            stretch.line = first_record(folder, stretch.start)?.map_or(line, |record| record.line);
            count(folder, stretch)?;
            line = stretch.line + stretch.ends;
        }
        Ok(Self { folder: folder.to_owned(), stretches })
    }

    /// Bytes of the log, left-out ones included.
    pub(super) fn bytes(&self) -> u64 {
        self.stretches.last().map_or(0, |last| last.end)
    }

    /// Lines of the log, left-out ones included.
    pub(super) fn lines(&self) -> u64 {
        self.stretches.last().map_or(0, Stretch::end_line)
    }

    /// Where what is left out before a stretch begins, if something is.
    pub(super) fn gap_before(&self, stretch: usize) -> Option<u64> {
        let before = stretch.checked_sub(1).map_or(0, |before| self.stretches[before].end);
        (before < self.stretches.get(stretch)?.start).then_some(before)
    }

    /// Rows of the whole log.
    pub(super) fn rows(&self) -> u64 {
        self.first_row(self.stretches.len())
    }

    /// Lines that are there.
    pub(super) fn kept_lines(&self) -> u64 {
        self.stretches.iter().map(Stretch::lines).sum()
    }

    /// The row of the first line of a stretch; behind the last stretch the number of rows.
    pub(super) fn first_row(&self, stretch: usize) -> u64 {
        let before: u64 = self.stretches[..stretch].iter().map(Stretch::lines).sum();
        before + (0..=stretch).filter(|&at| self.gap_before(at).is_some()).count() as u64
    }

    /// What the row with this number shows.
    pub(super) fn place(&self, row: u64) -> Option<Place> {
        for (index, stretch) in self.stretches.iter().enumerate() {
            let first = self.first_row(index);
            if row < first {
                return Some(Place::Gap { stretch: index });
            }
            if row - first < stretch.lines() {
                return Some(Place::Line { stretch: index, line: stretch.line + (row - first) });
            }
        }
        None
    }

    /// The row that shows a line: of one that was left out the row of the gap, behind the end the number of rows.
    pub(super) fn row_of(&self, line: u64) -> u64 {
        for (index, stretch) in self.stretches.iter().enumerate() {
            let first = self.first_row(index);
            if line < stretch.line {
                return first.saturating_sub(1);
            }
            if line < stretch.end_line() {
                return first + (line - stretch.line);
            }
        }
        self.rows()
    }

    /// The stretch that has the byte at `offset`, or else the first behind it.
    pub(super) fn stretch_at(&self, offset: u64) -> Option<usize> {
        let at = self.stretches.partition_point(|stretch| stretch.end <= offset);
        (at < self.stretches.len()).then_some(at)
    }
}

fn first_record(folder: &Path, start: u64) -> io::Result<Option<Record>> {
    Segment::open(folder, start)?.map_or(Ok(None), |segment| segment.record(0))
}

/// Counts the line ends of a stretch: the index knows them up to its last piece.
fn count(folder: &Path, stretch: &mut Stretch) -> io::Result<()> {
    let (mut ends, mut from) = (0, stretch.start);
    for &start in stretch.segments.iter().rev() {
        let Some(segment) = Segment::open(folder, start)? else { continue };
        let last = segment.last_where(|record| record.offset < stretch.end)?;
        if let Some(record) = last.map(|at| segment.record(at)).transpose()?.flatten() {
            ends = record.line.saturating_sub(stretch.line);
            from = record.offset;
            break;
        }
    }
    let mut buffer = vec![0; usize::try_from(stretch.end - from).unwrap_or(usize::MAX).min(256 << 10)];
    let mut last = b'\n';
    while from < stretch.end {
        let (start, segment_end) = stretch.segment_of(from);
        let Some(segment) = Segment::open(folder, start)? else { break };
        let length = usize::try_from(segment_end - from).unwrap_or(usize::MAX).min(buffer.len());
        let read = segment.read(from, &mut buffer[..length])?;
        let Some(&byte) = buffer[..read].last() else { break };
        last = byte;
        ends += memchr_iter(b'\n', &buffer[..read]).count() as u64;
        from += read as u64;
    }
    (stretch.ends, stretch.unended) = (ends, last != b'\n');
    Ok(())
}
