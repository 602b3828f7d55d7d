//! What a view should show, by looking at everything.

use crate::log::Stream;
use crate::log::view::{Kind, Row, View};

/// A log as bytes in memory, each with its stream.
#[derive(Default)]
pub(super) struct Model {
    bytes: Vec<u8>,
    streams: Vec<Stream>,
}

/// A line of the log.
pub(super) struct Line {
    stream: Stream,
    text: Vec<u8>,
    is_ended: bool,
}

/// What is compared of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub line: u64,
    kind: Kind,
    matched: bool,
    gap: bool,
    flags: [bool; 3],
    length: u64,
    text: String,
}

pub(super) fn shown(rows: &[Row]) -> Vec<Shown> {
    let shown = |row: &Row| Shown {
        line: row.line,
        kind: row.kind,
        matched: row.matched,
        gap: row.gap,
        flags: [row.cut, row.begins_later, row.unended],
        length: row.length,
        text: String::from_utf8_lossy(&row.bytes).into_owned(),
    };
    rows.iter().map(shown).collect()
}

impl Line {
    pub(super) fn passes(&self, view: &View) -> bool {
        let needle = view.pattern.as_ref().map_or("", |pattern| pattern.text.as_str());
        view.streams.has(self.stream) && String::from_utf8_lossy(&self.text).contains(needle)
    }

    fn show(&self, number: usize, cut: usize) -> Shown {
        let end = self.text.len() - self.text.iter().rev().take_while(|&&byte| byte == b'\r').count();
        let returned = self.text[..end].iter().rposition(|&byte| byte == b'\r');
        let from = returned.filter(|_| self.text.len() > cut).map_or(0, |at| at + 1);
        let rest = &self.text[from..];
        Shown {
            line: number as u64,
            kind: self.stream.into(),
            matched: false,
            gap: false,
            flags: [rest.len() > cut, from > 0, !self.is_ended],
            length: self.text.len() as u64,
            text: String::from_utf8_lossy(&rest[..rest.len().min(cut)]).into_owned(),
        }
    }
}

impl Model {
    pub(super) fn append(&mut self, stream: Stream, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.streams.extend(bytes.iter().map(|_| stream));
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let mut begin = 0;
        let line = |bytes: &[u8]| {
            let stream = self.streams[begin];
            begin += bytes.len();
            let ended = bytes.strip_suffix(b"\n");
            let text = ended.map_or(bytes, |text| text.strip_suffix(b"\r").unwrap_or(text));
            Line { stream, text: text.to_vec(), is_ended: ended.is_some() }
        };
        self.bytes.split_inclusive(|&byte| byte == b'\n').map(line).collect()
    }

    pub(super) fn rows(&self, view: &View, cut: usize) -> Vec<Shown> {
        let lines = self.lines();
        let passing: Vec<_> = lines.iter().map(|line| line.passes(view)).collect();
        let mut rows: Vec<Shown> = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let around = number.saturating_sub(view.context)..(number + view.context + 1).min(lines.len());
            if view.is_whole() || passing[around].contains(&true) {
                let gap = rows.last().is_some_and(|last| last.line + 1 < number as u64);
                let matched = passing[number] && !view.is_whole();
                rows.push(Shown { matched, gap, ..line.show(number, cut) });
            }
        }
        rows
    }

    pub(super) fn find(&self, view: &View, from: u64, backwards: bool) -> Option<(u64, u64)> {
        let lines = self.lines();
        let passing = lines.iter().enumerate().filter(|(_, line)| line.passes(view));
        let mut numbered = passing.map(|(number, _)| number as u64).zip(0..);
        if backwards {
            numbered.take_while(|(line, _)| *line <= from).last()
        } else {
            numbered.find(|(line, _)| *line >= from)
        }
    }
}
