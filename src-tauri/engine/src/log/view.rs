//! A log as a viewer shows it: numbered rows, read by range, of the whole log or of the lines that pass a filter.
//!
//! A row is a line of the log, split at line feeds; a carriage return before one is left out. A stretch that the
//! size limit left out is one row. Of the whole log a row's number is its line's, as long as nothing is left out:
//! behind a gap it is lower by the lines that the gap swallowed, less one for the gap itself.
//!
//! What a row costs depends on neither the length of the log nor that of the line: lines are found through the
//! index, and of a long one only the ends are read. Lines that pass a filter are found by a scan in the background,
//! and remembered.

mod filter;
mod layout;
mod lines;
mod ranges;
mod shown;
mod sieve;
#[cfg(test)]
mod tests;
mod views;

use super::Stream;

pub use views::Views;

/// Most bytes of text that one call returns, however many rows were asked for.
pub const MOST_TEXT: usize = 16 << 20;

/// Most rows that one call returns.
pub const MOST_ROWS: usize = 10_000;
/// Most lines of context on each side of one that passes.
pub const MOST_CONTEXT: usize = 10_000;

/// Which lines to see. The default is the whole log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct View {
    /// What a line must contain.
    pub pattern: Option<Pattern>,
    /// Where a line must have been written; none given is any.
    pub streams: Streams,
    /// Lines to show before and after each that passes.
    pub context: usize,
}

impl View {
    /// Whether every line passes.
    pub fn is_whole(&self) -> bool {
        self.streams.is_all() && self.pattern.as_ref().is_none_or(|pattern| pattern.text.is_empty())
    }
}

/// What a line must contain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The text.
    pub text: String,
    /// Whether it is a regular expression in the syntax of the `regex` crate, and not plain text.
    pub regex: bool,
    /// Whether upper and lower case differ.
    pub case_sensitive: bool,
}

/// A set of streams. An empty one stands for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Streams(u8);

impl Streams {
    /// Whether every stream is in it.
    pub fn is_all(self) -> bool {
        self.0 == 0 || self == [Stream::Stdout, Stream::Stderr, Stream::System].into_iter().collect()
    }

    /// Whether lines of this stream pass.
    pub fn has(self, stream: Stream) -> bool {
        self.0 == 0 || self.0 & Self::bit(stream) != 0
    }

    const fn bit(stream: Stream) -> u8 {
        match stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
            Stream::System => 4,
        }
    }
}

impl FromIterator<Stream> for Streams {
    fn from_iter<I: IntoIterator<Item = Stream>>(streams: I) -> Self {
        Self(streams.into_iter().fold(0, |all, stream| all | Self::bit(stream)))
    }
}

/// How much there is to see now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Viewed {
    /// Rows of the view.
    pub rows: u64,
    /// Lines of the whole log, left-out ones included; the last counts without a line end, too.
    pub lines: u64,
    /// Bytes of the whole log, left-out ones included.
    pub bytes: u64,
    /// Lines that pass the filter; of the whole log all that are there.
    pub matches: u64,
    /// Whether the filter has seen all of these bytes. Else there is more at the next call.
    pub complete: bool,
    /// Whether the log will not grow any more.
    pub ended: bool,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line of standard output.
    Stdout,
    /// A line of standard error.
    Stderr,
    /// A line of the app's own.
    System,
    /// Bytes that the size limit left out.
    LeftOut,
}

impl From<Stream> for Kind {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Stdout => Self::Stdout,
            Stream::Stderr => Self::Stderr,
            Stream::System => Self::System,
        }
    }
}

/// A line of a log, or what stands for lines that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number of the line, from 0.
    pub line: u64,
    /// Position of its first byte in the log.
    pub offset: u64,
    /// When its first byte was read from the program, in microseconds since 1970; 0 if that is not known.
    pub at: u64,
    /// Length of the whole line without its end; of a gap the bytes that were left out.
    pub length: u64,
    /// What it is. A line is of the stream in which it began.
    pub kind: Kind,
    /// Whether it passes the filter, and is not only beside a line that does.
    pub matched: bool,
    /// Whether lines were left away between the row before and this one.
    pub gap: bool,
    /// Whether `bytes` stop before the line does.
    pub cut: bool,
    /// Whether `bytes` begin behind a carriage return in the line: what a long line showed last.
    pub begins_later: bool,
    /// Whether the log ends here without a line end.
    pub unended: bool,
    /// Its text, as far as it was asked for.
    pub bytes: Vec<u8>,
}

/// Where the next match is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hit {
    /// Its line; `None` if there is no more (so far, if the search is not complete).
    pub line: Option<u64>,
    /// Its row in the whole log.
    pub row: u64,
    /// Which match it is, from 0.
    pub index: u64,
    /// How many there are.
    pub total: u64,
    /// Whether all of the log was searched.
    pub complete: bool,
}
