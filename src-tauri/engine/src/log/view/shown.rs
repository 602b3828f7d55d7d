//! The rows of a filtered view: lines that pass and those around them.

use std::ops::Range;

use super::layout::{Layout, Place};
use super::lines::Wanted;
use super::ranges::{Begin, Ranges, Span};
use super::sieve::Sifted;

/// What a filtered view shows of a log at a moment.
pub(super) struct Shown<'a> {
    layout: &'a Layout,
    context: u64,
    parts: Vec<Part<'a>>,
    pub rows: u64,
    pub matches: u64,
}

/// The lines that begin in one segment.
struct Part<'a> {
    ranges: &'a Ranges,
    stretch: usize,
    first: u64,
    /// Rows of the parts before, without the context between them and this one.
    rows: u64,
    /// Rows of the context between.
    lead: u64,
    /// Lines that pass before it.
    lines: u64,
}

/// The end of what was shown last: a line and its stretch.
type End = Option<(u64, usize)>;

/// Rows that follow each other.
struct Run {
    stretch: usize,
    lines: Range<u64>,
    matched: bool,
    /// Whether something was left away before.
    gap: bool,
}

impl Run {
    fn len(&self) -> u64 {
        self.lines.end.saturating_sub(self.lines.start)
    }
}

impl<'a> Shown<'a> {
    /// Forgets what was found in segments that are left out by now.
    pub(super) fn prune(layout: &Layout, found: &mut Sifted) {
        found.parts.retain(|segment, _| {
            let is_there =
                layout.stretches.iter().any(|stretch| stretch.segments.binary_search(segment).is_ok());
            // The search may be further than what was known of the log just now.
            is_there || *segment >= layout.bytes()
        });
    }

    pub(super) fn new(layout: &'a Layout, found: &'a Sifted, context: u64) -> Self {
        let mut all = Self { layout, context, parts: Vec::new(), rows: 0, matches: 0 };
        let mut end: End = None;
        for (segment, ranges) in &found.parts {
            let (Some(first), Some(stretch)) = (ranges.first(), layout.stretch_at(*segment)) else {
                continue;
            };
            let lead = all.between(end, Some((first, stretch))).iter().map(Run::len).sum();
            all.parts.push(Part { ranges, stretch, first, rows: all.rows, lead, lines: all.matches });
            let totals = ranges.totals();
            all.rows += lead + totals.rows;
            all.matches += totals.lines;
            end = totals.last.map(|last| (last, stretch));
        }
        all.rows += all.between(end, None).iter().map(Run::len).sum::<u64>();
        all
    }

    /// The context between two lines that pass: behind the one and before the other.
    fn between(&self, end: End, next: End) -> [Run; 2] {
        let context = self.context;
        let stretches = &self.layout.stretches;
        let trail = |(last, at): (u64, usize)| {
            let behind = (last + 1 + context).min(stretches[at].end_line());
            Run { stretch: at, lines: last + 1..behind, matched: false, gap: false }
        };
        let lead = |(first, at): (u64, usize)| {
            let before = first.saturating_sub(context).max(stretches[at].line);
            Run { stretch: at, lines: before..first, matched: false, gap: end.is_some() }
        };
        let none = || Run { stretch: 0, lines: 0..0, matched: false, gap: false };
        match (end, next) {
            (Some((last, at)), Some((first, same))) if at == same && first - last - 1 <= 2 * context => {
                [Run { stretch: at, lines: last + 1..first, matched: false, gap: false }, none()]
            }
            (end, next) => [end.map_or_else(none, trail), next.map_or_else(none, lead)],
        }
    }

    /// At most `count` rows from number `from` on.
    pub(super) fn rows(&self, from: u64, count: usize) -> Vec<Wanted> {
        let Some(part) = self.parts.partition_point(|part| part.rows <= from).checked_sub(1) else {
            return Vec::new();
        };
        let ranges = self.parts[part].ranges;
        let local = from.checked_sub(self.parts[part].rows + self.parts[part].lead);
        let begin = local.map_or(ranges.begin(0), |local| ranges.begin_at_row(local));
        let mut wanted = Vec::new();
        self.walk(part, begin, |row, run| {
            let first = run.lines.start + from.saturating_sub(row);
            for line in (first..run.lines.end).take(count - wanted.len()) {
                let place = Place::Line { stretch: run.stretch, line };
                wanted.push(Wanted { place, matched: run.matched, gap: run.gap && line == run.lines.start });
            }
            wanted.len() < count
        });
        wanted
    }

    /// The row that shows a line, or the first behind it.
    pub(super) fn row_of(&self, line: u64) -> u64 {
        let part = self.parts.partition_point(|part| part.first <= line).saturating_sub(1);
        let Some(begin) = self.parts.get(part).map(|part| part.ranges.begin_at_line(line)) else { return 0 };
        let mut found = self.rows;
        self.walk(part, begin, |row, run| {
            let is_there = run.lines.end > line;
            if is_there {
                found = row + line.saturating_sub(run.lines.start);
            }
            !is_there
        });
        found
    }

    /// Hands the rows from there on to `each`, with the number of the first, until it returns `false`.
    fn walk(&self, part: usize, begin: Begin, mut each: impl FnMut(u64, Run) -> bool) {
        let mut begin = Some(begin);
        let mut row = 0;
        let mut end = part.checked_sub(1).and_then(|before| {
            let before = &self.parts[before];
            before.ranges.totals().last.map(|last| (last, before.stretch))
        });
        for Part { ranges, stretch, rows, lead, .. } in &self.parts[part..] {
            let begin = begin.take().unwrap_or_else(|| ranges.begin(0));
            row = *rows;
            if let Some(last) = begin.before.last {
                row += lead + begin.before.rows;
                end = Some((last, *stretch));
            }
            for span in ranges.spans(begin) {
                let context = self.between(end, Some((span.first, *stretch)));
                let is_apart = context.iter().any(|run| run.gap);
                let is_marked = context.iter().any(|run| run.gap && run.len() > 0);
                let lines = span.first..span.last + 1;
                let matched = Run { stretch: *stretch, lines, matched: true, gap: is_apart && !is_marked };
                for run in context.into_iter().chain([matched]).filter(|run| run.len() > 0) {
                    let length = run.len();
                    if !each(row, run) {
                        return;
                    }
                    row += length;
                }
                end = Some((span.last, *stretch));
            }
        }
        for run in self.between(end, None).into_iter().filter(|run| run.len() > 0) {
            each(row, run);
        }
    }

    /// The first line from `from` on that passes, and how many do before it.
    pub(super) fn next(&self, from: u64) -> Option<(u64, u64)> {
        let first = self.parts.partition_point(|part| part.first <= from).saturating_sub(1);
        for part in &self.parts[first.min(self.parts.len())..] {
            let begin = part.ranges.begin_at_line(from);
            let mut index = part.lines + begin.before.lines;
            for Span { first, last } in part.ranges.spans(begin) {
                if last >= from {
                    let line = first.max(from);
                    return Some((line, index + (line - first)));
                }
                index += last - first + 1;
            }
        }
        None
    }

    /// The last line up to `from` that passes, and how many do before it.
    pub(super) fn previous(&self, from: u64) -> Option<(u64, u64)> {
        let part = &self.parts[self.parts.partition_point(|part| part.first <= from).checked_sub(1)?];
        let begin = part.ranges.begin_at_line(from);
        let mut index = part.lines + begin.before.lines;
        // Where nothing is found behind the beginning, it is what is before.
        let mut found = begin.before.last.map(|last| (last, index - 1));
        for span in part.ranges.spans(begin).take_while(|span| span.first <= from) {
            let line = span.last.min(from);
            found = Some((line, index + (line - span.first)));
            index += span.lines();
        }
        found
    }
}
