//! The whole output of a command in one piece.

use bytes::Bytes;
use serde::Deserialize;

use super::markers::{Markers, has_markers};
use super::position::Delivered;
use super::{Output, Stream};
use crate::error::Result;
use crate::http::Buffered;
use crate::model::lenient;

/// Everything that a command printed so far. Unless a sandbox is very old, it comes as text, in which what is not UTF-8
/// is replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// What it wrote to standard output.
    pub stdout: Bytes,
    /// What it wrote to standard error.
    pub stderr: Bytes,
    /// Both in their order, where that is known; else all of one and then all of the other.
    pub pieces: Vec<Output>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "lenient::nullable")]
    output: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    stdout: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    stderr: String,
}

impl Logs {
    pub(super) fn read(answer: &Buffered) -> Result<Self> {
        if !answer.is_json() {
            answer.not_a_page()?;
            return Ok(Self::marked(answer.body()));
        }
        let wire: Wire = answer.json("GET logs")?;
        if has_markers(wire.output.as_bytes()) {
            return Ok(Self::marked(wire.output.as_bytes()));
        }
        let both = [(Stream::Stdout, wire.stdout), (Stream::Stderr, wire.stderr)];
        let pieces = both.into_iter().filter(|(_, text)| !text.is_empty());
        Ok(Self::of(pieces.map(|(stream, text)| Output { stream, bytes: text.into() }).collect()))
    }

    /// A log with markers; one without any is taken for standard output.
    fn marked(log: &[u8]) -> Self {
        if !has_markers(log) {
            let bytes = Bytes::copy_from_slice(log);
            return Self::of(vec![Output { stream: Stream::Stdout, bytes }]);
        }
        let mut markers = Markers::default();
        let mut pieces = markers.feed(log);
        pieces.extend(markers.end());
        Self::of(pieces)
    }

    fn of(pieces: Vec<Output>) -> Self {
        let joined = |stream| {
            let mut own = pieces.iter().filter(|piece| piece.stream == stream).map(|piece| &piece.bytes);
            match (own.next(), own.next()) {
                (None, _) => Bytes::new(),
                (Some(only), None) => only.clone(),
                _ => {
                    let own = pieces.iter().filter(|piece| piece.stream == stream);
                    own.flat_map(|piece| piece.bytes.iter().copied()).collect()
                }
            }
        };
        Self { stdout: joined(Stream::Stdout), stderr: joined(Stream::Stderr), pieces }
    }

    /// What was not delivered, in the order of the log as far as that is known.
    pub(super) fn missing(&self, stdout: &Delivered, stderr: &Delivered) -> Vec<Output> {
        let mut known = [
            self.stdout.len() - stdout.missing(&self.stdout).len(),
            self.stderr.len() - stderr.missing(&self.stderr).len(),
        ];
        let fresh = self.pieces.iter().filter_map(|piece| {
            let known = &mut known[usize::from(piece.stream == Stream::Stderr)];
            let skip = (*known).min(piece.bytes.len());
            *known -= skip;
            let bytes = piece.bytes.slice(skip..);
            (!bytes.is_empty()).then_some(Output { stream: piece.stream, bytes })
        });
        fresh.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_keeps_the_order_of_the_log() {
        let logs =
            Logs::marked(b"\x01\x01\x01a\n\x02\x02\x02x\n\x01\x01\x01b\n\x02\x02\x02y\n\x01\x01\x01c\n");
        assert_eq!((&logs.stdout[..], &logs.stderr[..]), (&b"a\nb\nc\n"[..], &b"x\ny\n"[..]));
        let mut stdout = Delivered::default();
        stdout.add(b"a\n");
        let missing = logs.missing(&stdout, &Delivered::default());
        let texts: Vec<_> = missing.iter().map(|piece| &piece.bytes[..]).collect();
        assert_eq!(texts, [&b"x\n"[..], b"b\n", b"y\n", b"c\n"]);
    }

    #[test]
    fn a_log_without_markers_is_output() {
        assert_eq!(&Logs::marked(b"old sandbox\n").stdout[..], b"old sandbox\n");
        assert!(Logs::marked(b"").stdout.is_empty());
    }
}
