//! Telling a command's output and errors apart in the log of its session.
//!
//! The log is one stream of bytes in which every line is preceded by a marker: `01 01 01` for standard output, `02 02 02`
//! for standard error. It arrives in slices that may end anywhere, also within a marker. Bytes before the first marker
//! belong to nothing and are dropped. A program that prints these bytes itself is misread; there is no escape.

use bytes::{Bytes, BytesMut};
use memchr::memchr2_iter;

use super::{Output, Stream};

const MARKER: usize = 3;

/// The decoder: what is fed comes out as pieces with their stream.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    /// The stream of what comes next; none before the first marker.
    current: Option<Stream>,
    /// One or two bytes that may begin a marker.
    held: BytesMut,
}

impl Markers {
    /// Takes a slice of the log and gives what it says, neighbours of one stream joined.
    pub(crate) fn feed(&mut self, slice: &[u8]) -> Vec<Output> {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(slice);
        let mut pieces = Vec::new();
        let mut begin = 0;
        while let Some((at, stream)) = next_marker(&bytes, begin) {
            push(&mut pieces, self.current, &bytes[begin..at]);
            self.current = Some(stream);
            begin = at + MARKER;
        }
        let end = bytes.len() - unfinished(&bytes[begin..]);
        push(&mut pieces, self.current, &bytes[begin..end]);
        self.held = bytes.split_off(end);
        finish(pieces)
    }

    /// At the end of the log: what was held back is no marker.
    pub(crate) fn end(&mut self) -> Vec<Output> {
        let mut pieces = Vec::new();
        push(&mut pieces, self.current, &std::mem::take(&mut self.held));
        finish(pieces)
    }
}

/// Whether a log has markers at all; servers leave them out for clients that they take for old ones.
pub(crate) fn has_markers(log: &[u8]) -> bool {
    log.starts_with(&[1; MARKER]) || log.starts_with(&[2; MARKER])
}

fn next_marker(bytes: &[u8], from: usize) -> Option<(usize, Stream)> {
    memchr2_iter(1, 2, &bytes[from..]).map(|at| from + at).find_map(|at| {
        let marker = bytes.get(at..at + MARKER)?;
        match marker {
            [1, 1, 1] => Some((at, Stream::Stdout)),
            [2, 2, 2] => Some((at, Stream::Stderr)),
            _ => None,
        }
    })
}

/// How many bytes at the end may begin a marker.
fn unfinished(bytes: &[u8]) -> usize {
    match bytes {
        [.., a @ (1 | 2), b] if a == b => 2,
        [.., 1 | 2] => 1,
        _ => 0,
    }
}

fn push(pieces: &mut Vec<(Stream, BytesMut)>, stream: Option<Stream>, bytes: &[u8]) {
    let Some(stream) = stream.filter(|_| !bytes.is_empty()) else { return };
    match pieces.last_mut() {
        Some((last, joined)) if *last == stream => joined.extend_from_slice(bytes),
        _ => pieces.push((stream, BytesMut::from(bytes))),
    }
}

fn finish(pieces: Vec<(Stream, BytesMut)>) -> Vec<Output> {
    pieces.into_iter().map(|(stream, bytes)| Output { stream, bytes: Bytes::from(bytes) }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything of each stream, however it was sliced.
    fn decode<'a>(slices: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Stream, Vec<u8>)> {
        let mut markers = Markers::default();
        let mut pieces: Vec<_> = slices.into_iter().flat_map(|slice| markers.feed(slice)).collect();
        pieces.extend(markers.end());
        let mut joined: Vec<(Stream, Vec<u8>)> = Vec::new();
        for Output { stream, bytes } in pieces {
            match joined.last_mut() {
                Some((last, all)) if *last == stream => all.extend_from_slice(&bytes),
                _ => joined.push((stream, bytes.to_vec())),
            }
        }
        joined
    }

    #[test]
    fn lines_come_out_with_their_stream() {
        let log = b"\x01\x01\x01one\n\x01\x01\x01two\n\x02\x02\x02bad\n\x01\x01\x01end\n";
        let expected = [
            (Stream::Stdout, b"one\ntwo\n".to_vec()),
            (Stream::Stderr, b"bad\n".to_vec()),
            (Stream::Stdout, b"end\n".to_vec()),
        ];
        assert_eq!(decode([&log[..]]), expected);
        assert_eq!(decode(log.chunks(1)), expected);
    }

    #[test]
    fn bytes_before_the_first_marker_belong_to_nothing() {
        assert_eq!(decode([&b"lost\x02\x02\x02x"[..]]), [(Stream::Stderr, b"x".to_vec())]);
    }

    #[test]
    fn one_or_two_marker_bytes_are_ordinary_ones() {
        let log = b"\x01\x01\x01a\x01b\x02\x02c\x01\x01";
        assert_eq!(decode(log.chunks(1)), [(Stream::Stdout, b"a\x01b\x02\x02c\x01\x01".to_vec())]);
    }

    #[test]
    fn nothing_is_held_back_that_cannot_begin_a_marker() {
        let mut markers = Markers::default();
        markers.feed(b"\x01\x01\x01");
        assert_eq!(markers.feed(b"100%\r").first().map(|piece| piece.bytes.clone()), Some("100%\r".into()));
    }

    #[test]
    fn only_a_log_that_begins_with_one_has_markers() {
        assert!(has_markers(b"\x02\x02\x02x") && !has_markers(b"x\x01\x01\x01") && !has_markers(b""));
    }

    fn log() -> impl Strategy<Value = Vec<u8>> {
        // Mostly the bytes of markers, so that every way of meeting them is tried.
        prop::collection::vec(
            prop_oneof![3 => Just(1u8), 3 => Just(2), 1 => Just(b'\n'), 2 => any::<u8>()],
            0..64,
        )
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_slices_end(log in log(), cuts in prop::collection::vec(0usize..64, 0..8)) {
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut <= log.len()).collect();
            cuts.extend([0, log.len()]);
            cuts.sort_unstable();
            let slices = cuts.windows(2).map(|cut| &log[cut[0]..cut[1]]);
            prop_assert_eq!(decode(slices), decode([&log[..]]));
        }

        #[test]
        fn every_single_split_gives_the_same(log in log()) {
            let whole = decode([&log[..]]);
            for at in 0..=log.len() {
                prop_assert_eq!(&decode([&log[..at], &log[at..]]), &whole);
            }
        }
    }
}
