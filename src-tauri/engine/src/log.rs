//! The log of a run: every byte that its program wrote, in order of arrival, each piece with its stream and
//! time. *The log file is the queue*: one writer appends and publishes how far it is, every reader pulls at
//! its own pace from its own position, live and past alike.
//!
//! On disk a log is a row of segments. `<offset>.log` holds output bytes exactly as they came, `<offset>.idx`
//! one [`segment::Record`] for each piece. The size limit drops segments from the middle.

pub mod mask;
pub mod reader;
mod reopen;
pub mod search;
mod segment;
pub mod tail;
#[cfg(test)]
mod tests;
pub mod view;
pub mod writer;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use reader::LogReader;
pub(crate) use reopen::Reopened;
pub use tail::Tail;
pub use writer::LogWriter;

/// Where a piece of the log was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The program's standard output, or all that its terminal shows.
    Stdout,
    /// The program's standard error.
    Stderr,
    /// The app's own lines.
    System,
}

impl From<stigmer_runner::Stream> for Stream {
    fn from(stream: stigmer_runner::Stream) -> Self {
        match stream {
            stigmer_runner::Stream::Stdout => Self::Stdout,
            stigmer_runner::Stream::Stderr => Self::Stderr,
        }
    }
}

/// What a reader finds at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of one stream that arrived together.
    Bytes {
        /// Position of the first byte in the log.
        offset: u64,
        /// Microseconds since 1970 when they were read from the program.
        at: u64,
        /// Where they were written.
        stream: Stream,
        /// The bytes, as they came.
        bytes: Bytes,
    },
    /// Bytes that the size limit left out.
    LeftOut {
        /// Position of the first one.
        offset: u64,
        /// How many.
        length: u64,
    },
}

impl Piece {
    /// The position behind this piece, where reading goes on.
    pub fn end(&self) -> u64 {
        match self {
            Self::Bytes { offset, bytes, .. } => offset + bytes.len() as u64,
            Self::LeftOut { offset, length } => offset + length,
        }
    }
}
