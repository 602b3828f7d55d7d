//! Reading single lines of a log, without reading what lies between.

use std::io;

use memchr::{memchr, memchr_iter, memrchr};

use super::layout::{Layout, Place, Stretch};
use super::{Kind, MOST_TEXT, Row};
use crate::log::Stream;
use crate::log::segment::{Record, Segment};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// Segments that are held open.
const OPEN: usize = 8;
/// Bytes of the end of an overlong line that are searched for what it showed last.
const LAST_SHOWN: u64 = 64 << 10;

/// Reads lines of a log as it was at a moment. Fails with `NotFound` when what it reads is left out meanwhile.
pub(super) struct Lines<'a> {
    layout: &'a Layout,
    segments: Vec<Segment>,
    buffer: Vec<u8>,
    buffered: u64,
    record: Option<(u64, u64, Record)>,
}

/// A row to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub place: Place,
    pub matched: bool,
    pub gap: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn of(layout: &'a Layout) -> Self {
        Self { layout, segments: Vec::new(), buffer: Vec::new(), buffered: 0, record: None }
    }

    /// Reads rows with at most `cut` bytes of text each, until there is too much of it.
    pub(super) fn rows(
        &mut self,
        wanted: impl IntoIterator<Item = Wanted>,
        cut: usize,
    ) -> io::Result<Vec<Row>> {
        let (mut rows, mut text) = (Vec::new(), 0);
        // The line that begins where the last one ended.
        let mut next = None;
        for Wanted { place, matched, gap } in wanted {
            let row = match place {
                Place::Gap { stretch } => self.left_out(stretch),
                Place::Line { stretch: index, line } => {
                    let stretch = &self.layout.stretches[index];
                    let start = match next {
                        Some((place, start)) if place == (index, line) => Some(start),
                        _ => self.start_of(stretch, line)?,
                    };
                    let Some(start) = start else { break };
                    let (row, behind) = self.row(stretch, line, start, cut)?;
                    next = Some(((index, line + 1), behind));
                    row
                }
            };
            text += row.bytes.len();
            rows.push(Row { matched, gap, ..row });
            if text >= MOST_TEXT {
                break;
            }
        }
        Ok(rows)
    }

    fn left_out(&self, stretch: usize) -> Row {
        let offset = self.layout.gap_before(stretch).unwrap_or_default();
        let before = stretch.checked_sub(1).map(|before| &self.layout.stretches[before]);
        Row {
            line: before.map_or(0, Stretch::end_line),
            offset,
            at: 0,
            length: self.layout.stretches[stretch].start - offset,
            kind: Kind::LeftOut,
            matched: false,
            gap: false,
            cut: false,
            begins_later: false,
            unended: false,
            bytes: Vec::new(),
        }
    }

    /// The row of the line that begins at `start`, and where the next line begins.
    fn row(&mut self, stretch: &Stretch, line: u64, start: u64, cut: usize) -> io::Result<(Row, u64)> {
        let (end, is_ended) = self.end_of(stretch, line, start)?;
        let returns = is_ended && end > start && self.chunk(stretch, end - 1)?.first() == Some(&b'\r');
        let length = end - start - u64::from(returns);
        let (record, mut from) = (self.record_at(stretch, start)?, start);
        if length > cut as u64 {
            from = self.shown_last(stretch, start, length)?.unwrap_or(start);
        }
        let rest = start + length - from;
        let bytes = self.read(stretch, from, rest.min(cut as u64))?;
        // At a gap, too, the text stops before the line does.
        let is_last = stretch.end == self.layout.bytes();
        let row = Row {
            line,
            offset: start,
            at: record.map_or(0, |record| record.at),
            length,
            kind: record.map_or(Stream::Stdout, |record| record.stream).into(),
            matched: false,
            gap: false,
            cut: rest > cut as u64 || (!is_ended && !is_last),
            begins_later: from > start,
            unended: !is_ended && is_last,
            bytes,
        };
        Ok((row, end + u64::from(is_ended)))
    }

    /// Where the text begins that an overlong line showed last, if it was redrawn near its end.
    fn shown_last(&mut self, stretch: &Stretch, start: u64, length: u64) -> io::Result<Option<u64>> {
        let from = start + length - length.min(LAST_SHOWN);
        let text = self.read(stretch, from, start + length - from)?;
        // Carriage returns at the very end have nothing behind them.
        let shown = text.len() - text.iter().rev().take_while(|&&byte| byte == b'\r').count();
        Ok(memrchr(b'\r', &text[..shown]).map(|at| from + at as u64 + 1))
    }

    /// Where a line begins; `None` if there is none with this number.
    pub(super) fn start_of(&mut self, stretch: &Stretch, line: u64) -> io::Result<Option<u64>> {
        if line <= stretch.line {
            return Ok((line == stretch.line).then_some(stretch.start));
        }
        // A record's `line` is the one that its first byte is in. One that begins within has a later number.
        let before = self.last_record(stretch, |record| record.line < line)?;
        let (mut number, mut at) =
            before.map_or((stretch.line, stretch.start), |record| (record.line, record.offset));
        loop {
            let bytes = self.chunk(stretch, at)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let ends = memchr_iter(b'\n', bytes).count() as u64;
            if number + ends >= line {
                let nth = usize::try_from(line - number - 1).unwrap_or(usize::MAX);
                let end = memchr_iter(b'\n', bytes).nth(nth).map(|end| at + end as u64 + 1);
                return Ok(end.filter(|&start| start < stretch.end));
            }
            number += ends;
            at += bytes.len() as u64;
        }
    }

    /// Where a line ends that begins at `start`, and whether with a line end.
    pub(super) fn end_of(&mut self, stretch: &Stretch, line: u64, start: u64) -> io::Result<(u64, bool)> {
        let (mut at, mut is_near) = (start, true);
        loop {
            let bytes = self.chunk(stretch, at)?;
            if let Some(end) = memchr(b'\n', bytes) {
                return Ok((at + end as u64, true));
            }
            if bytes.is_empty() {
                return Ok((at, false));
            }
            at += bytes.len() as u64;
            if is_near && at - start >= CHUNK as u64 {
                is_near = false;
                if line >= stretch.line + stretch.ends {
                    return Ok((stretch.end, false));
                }
                // The last piece that begins in the line has its end.
                let last = self.last_record(stretch, |record| record.line <= line)?;
                at = last.map_or(at, |record| record.offset.max(at));
            }
        }
    }

    /// The number of the line that the byte at `offset` is in.
    pub(super) fn line_at(&mut self, stretch: &Stretch, offset: u64) -> io::Result<u64> {
        let before = self.last_record(stretch, |record| record.offset <= offset)?;
        let (mut line, mut at) =
            before.map_or((stretch.line, stretch.start), |record| (record.line, record.offset));
        while at < offset {
            let bytes = self.chunk(stretch, at)?;
            let length = usize::try_from(offset - at).unwrap_or(usize::MAX).min(bytes.len());
            if length == 0 {
                break;
            }
            line += memchr_iter(b'\n', &bytes[..length]).count() as u64;
            at += length as u64;
        }
        Ok(line)
    }

    /// The last record for which `is_before` holds, of records sorted by it.
    fn last_record(
        &mut self,
        stretch: &Stretch,
        is_before: impl Fn(&Record) -> bool,
    ) -> io::Result<Option<Record>> {
        let (mut low, mut high) = (0, stretch.segments.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let first = self.segment(stretch.segments[middle])?.record(0)?;
            if first.is_some_and(|record| is_before(&record)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(found) = low.checked_sub(1) else { return Ok(None) };
        let segment = self.segment(stretch.segments[found])?;
        match segment.last_where(is_before)? {
            Some(at) => segment.record(at),
            None => Ok(None),
        }
    }

    /// The record that describes the byte at `offset`; `None` where the index is damaged.
    fn record_at(&mut self, stretch: &Stretch, offset: u64) -> io::Result<Option<Record>> {
        let has = |record: &Record| record.offset <= offset && offset < record.end();
        let (start, _) = stretch.segment_of(offset);
        if let Some((segment, at, record)) = self.record.filter(|(segment, ..)| *segment == start) {
            if has(&record) {
                return Ok(Some(record));
            }
            // Most often it is the next one.
            if let Some(next) = self.segment(segment)?.record(at + 1)?.filter(has) {
                self.record = Some((segment, at + 1, next));
                return Ok(Some(next));
            }
        }
        let segment = self.segment(start)?;
        let Some(at) = segment.last_where(|record| record.offset <= offset)? else { return Ok(None) };
        let found = segment.record(at)?.filter(has);
        self.record = found.map(|record| (start, at, record)).or(self.record);
        Ok(found)
    }

    fn read(&mut self, stretch: &Stretch, mut from: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut all = Vec::with_capacity(length);
        while all.len() < length {
            let bytes = self.chunk(stretch, from)?;
            let now = bytes.len().min(length - all.len());
            if now == 0 {
                break;
            }
            all.extend_from_slice(&bytes[..now]);
            from += now as u64;
        }
        Ok(all)
    }

    /// Some bytes from `offset` on; none at the end of the stretch.
    fn chunk(&mut self, stretch: &Stretch, offset: u64) -> io::Result<&[u8]> {
        if offset >= stretch.end {
            return Ok(&[]);
        }
        if offset < self.buffered || offset >= self.buffered + self.buffer.len() as u64 {
            let (start, end) = stretch.segment_of(offset);
            let length = usize::try_from(end - offset).unwrap_or(CHUNK).min(CHUNK);
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.resize(length, 0);
            let read = self.segment(start)?.read(offset, &mut buffer)?;
            buffer.truncate(read);
            (self.buffer, self.buffered) = (buffer, offset);
        }
        let from = usize::try_from(offset - self.buffered).unwrap_or_default();
        Ok(self.buffer.get(from..).unwrap_or_default())
    }

    fn segment(&mut self, start: u64) -> io::Result<&Segment> {
        let at = match self.segments.iter().position(|segment| segment.start == start) {
            Some(at) => at,
            None => {
                let opened = Segment::open(&self.layout.folder, start)?.ok_or(io::ErrorKind::NotFound)?;
                if self.segments.len() == OPEN {
                    self.segments.remove(0);
                }
                self.segments.push(opened);
                self.segments.len() - 1
            }
        };
        Ok(&self.segments[at])
    }
}
