//! Which lines pass, decided for a part of a log at a time.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use grep_matcher::LineTerminator;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use memchr::{memchr, memchr_iter};

use super::{Pattern, Streams, View};
use crate::error::{Error, Result};
use crate::log::segment::{Record, Records};

/// What a line must be like.
#[derive(Debug)]
pub(super) struct Filter {
    matcher: Option<RegexMatcher>,
    streams: Streams,
}

impl Filter {
    /// The filter of a view. Fails with [`Error::Pattern`].
    pub(super) fn new(view: &View) -> Result<Self> {
        let pattern = view.pattern.as_ref().filter(|pattern| !pattern.text.is_empty());
        Ok(Self { matcher: pattern.map(matcher).transpose()?, streams: view.streams })
    }

    /// Hands every line in `bytes` that passes to `each`: its number, counted from 0, in order. `bytes` begin at
    /// `offset` of the log, with a line. Returns how many lines there are, the last without an end, too.
    pub(super) fn pass(
        &self,
        bytes: &[u8],
        offset: u64,
        records: &Records,
        stop: &AtomicBool,
        mut each: impl FnMut(u64),
    ) -> io::Result<u64> {
        let mut origins = Origins { streams: self.streams, records, at: 0, now: None };
        let Some(matcher) = &self.matcher else {
            let (mut number, mut begin) = (0, 0);
            while begin < bytes.len() {
                if origins.pass(offset + begin as u64) {
                    each(number);
                }
                number += 1;
                begin = memchr(b'\n', &bytes[begin..]).map_or(bytes.len(), |end| begin + end + 1);
            }
            return Ok(number);
        };
        let mut sink = Passing { offset, origins, stop, each: &mut each, counted: (0, 0), bytes };
        searcher().search_slice(matcher, bytes, &mut sink)?;
        let (at, lines) = sink.counted;
        let rest = &bytes[at..];
        let unended = rest.last().is_some_and(|&byte| byte != b'\n');
        Ok(lines + memchr_iter(b'\n', rest).count() as u64 + u64::from(unended))
    }
}

fn matcher(pattern: &Pattern) -> Result<RegexMatcher> {
    RegexMatcherBuilder::new()
        .fixed_strings(!pattern.regex)
        .multi_line(true)
        .case_insensitive(!pattern.case_sensitive)
        // `$` is before a carriage return, too, which is no part of the text: terminals end every line with one.
        .crlf(true)
        .build(&pattern.text)
        .map_err(|error| Error::Pattern { pattern: pattern.text.clone(), why: error.to_string() })
}

fn searcher() -> Searcher {
    SearcherBuilder::new()
        .binary_detection(BinaryDetection::none())
        // Bytes are what they are, however a log begins.
        .bom_sniffing(false)
        .line_terminator(LineTerminator::crlf())
        .line_number(false)
        .build()
}

/// Which lines were written where.
struct Origins<'a> {
    streams: Streams,
    records: &'a Records,
    at: u64,
    now: Option<Record>,
}

impl Origins<'_> {
    /// Whether the line that begins at `offset` is of a stream that passes. Offsets must rise.
    fn pass(&mut self, offset: u64) -> bool {
        if self.streams.is_all() {
            return true;
        }
        while self.now.is_none_or(|record| record.end() <= offset)
            && let Some(next) = self.records.get(self.at).filter(|next| next.offset <= offset)
        {
            self.now = Some(next);
            self.at += 1;
        }
        let stream = self.now.filter(|record| offset < record.end()).map(|record| record.stream);
        self.streams.has(stream.unwrap_or(crate::log::Stream::Stdout))
    }
}

/// Takes the matches of the searcher.
struct Passing<'a, F> {
    bytes: &'a [u8],
    offset: u64,
    origins: Origins<'a>,
    stop: &'a AtomicBool,
    each: &'a mut F,
    /// A position, and the lines before it.
    counted: (usize, u64),
}

impl<F: FnMut(u64)> Sink for Passing<'_, F> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let begin = usize::try_from(found.absolute_byte_offset()).unwrap_or(usize::MAX);
        let (at, lines) = self.counted;
        let line = lines + memchr_iter(b'\n', &self.bytes[at..begin]).count() as u64;
        // Most often the next match is the next line.
        self.counted = (begin + found.bytes().len(), line + 1);
        if self.origins.pass(self.offset + begin as u64) {
            (self.each)(line);
        }
        Ok(!self.stop.load(Ordering::Relaxed))
    }
}
