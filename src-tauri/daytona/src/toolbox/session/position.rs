//! How much of a command's output was delivered, counted so that two accounts of it can be joined.
//!
//! The live stream has the bytes as they are, always from the start of the log. The plain log comes as JSON, in which
//! what is not UTF-8 is replaced and so has another length. For each stream both lengths are counted.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Output, Stream};

/// What replaces a byte, or several, that are not UTF-8.
const REPLACEMENT: u64 = '\u{fffd}'.len_utf8() as u64;
/// How much of the end is kept to recognise it.
const TAIL: usize = 32;

/// Bytes of output that were delivered, for each stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Of standard output.
    pub stdout: u64,
    /// Of standard error.
    pub stderr: u64,
}

impl Position {
    /// Of one stream.
    pub const fn of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }

    pub(super) const fn of_mut(&mut self, stream: Stream) -> &mut u64 {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// What of `output` lies past this position, which moves on by all of it.
    pub(super) fn skip(&mut self, output: &Output) -> Option<Output> {
        let left = self.of_mut(output.stream);
        let known = usize::try_from(*left).unwrap_or(usize::MAX).min(output.bytes.len());
        *left -= known as u64;
        let bytes = output.bytes.slice(known..);
        (!bytes.is_empty()).then_some(Output { bytes, stream: output.stream })
    }
}

/// One stream as far as it was delivered.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    raw: u64,
    /// Length as text, when each byte that is not UTF-8 is replaced by itself (as Go does), or each run that could have
    /// been a character (as most others do). Without what is in `unfinished`.
    single: u64,
    runs: u64,
    /// The beginning of a character.
    unfinished: Vec<u8>,
    /// The last bytes.
    tail: Vec<u8>,
}

impl Delivered {
    /// As if so many bytes had been delivered, all of them text.
    pub(super) fn from(raw: u64) -> Self {
        Self { raw, single: raw, runs: raw, ..Self::default() }
    }

    pub(super) const fn raw(&self) -> u64 {
        self.raw
    }

    /// Counts what is being delivered.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.raw += bytes.len() as u64;
        let kept = bytes.len().saturating_sub(TAIL);
        self.tail.extend_from_slice(&bytes[kept..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        let joined;
        let mut rest = bytes;
        if !self.unfinished.is_empty() {
            joined = [std::mem::take(&mut self.unfinished).as_slice(), bytes].concat();
            rest = &joined;
        }
        while let Err(error) = std::str::from_utf8(rest) {
            self.count(error.valid_up_to() as u64);
            rest = &rest[error.valid_up_to()..];
            let Some(bad) = error.error_len() else {
                self.unfinished = rest.to_vec();
                return;
            };
            self.single += REPLACEMENT * bad as u64;
            self.runs += REPLACEMENT;
            rest = &rest[bad..];
        }
        self.count(rest.len() as u64);
    }

    fn count(&mut self, text: u64) {
        self.single += text;
        self.runs += text;
    }

    /// What of `text`, the whole stream as text, was not delivered. A character of which a part was delivered is
    /// completed.
    pub(super) fn missing(&self, text: &Bytes) -> Bytes {
        let at = self.candidates().find(|at| self.fits(text, *at)).unwrap_or(self.single);
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
        let rest = text.slice(at..);
        if rest.starts_with(&self.unfinished) {
            return rest.slice(self.unfinished.len()..);
        }
        // It was no character after all, and stands there replaced.
        let replaced = rest.len().min(self.unfinished.len() * '\u{fffd}'.len_utf8());
        let replaced = rest[..replaced].chunks(3).take_while(|c| *c == "\u{fffd}".as_bytes()).count() * 3;
        rest.slice(replaced..)
    }

    fn candidates(&self) -> impl Iterator<Item = u64> {
        [self.single, self.runs].into_iter()
    }

    /// Whether the text before `at` ends as what was delivered does.
    fn fits(&self, text: &Bytes, at: u64) -> bool {
        let Some(before) = usize::try_from(at).ok().and_then(|at| text.get(..at)) else { return false };
        let tail = &self.tail[..self.tail.len() - self.unfinished.len().min(self.tail.len())];
        let plain = tail.iter().rev().take_while(|byte| byte.is_ascii()).count();
        before.ends_with(&tail[tail.len() - plain..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Go writes bytes into JSON: each one that is not UTF-8 is replaced.
    fn single(mut bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        while let Err(error) = std::str::from_utf8(bytes) {
            text.extend_from_slice(&bytes[..error.valid_up_to()]);
            bytes = &bytes[error.valid_up_to()..];
            let bad = error.error_len().unwrap_or(bytes.len());
            text.extend("\u{fffd}".repeat(bad).bytes());
            bytes = &bytes[bad..];
        }
        text.extend_from_slice(bytes);
        text
    }

    fn missing_after(delivered: &[&[u8]], text: &[u8]) -> Vec<u8> {
        let mut count = Delivered::default();
        for piece in delivered {
            count.add(piece);
        }
        count.missing(&Bytes::copy_from_slice(text)).to_vec()
    }

    #[test]
    fn only_what_is_missing_is_filled_in() {
        assert_eq!(missing_after(&[b"one\n"], b"one\ntwo\n"), b"two\n");
        assert_eq!(missing_after(&[b"one\ntwo\n"], b"one\ntwo\n"), b"");
        assert_eq!(missing_after(&[], b"one\n"), b"one\n");
    }

    #[test]
    fn a_character_that_was_cut_is_completed() {
        assert_eq!(missing_after(&[b"gr\xc3"], "grün\n".as_bytes()), b"\xbcn\n");
        assert_eq!(missing_after(&[b"\xf0\x9f", b"\x98"], "😀!\n".as_bytes()), b"\x80!\n");
    }

    #[test]
    fn replaced_bytes_are_counted_in_both_ways_of_replacing() {
        let raw = b"a\xe2\x82b\n";
        let after = b"next\n";
        let go = [single(raw).as_slice(), after].concat();
        let runs = [String::from_utf8_lossy(raw).as_bytes(), after].concat();
        assert_ne!(go, runs);
        assert_eq!(missing_after(&[raw], &go), after);
        assert_eq!(missing_after(&[raw], &runs), after);
    }

    #[test]
    fn a_log_that_is_shorter_than_what_was_delivered_adds_nothing() {
        assert_eq!(missing_after(&[b"one\ntwo\n"], b"one\n"), b"");
    }

    #[test]
    fn a_position_lets_only_the_rest_through() {
        let mut position = Position { stdout: 3, stderr: 0 };
        let out = |bytes: &'static [u8]| Output { stream: Stream::Stdout, bytes: Bytes::from_static(bytes) };
        assert_eq!(position.skip(&out(b"on")), None);
        assert_eq!(position.skip(&out(b"e\ntwo")), Some(out(b"\ntwo")));
        assert_eq!(position.skip(&out(b"more")), Some(out(b"more")));
    }

    proptest! {
        #[test]
        fn delivered_and_missing_together_are_the_whole_text(
            lines in prop::collection::vec("[a-zäß€😀]{0,6}", 1..6), at in 0usize..60, step in 1usize..7,
        ) {
            let whole = lines.join("\n") + "\n";
            let at = at.min(whole.len());
            let pieces: Vec<_> = whole.as_bytes()[..at].chunks(step).collect();
            let rest = missing_after(&pieces, whole.as_bytes());
            prop_assert_eq!([&whole.as_bytes()[..at], &rest].concat(), whole.as_bytes());
        }

        #[test]
        fn lines_of_any_bytes_are_joined_at_the_right_place(
            before in prop::collection::vec(any::<u8>(), 0..40), step in 1usize..7, after in "[a-z]{1,9}",
        ) {
            let before = [before.as_slice(), b"\n"].concat();
            let pieces: Vec<_> = before.chunks(step).collect();
            let text = [single(&before).as_slice(), after.as_bytes()].concat();
            prop_assert_eq!(missing_after(&pieces, &text), after.as_bytes());
        }
    }
}
