//! What two places say to each other, and its frames: `length: u32 LE`, then a [`Word`] in postcard's format.

use std::fmt;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

/// Largest piece of a file's content in one word, in bytes.
pub(crate) const PIECE: usize = 128 << 10;

/// Largest frame that is accepted, in bytes: a piece or two paths, with what is around them.
const MAX_FRAME: usize = PIECE + (16 << 10);

/// What one place says to the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// What home wants. Nothing is asked before the answer to what was asked before came to its `End`.
    Ask(Ask),
    /// A path, in a list.
    Path(ByteBuf),
    /// An entry and what became of it. In a stream of [`crate::send`] a file's pieces and its `Sum` follow.
    Change(Change),
    /// A part of the content of a file.
    Piece(ByteBuf),
    /// The end of a file's content.
    Sum {
        /// SHA-256 of the content.
        digest: [u8; 32],
        /// Whether it changed while it was read, so that there will be more to send.
        unsteady: bool,
    },
    /// An entry that could not be read or written, and why. The others went on.
    Problem(Problem),
    /// An entry that had changed in both places.
    Conflict {
        /// Where the version of home is.
        path: ByteBuf,
        /// Where the other one is.
        beside: ByteBuf,
    },
    /// Nothing can go on, and why. The last word.
    Failed(String),
    /// The end of a list, a stream or an answer.
    End,
    /// What came of a copy by hand. The last word.
    Copied {
        /// Files, folders and links that were written.
        entries: u64,
        /// Bytes of the files.
        bytes: u64,
    },
}

/// What home asks of the place away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// What changed? Answered by changes and problems.
    Changes,
    /// Send these: paths follow. Answered by a stream of [`crate::send`].
    Send,
    /// Take these: a stream of [`crate::send`] follows. Answered by problems and conflicts.
    Take,
    /// Home has these now: changes follow, as they were answered to `Changes` or `Send`.
    Agree,
}

/// An entry below the folder, and what it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Relative to the folder.
    pub path: ByteBuf,
    /// What it is; `None` when it is gone.
    pub entry: Option<Entry>,
}

/// An entry as it was at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Changes whenever the entry may have changed, in the place that it is of.
    pub stamp: Stamp,
    /// SHA-256 of a file's content, where it was read.
    pub digest: Option<[u8; 32]>,
}

/// What an entry is. Sockets, pipes and devices are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A folder.
    Folder {
        /// Permission bits, without those that change users.
        mode: u32,
    },
    /// A file.
    File {
        /// Permission bits, without those that change users.
        mode: u32,
        /// Bytes.
        size: u64,
        /// When its content was changed last, in nanoseconds since 1970.
        modified: i64,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it is written down in it.
        target: ByteBuf,
    },
}

/// What the system tells of an entry without reading it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The file's number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content, in nanoseconds since 1970.
    pub modified: i64,
    /// Last change of anything about it, in nanoseconds since 1970.
    pub changed: i64,
    /// Taken so soon after the last change that another one could have the same stamp.
    pub young: bool,
}

/// An entry that could not be dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Relative to the folder; empty for the folder itself.
    pub path: ByteBuf,
    /// Why.
    pub why: String,
}

impl Problem {
    pub(crate) fn new(path: &[u8], why: impl fmt::Display) -> Self {
        Self { path: ByteBuf::from(path), why: why.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", String::from_utf8_lossy(&self.path), self.why)
    }
}

/// Writes a word as a frame.
pub fn put(to: &mut impl Write, word: &Word) -> io::Result<()> {
    put_encoded(to, word)
}

/// The same for a piece that is only borrowed.
pub(crate) fn put_piece(to: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    // As `Word::Piece` is encoded: the variant's number, and the bytes.
    put_encoded(to, &(PIECE_VARIANT, Bytes::new(piece)))
}

/// The number of [`Word::Piece`].
const PIECE_VARIANT: u8 = 3;

fn put_encoded(to: &mut impl Write, word: &impl Serialize) -> io::Result<()> {
    let body = postcard::to_allocvec(word).map_err(io::Error::other)?;
    if body.len() > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path is too long"));
    }
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&body)
}

/// Reads a word. Fails with `UnexpectedEof` where the stream ends, with `InvalidData` where it is none of ours.
pub fn get(from: &mut impl Read) -> io::Result<Word> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    postcard::from_bytes(&body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Something else than what the other side must say here.
pub(crate) fn unexpected() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the other side does not speak this language")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_piece_is_read_as_a_piece() {
        let mut bytes = Vec::new();
        put_piece(&mut bytes, b"abc").unwrap();
        put(&mut bytes, &Word::End).unwrap();
        let mut stream = bytes.as_slice();
        assert_eq!(get(&mut stream).unwrap(), Word::Piece(ByteBuf::from("abc")));
        assert_eq!(get(&mut stream).unwrap(), Word::End);
        assert_eq!(get(&mut stream).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_no_frame_of_ours_is_an_error() {
        for bad in [&b"\xff\xff\xff\xff"[..], &[1, 0, 0, 0, 99], b"HTTP/1.1 200 OK\r\n"] {
            assert_eq!(get(&mut &*bad).unwrap_err().kind(), io::ErrorKind::InvalidData, "{bad:?}");
        }
    }
}
