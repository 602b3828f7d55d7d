//! Searching a whole log, with ripgrep's own libraries.
//!
//! The files are mapped and searched where they lie in the system's cache, so a log of any size and lines of any
//! length take no memory of ours. What follows left-out bytes is searched as if a line began there.

use std::io;
use std::ops::Range;
use std::path::Path;

use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use tokio_util::sync::CancellationToken;

use super::reader::line_at;
use super::segment::{Segment, offsets};
use crate::error::{Error, Result};
use crate::os::Mapping;

/// Bytes between two looks whether the search should stop.
const WINDOW: usize = 64 << 20;
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
    /// Whether it matches, and does not only stand beside a line that does.
    pub is_match: bool,
    /// What matched, as ranges of `bytes`, as far as they go.
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
    let failed = Error::storage("searching", folder);
    let mut sink =
        Collect { matcher: &matcher, base: 0, base_line: 0, each: &mut each, count: 0, go_on: true };
    let mut go = || {
        for stretch in stretches(folder)? {
            for (begin, window) in windows(&stretch.bytes, query.context) {
                if stop.is_cancelled() || !sink.go_on {
                    return Ok(());
                }
                sink.base = stretch.start + begin as u64;
                sink.base_line = line_at(folder, sink.base)?;
                searcher.search_slice(&matcher, window, &mut sink)?;
            }
        }
        Ok(())
    };
    go().map_err(failed)?;
    Ok(sink.count)
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

/// A part of the log that has no bytes left out, in memory as the system maps its files.
struct Stretch {
    start: u64,
    bytes: Mapping,
}

fn stretches(folder: &Path) -> io::Result<Vec<Stretch>> {
    let mut groups: Vec<Vec<(Segment, u64)>> = Vec::new();
    for start in offsets(folder)? {
        let Some(segment) = Segment::open(folder, start)? else { continue };
        let length = segment.end()? - start;
        let follows = groups
            .last()
            .and_then(|group| group.last())
            .is_some_and(|(last, length)| last.start + length == start && Mapping::can_continue(*length));
        match groups.last_mut().filter(|_| follows) {
            Some(group) => group.push((segment, length)),
            None => groups.push(vec![(segment, length)]),
        }
    }
    let map = |group: Vec<(Segment, u64)>| {
        let start = group.first().map_or(0, |(segment, _)| segment.start);
        let files: Vec<_> = group.iter().map(|(segment, length)| (&segment.data, *length)).collect();
        Ok(Stretch { start, bytes: Mapping::new(&files)? })
    };
    groups.into_iter().map(map).collect()
}

/// Parts of `bytes` of about [`WINDOW`] bytes that end with a line, and where each begins. A stop is heard between
/// them. Lines of context must not be cut off, so a search that shows them gets all at once.
fn windows(bytes: &[u8], context: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(begin..).filter(|rest| !rest.is_empty())?;
        let mut length = rest.len();
        if context == 0 && length > WINDOW {
            let last = memchr::memrchr(b'\n', &rest[..WINDOW]);
            // A line longer than a window goes whole into its own.
            length = last
                .or_else(|| Some(WINDOW + memchr::memchr(b'\n', &rest[WINDOW..])?))
                .map_or(length, |end| end + 1);
        }
        let window = (begin, &rest[..length]);
        begin += length;
        Some(window)
    })
}

struct Collect<'a, F> {
    matcher: &'a RegexMatcher,
    base: u64,
    base_line: u64,
    each: &'a mut F,
    count: u64,
    go_on: bool,
}

impl<F: FnMut(Found) -> bool> Collect<'_, F> {
    fn found(&self, bytes: &[u8], offset: u64, line: Option<u64>) -> Found {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Found {
            line: self.base_line + line.unwrap_or(1) - 1,
            offset: self.base + offset,
            bytes: bytes[..bytes.len().min(SHOWN)].to_vec(),
            is_match: false,
            matches: Vec::new(),
        }
    }
}

impl<F: FnMut(Found) -> bool> Sink for Collect<'_, F> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, line: &SinkMatch<'_>) -> io::Result<bool> {
        let mut found = self.found(line.bytes(), line.absolute_byte_offset(), line.line_number());
        found.is_match = true;
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
