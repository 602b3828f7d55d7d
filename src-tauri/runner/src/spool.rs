//! Output that was sent but not acknowledged, for an engine that comes back.
//!
//! Pieces keep their stream, time and boundaries. What is held is bounded: small pieces count more than their
//! bytes, so that a program that writes single bytes cannot fill the memory with bookkeeping.

use std::collections::VecDeque;

use stigmer_runner::Stream;

/// What holding one piece costs beside its bytes.
const PIECE_COST: usize = size_of::<Piece>() + 16;

/// The pieces between the last acknowledged offset and the newest.
pub(crate) struct Spool {
    limit: usize,
    /// Bytes that may be sent and not acknowledged.
    window: u64,
    /// Everything before it is acknowledged.
    acknowledged: u64,
    /// Bytes of all pieces, with their cost.
    held: usize,
    pieces: VecDeque<Piece>,
    /// Index of the piece that is to be sent next; the number of pieces when all were sent.
    next: usize,
}

/// One piece of output as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) stream: Stream,
    pub(crate) offset: u64,
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// Removes what comes before `offset`; how many bytes that was.
    fn trim(&mut self, offset: u64) -> usize {
        let before = offset.saturating_sub(self.offset);
        let before = usize::try_from(before).map_or(self.bytes.len(), |before| before.min(self.bytes.len()));
        self.bytes.drain(..before);
        self.offset += before as u64;
        before
    }
}

impl Spool {
    /// An empty spool for `limit` bytes.
    pub(crate) fn new(limit: usize, window: u32) -> Self {
        let window = if window == 0 { u64::MAX } else { window.into() };
        Self { limit, window, acknowledged: 0, held: 0, pieces: VecDeque::new(), next: 0 }
    }

    /// Whether more may be sent to whoever listens, when so much was.
    pub(crate) fn may_send(&self, sent: u64) -> bool {
        sent.saturating_sub(self.acknowledged) < self.window
    }

    /// How many bytes may be added now.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.held)
    }

    /// Keeps a piece that is just being sent.
    pub(crate) fn keep(&mut self, piece: Piece) {
        debug_assert!(!self.is_behind(), "what is to be sent again would be skipped");
        self.held += piece.bytes.len() + PIECE_COST;
        self.pieces.push_back(piece);
        self.next = self.pieces.len();
    }

    /// Lets go of everything before `offset`.
    pub(crate) fn acknowledge(&mut self, offset: u64) {
        self.acknowledged = self.acknowledged.max(offset);
        while self.pieces.front().is_some_and(|piece| piece.end() <= offset) {
            let piece = self.pieces.pop_front();
            self.held -= PIECE_COST + piece.map_or(0, |piece| piece.bytes.len());
            self.next = self.next.saturating_sub(1);
        }
        if let Some(piece) = self.pieces.front_mut() {
            self.held -= piece.trim(offset);
        }
    }

    /// Everything from `offset` is to be sent again; what was acknowledged before is gone and stays so.
    pub(crate) fn resume(&mut self, offset: u64) {
        self.acknowledge(offset);
        self.next = 0;
    }

    /// Whether something is to be sent again before anything new.
    pub(crate) fn is_behind(&self) -> bool {
        self.next < self.pieces.len()
    }

    /// The next piece to send again.
    pub(crate) fn next(&mut self) -> Option<&Piece> {
        let piece = self.pieces.get(self.next).filter(|piece| self.may_send(piece.offset))?;
        self.next += 1;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool_of(pieces: &[(Stream, &str)]) -> Spool {
        let mut spool = Spool::new(1000, 0);
        let mut offset = 0;
        for &(stream, text) in pieces {
            spool.keep(Piece { stream, offset, at: offset + 100, bytes: text.into() });
            offset += text.len() as u64;
        }
        spool
    }

    fn sent_again(spool: &mut Spool) -> Vec<(Stream, u64, u64, String)> {
        let mut sent = Vec::new();
        while let Some(piece) = spool.next() {
            let text = String::from_utf8_lossy(&piece.bytes).into_owned();
            sent.push((piece.stream, piece.offset, piece.at, text));
        }
        sent
    }

    #[test]
    fn resuming_sends_pieces_with_their_stream_offset_and_time() {
        let mut spool = spool_of(&[(Stream::Stdout, "abc"), (Stream::Stderr, "de"), (Stream::Stdout, "f")]);
        assert!(!spool.is_behind());
        spool.resume(1);
        assert!(spool.is_behind());
        let expected = [
            (Stream::Stdout, 1, 100, "bc".to_owned()),
            (Stream::Stderr, 3, 103, "de".to_owned()),
            (Stream::Stdout, 5, 105, "f".to_owned()),
        ];
        assert_eq!(sent_again(&mut spool), expected);
    }

    #[test]
    fn what_was_acknowledged_is_not_sent_again() {
        let mut spool = spool_of(&[(Stream::Stdout, "abc"), (Stream::Stdout, "de")]);
        spool.acknowledge(4);
        spool.resume(0);
        assert_eq!(sent_again(&mut spool), [(Stream::Stdout, 4, 103, "e".to_owned())]);
    }

    #[test]
    fn acknowledging_everything_gives_all_room_back() {
        let mut spool = spool_of(&[(Stream::Stdout, "abc"), (Stream::Stdout, "de")]);
        assert!(spool.room() < 995);
        spool.acknowledge(u64::MAX);
        assert_eq!(spool.room(), 1000);
    }

    #[test]
    fn an_acknowledgement_while_resending_does_not_skip_a_piece() {
        let mut spool = spool_of(&[(Stream::Stdout, "a"), (Stream::Stdout, "b"), (Stream::Stdout, "c")]);
        spool.resume(0);
        assert_eq!(spool.next().unwrap().bytes, b"a");
        spool.acknowledge(1);
        assert_eq!(spool.next().unwrap().bytes, b"b");
        spool.acknowledge(2);
        assert_eq!(spool.next().unwrap().bytes, b"c");
        assert!(!spool.is_behind());
    }
}
