//! Standard output of the runner: replies and pieces of the command's output on their way to the engine.
//!
//! Holds one piece of output and the replies that came after it. Writing never blocks, so that a stop is heard
//! while the engine does not read; nothing more is read from the command until the box is empty, which is how
//! the pressure of a slow engine reaches the program. After every call, what is held could not be written yet.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{read, write};
use stigmer_runner::protocol::{self, OUTPUT_HEADER};
use stigmer_runner::{Reply, Stream};

use crate::os;
use crate::session::Broken;

/// Most output in one frame, in bytes. Larger ones leave the processor's cache before they are written.
pub(crate) const PIECE: usize = 256 << 10;

/// Least output that is passed on by reference instead of read and written, in bytes. Below, asking how much
/// there is costs more than copying it.
pub(crate) const WORTH_PASSING: usize = 64 << 10;

/// What waits to be written to standard output.
pub(crate) struct Outbox {
    stdout: io::Stdout,
    is_pipe: bool,
    /// A whole frame of output: header and bytes are read and written in place.
    piece: Box<[u8]>,
    start: usize,
    end: usize,
    /// The rest of the frame when it is passed on by reference: where it still is, and how much.
    passing: Option<(Rc<OwnedFd>, usize)>,
    /// Replies that come after the piece, and how much of them is written.
    replies: Vec<u8>,
    written: usize,
    /// Nobody listens: everything counts as written.
    is_silent: bool,
}

impl Outbox {
    pub(crate) fn open() -> Result<Self, Broken> {
        let stdout = io::stdout();
        let is_pipe = os::widen(&stdout);
        let flags = fcntl(&stdout, FcntlArg::F_GETFL).map_err(|_| Broken::Gone)?;
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        fcntl(&stdout, FcntlArg::F_SETFL(flags)).map_err(|_| Broken::Gone)?;
        let piece = vec![0; OUTPUT_HEADER + PIECE].into_boxed_slice();
        Ok(Self {
            stdout,
            is_pipe,
            piece,
            start: 0,
            end: 0,
            passing: None,
            replies: Vec::new(),
            written: 0,
            is_silent: false,
        })
    }

    /// From here on everything counts as written. What is of use later is in a spool.
    pub(crate) fn silence(&mut self) {
        self.is_silent = true;
        self.discard();
    }

    /// Whether nobody listens.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// From here on somebody listens again.
    pub(crate) fn speak(&mut self) {
        self.is_silent = false;
    }

    fn discard(&mut self) {
        (self.start, self.end, self.passing) = (0, 0, None);
        self.replies.clear();
        self.written = 0;
    }

    /// Whether everything is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end && self.passing.is_none() && self.replies.is_empty()
    }

    /// Sends a reply, after everything that waits.
    pub(crate) fn send(&mut self, reply: &Reply) -> Result<(), Broken> {
        protocol::encode(reply, &mut self.replies);
        self.flush()
    }

    /// Reads up to `limit` bytes from `source` into the empty box, as a frame. Zero is the end of `source`.
    /// The frame is written by [`Outbox::flush`].
    pub(crate) fn take(
        &mut self,
        source: impl AsFd,
        (stream, offset): (Stream, u64),
        limit: usize,
    ) -> nix::Result<Piece<'_>> {
        debug_assert!(self.is_empty(), "a piece would be overwritten");
        let limit = limit.min(PIECE);
        let length = read(source, &mut self.piece[OUTPUT_HEADER..OUTPUT_HEADER + limit])?;
        let at = now();
        if length > 0 {
            self.frame(stream, offset, at, length);
            self.end += length;
        }
        Ok(Piece { at, bytes: &self.piece[OUTPUT_HEADER..OUTPUT_HEADER + length] })
    }

    /// Makes what the pipe `source` holds the next frame of the empty box, without reading it; how much that
    /// is. `None` when it is not worth it, or when standard output is no pipe.
    pub(crate) fn pass(&mut self, source: &Rc<OwnedFd>, (stream, offset): (Stream, u64)) -> Option<usize> {
        debug_assert!(self.is_empty(), "a piece would be overwritten");
        let length = if self.is_pipe { os::available(source).min(PIECE) } else { 0 };
        if length < WORTH_PASSING {
            return None;
        }
        self.frame(stream, offset, now(), length);
        self.passing = Some((Rc::clone(source), length));
        Some(length)
    }

    /// Puts a piece that was sent before into the empty box again.
    pub(crate) fn repeat(&mut self, stream: Stream, offset: u64, at: u64, bytes: &[u8]) {
        debug_assert!(self.is_empty(), "a piece would be overwritten");
        self.piece[OUTPUT_HEADER..OUTPUT_HEADER + bytes.len()].copy_from_slice(bytes);
        self.frame(stream, offset, at, bytes.len());
        self.end += bytes.len();
    }

    /// Puts the header of a frame into the box.
    fn frame(&mut self, stream: Stream, offset: u64, at: u64, length: usize) {
        let header = protocol::output_header(stream, offset, at, length);
        self.piece[..OUTPUT_HEADER].copy_from_slice(&header);
        (self.start, self.end) = (0, OUTPUT_HEADER);
    }

    /// Writes what the other side takes now.
    pub(crate) fn flush(&mut self) -> Result<(), Broken> {
        if self.is_silent {
            self.discard();
        }
        while self.start < self.end {
            let Some(length) = put(&self.stdout, &self.piece[self.start..self.end])? else { return Ok(()) };
            self.start += length;
        }
        while let Some((source, left)) = &mut self.passing {
            match os::splice(&*source, &self.stdout, *left) {
                Ok(length @ 1..) if length < *left => *left -= length,
                Ok(1..) => self.passing = None,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Ok(0) | Err(_) => return Err(Broken::Gone), // what was promised cannot be sent any more
            }
        }
        while self.written < self.replies.len() {
            let Some(length) = put(&self.stdout, &self.replies[self.written..])? else { return Ok(()) };
            self.written += length;
        }
        self.replies.clear();
        self.written = 0;
        Ok(())
    }
}

impl AsFd for Outbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdout.as_fd()
    }
}

/// What [`Outbox::take`] read.
pub(crate) struct Piece<'a> {
    /// Microseconds since 1970.
    pub(crate) at: u64,
    /// The bytes.
    pub(crate) bytes: &'a [u8],
}

/// Writes once: how much, or `None` when it would block.
fn put(to: &io::Stdout, bytes: &[u8]) -> Result<Option<usize>, Broken> {
    match write(to, bytes) {
        Ok(length) => Ok(Some(length)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(Errno::EINTR) => Ok(Some(0)),
        Err(_) => Err(Broken::Gone),
    }
}

/// Microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
