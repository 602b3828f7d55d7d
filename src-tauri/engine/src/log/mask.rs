//! Takes the values of secrets out of what a program prints, across the chunks that it comes in.
//!
//! Owns which byte strings give a secret away and the few bytes that may be the beginning of one. Encodings
//! of a value (base64, JSON escapes) are not looked for.
//!
//! Invariant: the output is that of masking the whole stream at once, whatever the chunks; only bytes that
//! may still become a secret are held back.

use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Match, MatchKind, packed};
use bytes::{Bytes, BytesMut};

/// Stands where a secret stood.
const MASK: &[u8] = b"***";

/// Shorter values are left alone: masking every `1` would leave no log to read.
const SHORTEST: usize = 3;

/// Shortest line of a value with several lines that is a secret of its own.
const SHORTEST_LINE: usize = 8;

/// Patterns with more bytes in all are left to the automaton, whose time does not depend on the text.
const LARGE: usize = 4096;

/// What gives the secrets of a run away. Made once for a run, shared by its streams.
#[derive(Clone, Default)]
pub struct Masks {
    patterns: Option<Arc<Patterns>>,
    unmasked: Vec<usize>,
}

impl Masks {
    /// Masks for these values. A value is found whole, and also line by line: lines of at least 8 bytes are
    /// masked each (a key printed by `cat`), and line ends may be `\n` or, as a terminal has them, `\r\n`.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut found = Vec::new();
        let mut unmasked = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            // The line end of a last line is often lost (`$(…)`), and the log needs it where it is not.
            let value = trimmed(value, |byte| matches!(byte, b'\r' | b'\n'));
            if value.len() < SHORTEST {
                unmasked.push(index);
            } else {
                add_forms(value, &mut found);
            }
        }
        found.sort();
        found.dedup();
        let patterns = (!found.is_empty()).then(|| Arc::new(Patterns::new(found)));
        Self { patterns, unmasked }
    }

    /// Which of the values, by their place, are too short to be masked. Someone should be told.
    pub fn unmasked(&self) -> &[usize] {
        &self.unmasked
    }

    /// Masks one stream.
    pub fn masker(&self) -> Masker {
        Masker { patterns: self.patterns.clone(), held: BytesMut::new() }
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks").field("unmasked", &self.unmasked).finish_non_exhaustive()
    }
}

/// Masks the secrets in one stream of bytes. Costs nothing where there are no secrets.
pub struct Masker {
    patterns: Option<Arc<Patterns>>,
    /// The end of what came: the proper beginning of a pattern. Shorter than the longest of them.
    held: BytesMut,
}

impl Masker {
    /// The next piece, masked. What may be the beginning of a secret stays here until more comes, so the
    /// answer may be empty; a prompt without a line end is not held unless a secret begins with its end.
    /// Where nothing is masked the answer is a part of `chunk` itself, not a copy.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let Some(patterns) = &self.patterns else { return chunk };
        if !self.held.is_empty() {
            self.held.extend_from_slice(&chunk);
            let text = self.held.split().freeze();
            let (masked, rest) = patterns.mask(&text);
            self.held.extend_from_slice(&text[rest..]);
            return masked.unwrap_or_else(|| text.slice(..rest));
        }
        let (masked, rest) = patterns.mask(&chunk);
        self.held.extend_from_slice(&chunk[rest..]);
        masked.unwrap_or_else(|| chunk.slice(..rest))
    }

    /// What was held back, at the end of the stream.
    pub fn finish(&mut self) -> Bytes {
        let held = self.held.split().freeze();
        let Some(patterns) = &self.patterns else { return held };
        let mut out = BytesMut::new();
        let mut done = 0;
        // A shorter secret may stand in what looked like the beginning of a longer one.
        for found in patterns.search.find_iter(&held) {
            out.extend_from_slice(&held[done..found.start()]);
            out.extend_from_slice(MASK);
            done = found.end();
        }
        out.extend_from_slice(&held[done..]);
        out.freeze()
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// Every form in which a value of at least [`SHORTEST`] bytes is looked for.
fn add_forms(value: &[u8], to: &mut Vec<Vec<u8>>) {
    to.push(value.to_vec());
    if !value.contains(&b'\n') {
        return;
    }
    let lines: Vec<_> =
        value.split(|byte| *byte == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)).collect();
    to.push(lines.join(&b"\n"[..]));
    to.push(lines.join(&b"\r\n"[..]));
    let long = lines.iter().map(|line| trimmed(line, |byte| byte.is_ascii_whitespace()));
    to.extend(long.filter(|line| line.len() >= SHORTEST_LINE).map(<[u8]>::to_vec));
}

fn trimmed(mut text: &[u8], end: impl Fn(u8) -> bool) -> &[u8] {
    while let [rest @ .., last] = text
        && end(*last)
    {
        text = rest;
    }
    while let [first, rest @ ..] = text
        && end(*first)
    {
        text = rest;
    }
    text
}

/// Finds the leftmost pattern, and of those that begin there the longest.
enum Search {
    /// Looks at many bytes at once; for a few short patterns.
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Search {
    fn new(patterns: &[Vec<u8>]) -> Self {
        let bytes: usize = patterns.iter().map(Vec::len).sum();
        if bytes <= LARGE {
            let mut config = packed::Config::new();
            let mut builder = config.match_kind(packed::MatchKind::LeftmostLongest).builder();
            if let Some(searcher) = builder.extend(patterns).build() {
                return Self::Packed(searcher);
            }
        }
        // A deterministic automaton would be faster, and need some kilobytes for each byte of a pattern.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(patterns)
            .expect("secrets are limited in number and size");
        Self::Automaton(automaton)
    }

    fn find_iter<'a>(&'a self, text: &'a [u8]) -> Box<dyn Iterator<Item = Match> + 'a> {
        match self {
            Self::Packed(searcher) => Box::new(searcher.find_iter(text)),
            Self::Automaton(automaton) => Box::new(automaton.find_iter(text)),
        }
    }
}

struct Patterns {
    search: Search,
    each: Vec<Prefixes>,
}

impl Patterns {
    fn new(patterns: Vec<Vec<u8>>) -> Self {
        Self { search: Search::new(&patterns), each: patterns.into_iter().map(Prefixes::new).collect() }
    }

    /// Masks what is certain of `text`: all before the returned offset. `None` instead of the masked text
    /// means that nothing had to be masked.
    fn mask(&self, text: &[u8]) -> (Option<Bytes>, usize) {
        let mut out: Option<BytesMut> = None;
        let mut done = 0;
        let mut open = self.open(text, 0);
        for found in self.search.find_iter(text) {
            // From `open` on a secret may be under way that begins before this one, or here and is longer.
            if open <= found.start() {
                break;
            }
            let out = out.get_or_insert_with(|| BytesMut::with_capacity(text.len()));
            out.extend_from_slice(&text[done..found.start()]);
            out.extend_from_slice(MASK);
            done = found.end();
            if open < done {
                open = self.open(text, done);
            }
        }
        let Some(mut out) = out else { return (None, open) };
        out.extend_from_slice(&text[done..open]);
        (Some(out.freeze()), open)
    }

    /// Where the longest end of `text[from..]` begins that is the proper beginning of a pattern; the length
    /// of `text` if there is none.
    fn open(&self, text: &[u8], from: usize) -> usize {
        text.len() - self.each.iter().map(|pattern| pattern.open(&text[from..])).max().unwrap_or(0)
    }
}

/// A pattern, prepared to find its beginning at the end of a text (Knuth, Morris and Pratt).
struct Prefixes {
    pattern: Vec<u8>,
    /// For each length, that of the longest shorter beginning which is also the end of this one.
    shorter: Vec<usize>,
}

impl Prefixes {
    fn new(pattern: Vec<u8>) -> Self {
        let mut prefixes = Self { shorter: vec![0; pattern.len() + 1], pattern };
        for length in 2..prefixes.shorter.len() {
            let before = prefixes.shorter[length - 1];
            prefixes.shorter[length] = prefixes.extended(before, prefixes.pattern[length - 1]);
        }
        prefixes
    }

    /// Length of the longest end of `text` that is a proper beginning of the pattern.
    fn open(&self, text: &[u8]) -> usize {
        let reach = text.len().min(self.pattern.len() - 1);
        text[text.len() - reach..].iter().fold(0, |length, byte| self.extended(length, *byte))
    }

    /// The longest beginning after one more byte, of one of `length` and its ends.
    fn extended(&self, mut length: usize, byte: u8) -> usize {
        loop {
            if self.pattern[length] == byte {
                return length + 1;
            }
            if length == 0 {
                return 0;
            }
            length = self.shorter[length];
        }
    }
}

impl Drop for Prefixes {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.pattern);
    }
}

/// A masker for each stream: what is held back of one must not end up in the other.
pub(crate) struct Maskers {
    pub(crate) stdout: Masker,
    pub(crate) stderr: Masker,
}

impl From<Masks> for Maskers {
    fn from(masks: Masks) -> Self {
        Self { stdout: masks.masker(), stderr: masks.masker() }
    }
}

#[cfg(test)]
mod tests;
