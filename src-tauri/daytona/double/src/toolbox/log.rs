//! The log of a command: lines of both streams, each behind the marker of its stream.

use std::sync::Mutex;

use tokio::sync::watch;

use crate::cloud::lock;

/// The two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

impl Stream {
    pub(super) const fn marker(self) -> [u8; 3] {
        match self {
            Self::Out => [1; 3],
            Self::Err => [2; 3],
        }
    }
}

/// A log that grows until its command has its exit code.
#[derive(Debug)]
pub(super) struct Log {
    texts: Mutex<Texts>,
    /// Bytes with markers, for those who follow.
    grown: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Texts {
    marked: Vec<u8>,
    merged: Vec<u8>,
    out: Vec<u8>,
    err: Vec<u8>,
    exit: Option<i32>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { texts: Mutex::default(), grown: watch::Sender::new(0) }
    }

    /// Adds lines, the last of them with its newline or without.
    pub(super) fn lines(&self, stream: Stream, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let length = {
            let mut texts = lock(&self.texts);
            let Texts { marked, merged, out, err, .. } = &mut *texts;
            for line in lines.split_inclusive(|&byte| byte == b'\n') {
                marked.extend_from_slice(&stream.marker());
                marked.extend_from_slice(line);
            }
            let own = if stream == Stream::Out { out } else { err };
            merged.extend_from_slice(lines);
            own.extend_from_slice(lines);
            if lines.last() != Some(&b'\n') {
                for text in [&mut *marked, merged, own] {
                    text.push(b'\n');
                }
            }
            marked.len()
        };
        self.grown.send_replace(length);
    }

    pub(super) fn finish(&self, exit: i32) {
        lock(&self.texts).exit = Some(exit);
        self.grown.send_modify(|_| {});
    }

    pub(super) fn exit(&self) -> Option<i32> {
        lock(&self.texts).exit
    }

    /// Told whenever it has grown or finished.
    pub(super) fn watch(&self) -> watch::Receiver<usize> {
        self.grown.subscribe()
    }

    /// At most `most` bytes from an offset, with markers or without.
    pub(super) fn piece(&self, marked: bool, from: usize, most: usize) -> Vec<u8> {
        let texts = lock(&self.texts);
        let text = if marked { &texts.marked } else { &texts.merged };
        let from = from.min(text.len());
        text[from..text.len().min(from + most)].to_vec()
    }

    pub(super) fn marked(&self) -> Vec<u8> {
        lock(&self.texts).marked.clone()
    }

    pub(super) fn merged(&self) -> Vec<u8> {
        lock(&self.texts).merged.clone()
    }

    pub(super) fn only(&self, stream: Stream) -> Vec<u8> {
        let texts = lock(&self.texts);
        if stream == Stream::Out { texts.out.clone() } else { texts.err.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_marker_of_its_stream_and_a_newline() {
        let log = Log::new();
        log.lines(Stream::Out, b"one\ntwo\n");
        log.lines(Stream::Err, b"three");
        assert_eq!(log.marked(), b"\x01\x01\x01one\n\x01\x01\x01two\n\x02\x02\x02three\n");
        assert_eq!(log.merged(), b"one\ntwo\nthree\n");
        assert_eq!(log.only(Stream::Out), b"one\ntwo\n");
        assert_eq!(log.only(Stream::Err), b"three\n");
    }
}
