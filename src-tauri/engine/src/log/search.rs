//! Searching a whole log, with ripgrep's own libraries.
//!
//! Works on the files segment by segment in constant memory. A line longer than [`LINE`] is searched in parts of
//! that length; what follows left-out bytes is searched as if a line began there.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use tokio_util::sync::CancellationToken;

use super::segment::{Segment, offsets};
use crate::error::{Error, Result};

/// Longest line that is searched as a whole, in bytes.
pub const LINE: usize = 1 << 20;
/// Most bytes of a line that a [`Found`] carries.
const SHOWN: usize = 64 << 10;
/// Most matches that are marked in one line.
const MARKED: usize = 1_000;

/// What to search for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// A regular expression in the syntax of the `regex` crate, or plain text.
    pub pattern: String,
    /// Whether the pattern is plain text.
    pub fixed: bool,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
    /// Lines to show before and after each match.
    pub context: usize,
}

/// A line that matches, or stands beside one that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its number, from 0.
    pub line: u64,
    /// Position of its first byte in the log.
    pub offset: u64,
    /// Its bytes without the line end, the first 64 KiB of them.
    pub bytes: Vec<u8>,
    /// What matched, as ranges of `bytes`; empty in a line of context.
    pub matches: Vec<Range<usize>>,
}

/// Searches the log in `folder` and hands every line found to `each`, in order, until that returns `false`, the
/// search is stopped, or the log ends. Returns the number of lines that matched.
pub fn search(
    folder: &Path,
    query: &Query,
    stop: &CancellationToken,
    mut each: impl FnMut(Found) -> bool,
) -> Result<u64> {
    let matcher = matcher(query)?;
    let mut searcher = SearcherBuilder::new()
        .binary_detection(BinaryDetection::none())
        .line_number(true)
        .before_context(query.context)
        .after_context(query.context)
        .build();
    let mut count = 0;
    for stretch in stretches(folder).map_err(Error::storage("reading", folder))? {
        let mut source = Source::new(folder, stretch, stop);
        let base_line = source.first_line().map_err(Error::storage("reading", folder))?;
        let base = source.stretch.start;
        let cuts = std::rc::Rc::clone(&source.cuts);
        let mut sink =
            Collect { matcher: &matcher, base, base_line, cuts, each: &mut each, count: 0, go_on: true };
        searcher
            .search_reader(&matcher, &mut source, &mut sink)
            .map_err(Error::storage("searching", folder))?;
        count += sink.count;
        if !sink.go_on || stop.is_cancelled() {
            break;
        }
    }
    Ok(count)
}

fn matcher(query: &Query) -> Result<RegexMatcher> {
    RegexMatcherBuilder::new()
        .fixed_strings(query.fixed)
        // `^` and `$` are those of a line. Without it the searcher must try every line by itself.
        .multi_line(true)
        .case_insensitive(query.ignore_case)
        .line_terminator(Some(b'\n'))
        .build(&query.pattern)
        .map_err(|error| Error::Pattern { pattern: query.pattern.clone(), why: error.to_string() })
}

/// The ranges of the log that have no bytes left out.
fn stretches(folder: &Path) -> io::Result<Vec<Range<u64>>> {
    let mut stretches: Vec<Range<u64>> = Vec::new();
    for start in offsets(folder)? {
        let Some(segment) = Segment::open(folder, start)? else { continue };
        let end = segment.end()?;
        match stretches.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => stretches.push(start..end),
        }
    }
    Ok(stretches)
}

/// Positions in what the searcher reads at which a line end was put in that is not in the log.
type Cuts = std::rc::Rc<std::cell::RefCell<Vec<u64>>>;

/// One stretch as a reader that cuts lines at [`LINE`].
struct Source<'a> {
    folder: &'a Path,
    stretch: Range<u64>,
    position: u64,
    segment: Option<Segment>,
    /// Bytes since the last line end.
    open_line: usize,
    cuts: Cuts,
    stop: &'a CancellationToken,
}

impl<'a> Source<'a> {
    fn new(folder: &'a Path, stretch: Range<u64>, stop: &'a CancellationToken) -> Self {
        let position = stretch.start;
        Self { folder, stretch, position, segment: None, open_line: 0, cuts: Cuts::default(), stop }
    }

    fn first_line(&self) -> io::Result<u64> {
        let segment = Segment::open(self.folder, self.stretch.start)?;
        let record = segment.map(|segment| segment.record(0)).transpose()?.flatten();
        Ok(record.map_or(0, |record| record.line))
    }

    fn read_log(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(segment) = &self.segment {
                let read = segment.read(self.position, buffer)?;
                if read > 0 || self.position >= self.stretch.end {
                    self.position += read as u64;
                    return Ok(read);
                }
            }
            self.segment = Segment::open(self.folder, self.position)?;
            if self.segment.is_none() {
                return Ok(0);
            }
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() || buffer.is_empty() {
            return Ok(0);
        }
        if self.open_line == LINE {
            let cuts = self.cuts.borrow().len() as u64;
            self.cuts.borrow_mut().push(self.position - self.stretch.start + cuts);
            self.open_line = 0;
            buffer[0] = b'\n';
            return Ok(1);
        }
        let room = buffer.len().min(LINE - self.open_line);
        let read = self.read_log(&mut buffer[..room])?;
        self.open_line = match memchr::memrchr(b'\n', &buffer[..read]) {
            Some(end) => read - end - 1,
            None => self.open_line + read,
        };
        Ok(read)
    }
}

struct Collect<'a, F> {
    matcher: &'a RegexMatcher,
    base: u64,
    base_line: u64,
    cuts: Cuts,
    each: &'a mut F,
    count: u64,
    go_on: bool,
}

impl<F: FnMut(Found) -> bool> Collect<'_, F> {
    fn found(&self, bytes: &[u8], offset: u64, line: Option<u64>) -> Found {
        let cuts = self.cuts.borrow().partition_point(|&cut| cut < offset) as u64;
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Found {
            line: self.base_line + line.unwrap_or(1) - 1 - cuts,
            offset: self.base + offset - cuts,
            bytes: bytes[..bytes.len().min(SHOWN)].to_vec(),
            matches: Vec::new(),
        }
    }
}

impl<F: FnMut(Found) -> bool> Sink for Collect<'_, F> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, line: &SinkMatch<'_>) -> io::Result<bool> {
        let mut found = self.found(line.bytes(), line.absolute_byte_offset(), line.line_number());
        let matches = &mut found.matches;
        self.matcher
            .find_iter(&found.bytes, |range| {
                matches.push(range.start()..range.end());
                matches.len() < MARKED
            })
            .map_err(io::Error::other)?;
        self.count += 1;
        self.go_on = (self.each)(found);
        Ok(self.go_on)
    }

    fn context(&mut self, _: &Searcher, line: &SinkContext<'_>) -> io::Result<bool> {
        let found = self.found(line.bytes(), line.absolute_byte_offset(), line.line_number());
        self.go_on = (self.each)(found);
        Ok(self.go_on)
    }
}
