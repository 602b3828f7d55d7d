//! What the command line and a server say to each other about a run that belongs to its connection.
//!
//! Two streams in each direction share a socket and must not wait for each other: a program that does not read its
//! input must still hear that it should stop, a terminal that takes no output must still learn that the run is over.
//! So nobody sends more than the other side has room for: output counts bytes, input counts pieces, and each is
//! allowed again when it was taken. Everything else is small and passes by.

use std::path::PathBuf;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use stigmer_engine::config::UserFile;
use stigmer_engine::history::Event;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::log::{Piece, Stream};
use stigmer_engine::spec::{RunId, RunSpec};
use stigmer_engine::{Error, Report};

/// Bytes of output on their way at most; one piece more may be sent.
pub(crate) const OUTPUT: u64 = 1 << 20;

/// Pieces of input on their way at most.
pub(crate) const INPUT: usize = 4;

/// The path of the socket.
pub(crate) const PATH: &str = "/api/v1/runs/attach";

/// The first message of a client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// What to run, with the caller's own environment, from which the settings come, too.
    pub spec: RunSpec,
    /// The caller's settings file.
    pub user: SettingsFile,
    /// Whether the run outlives the connection.
    pub detached: bool,
}

/// The user's settings file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SettingsFile {
    /// At its usual place.
    Usual(PathBuf),
    /// Named by the caller.
    Named(PathBuf),
}

impl From<&UserFile> for SettingsFile {
    fn from(file: &UserFile) -> Self {
        match file {
            UserFile::Usual(path) => Self::Usual(path.clone()),
            UserFile::Named(path) => Self::Named(path.clone()),
        }
    }
}

impl From<SettingsFile> for UserFile {
    fn from(file: SettingsFile) -> Self {
        match file {
            SettingsFile::Usual(path) => Self::Usual(path),
            SettingsFile::Named(path) => Self::Named(path),
        }
    }
}

/// What a client says after that, in text. Its input comes in binary messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    /// This much of the output was taken.
    Taken {
        /// In bytes.
        bytes: u64,
    },
    /// There is no more input.
    EndInput,
    /// The terminal has another size.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// The run shall end.
    Stop {
        /// As Ctrl-C does it, and not as `kill` does.
        interrupt: bool,
        /// At once.
        force: bool,
    },
}

impl Asked {
    pub(crate) fn stop(stop: Stop) -> Option<Self> {
        match stop {
            Stop::No => None,
            Stop::Ask(manner) => Some(Self::Stop { interrupt: manner == Manner::Interrupt, force: false }),
            Stop::Force => Some(Self::Stop { interrupt: false, force: true }),
        }
    }
}

/// What a server says, in text. Output comes in binary messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// There is a run.
    Started {
        /// Its id.
        run_id: RunId,
    },
    /// There is none.
    Refused {
        /// Why.
        error: Report,
    },
    /// Something happened to it.
    Event(Box<Event>),
    /// A piece of input was taken.
    InputTaken,
    /// All of its output was sent.
    OutputEnded,
    /// It is over, and everything that happened to it was told. Output may still come.
    Over,
    /// How it ended cannot be told.
    Failed {
        /// Why.
        error: Report,
    },
}

/// A piece of output as a binary message: its stream, its position, its time, its bytes.
pub(crate) fn encode(piece: &Piece) -> Bytes {
    let mut message = BytesMut::with_capacity(HEADER + 8);
    match piece {
        Piece::Bytes { offset, at, stream, bytes } => {
            message.reserve(bytes.len());
            message.put_u8(match stream {
                Stream::Stdout => 0,
                Stream::Stderr => 1,
                Stream::System => 2,
            });
            message.put_u64_le(*offset);
            message.put_u64_le(*at);
            message.put_slice(bytes);
        }
        Piece::LeftOut { offset, length } => {
            message.put_u8(LEFT_OUT);
            message.put_u64_le(*offset);
            message.put_u64_le(*length);
        }
    }
    message.freeze()
}

/// What stands before the bytes.
const HEADER: usize = 17;

/// Stands where a stream does; then the length is where the time does.
const LEFT_OUT: u8 = 3;

/// The piece in a message; `None` if there is none.
pub(crate) fn decode(mut message: Bytes) -> Option<Piece> {
    if message.len() < HEADER {
        return None;
    }
    let (kind, offset, at) = (message.get_u8(), message.get_u64_le(), message.get_u64_le());
    let stream = match kind {
        0 => Stream::Stdout,
        1 => Stream::Stderr,
        2 => Stream::System,
        LEFT_OUT => return Some(Piece::LeftOut { offset, length: at }),
        _ => return None,
    };
    Some(Piece::Bytes { offset, at, stream, bytes: message })
}

/// What a piece takes of the room for output.
pub(crate) fn weight(piece: &Piece) -> u64 {
    match piece {
        Piece::Bytes { bytes, .. } => bytes.len() as u64,
        Piece::LeftOut { .. } => 0,
    }
}

/// The other side of the connection went away.
pub(crate) fn lost() -> Report {
    Report::from(&Error::Connection {
        source: std::io::Error::other("the server that carried it out went away"),
    })
}
