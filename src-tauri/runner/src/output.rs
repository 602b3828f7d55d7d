//! What the command writes: from its pipes or its terminal into the outbox.
//!
//! Output is read only when the outbox is empty and the spool has room, so at most one piece is held, and
//! offsets count the bytes of both streams in the order in which they were read.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use stigmer_runner::Stream;

use crate::outbox::{Outbox, PIECE, WORTH_PASSING};
use crate::session::Broken;
use crate::spool::{self, Spool};

/// Pieces that are relayed before signals and requests are looked at again.
const BURST: usize = 8;

/// Most that is read from one source once nobody who belongs to the run can write: what a pipe can hold.
/// Without a limit, a process that lives on and keeps writing would keep the run open.
const LAST_READ: usize = 1 << 20;

/// Where the command's output comes from.
pub(crate) struct Output {
    sources: [Option<Source>; 2],
    offset: u64,
    spool: Option<Spool>,
}

/// One pipe, or a terminal.
pub(crate) struct Source {
    fd: Rc<OwnedFd>,
    stream: Stream,
    /// A pipe that was full enough to expect the same again.
    is_busy: bool,
    last_read: usize,
}

impl Source {
    /// `fd` must not block.
    pub(crate) fn new(stream: Stream, fd: OwnedFd) -> Self {
        Self { fd: Rc::new(fd), stream, is_busy: false, last_read: LAST_READ }
    }
}

impl Output {
    pub(crate) fn new(sources: [Option<Source>; 2], spool: u32, window: u32) -> Self {
        let spool = (spool > 0).then(|| Spool::new(spool as usize, window));
        Self { sources, offset: 0, spool }
    }

    /// Whether every source came to its end.
    pub(crate) fn is_closed(&self) -> bool {
        self.sources.iter().all(Option::is_none)
    }

    /// The spool, for a run that has one.
    pub(crate) fn spool(&mut self) -> Option<&mut Spool> {
        self.spool.as_mut()
    }

    /// The sources to watch, by index.
    pub(crate) fn sources(&self, outbox: &Outbox) -> impl Iterator<Item = (usize, BorrowedFd<'_>)> {
        let may_read = self.may_read(outbox);
        let open = self.sources.iter().enumerate().filter(move |_| may_read);
        open.filter_map(|(index, source)| Some((index, source.as_ref()?.fd.as_fd())))
    }

    /// Relays what a source has, until it is empty or the engine does not keep up.
    pub(crate) fn relay(&mut self, index: usize, outbox: &mut Outbox) -> Result<(), Broken> {
        for _ in 0..BURST {
            // An engine may have come back since the source was seen to have something: what it lacks goes first.
            // A piece that did not fill its room emptied the pipe: asking again would only cost a call.
            if !outbox.is_empty() || !self.may_read(outbox) || self.read(index, outbox) < PIECE {
                break;
            }
            outbox.flush()?;
        }
        outbox.flush()
    }

    /// Sends again what an engine that came back asked for.
    pub(crate) fn resend(&mut self, outbox: &mut Outbox) -> Result<(), Broken> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        while outbox.is_empty() {
            let Some(piece) = spool.next() else { break };
            outbox.repeat(piece.stream, piece.offset, piece.at, &piece.bytes);
            outbox.flush()?;
        }
        Ok(())
    }

    /// Relays what is there without waiting for more; true once that is sent.
    pub(crate) fn finish(&mut self, outbox: &mut Outbox) -> Result<bool, Broken> {
        for index in 0..self.sources.len() {
            while self.sources[index].is_some() {
                if !outbox.is_empty() || !self.may_read(outbox) {
                    return Ok(false);
                }
                let length = self.read(index, outbox);
                outbox.flush()?;
                let Some(source) = &mut self.sources[index] else { break };
                source.last_read = source.last_read.saturating_sub(length);
                if length == 0 || source.last_read == 0 {
                    self.sources[index] = None;
                }
            }
        }
        Ok(self.spool.as_ref().is_none_or(|spool| !spool.is_behind()))
    }

    fn may_read(&self, outbox: &Outbox) -> bool {
        self.spool.as_ref().is_none_or(|spool| {
            let is_heard = outbox.is_silent() || spool.may_send(self.offset);
            spool.room() > 0 && !spool.is_behind() && is_heard
        })
    }

    /// Takes one piece: how long it is. Zero when the source has nothing now, or came to its end and is closed.
    fn read(&mut self, index: usize, outbox: &mut Outbox) -> usize {
        let limit = self.spool.as_ref().map_or(PIECE, Spool::room);
        let Some(source) = &mut self.sources[index] else { return 0 };
        if limit == 0 {
            return 0;
        }
        let place = (source.stream, self.offset);
        // What is kept must be read; a terminal never gives as much at once.
        let passed =
            if source.is_busy && self.spool.is_none() { outbox.pass(&source.fd, place) } else { None };
        let length = match passed.map_or_else(|| take(source, place, limit, outbox, self.spool.as_mut()), Ok)
        {
            Ok(length @ 1..) => length,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            // A terminal that nobody has open any more says EIO where a pipe says that it is at its end.
            Ok(0) | Err(_) => {
                self.sources[index] = None;
                return 0;
            }
        };
        source.is_busy = length >= WORTH_PASSING;
        self.offset += length as u64;
        length
    }
}

/// Reads one piece, and keeps it if there is a spool.
fn take(
    source: &Source,
    (stream, offset): (Stream, u64),
    limit: usize,
    outbox: &mut Outbox,
    spool: Option<&mut Spool>,
) -> nix::Result<usize> {
    let piece = outbox.take(&*source.fd, (stream, offset), limit)?;
    if let Some(spool) = spool.filter(|_| !piece.bytes.is_empty()) {
        spool.keep(spool::Piece { stream, offset, at: piece.at, bytes: piece.bytes.to_vec() });
    }
    Ok(piece.bytes.len())
}
