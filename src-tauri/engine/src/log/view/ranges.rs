//! Numbers of lines, kept small: millions of matches take a byte or two each.
//!
//! Lines that follow each other are a span. A span is coded by its distance to the one before and its length.
//! Every some hundred spans a block begins, which can be read by itself.

/// Spans of a block.
const BLOCK: u32 = 512;

/// Lines that follow each other, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub first: u64,
    pub last: u64,
}

impl Span {
    pub(super) fn lines(self) -> u64 {
        self.last - self.first + 1
    }
}

/// Rising numbers of lines, and how many rows they are with the lines of context between them.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    context: u64,
    blocks: Vec<Block>,
    /// What is coded so far.
    coded: Totals,
    /// The span that the next line may still join.
    open: Option<Span>,
    /// A line that passes now and may not when there is more of it.
    tail: Option<u64>,
}

/// What there is before a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// The last line.
    pub last: Option<u64>,
    /// How many there are.
    pub lines: u64,
    /// Rows from the first line to the last, with the context between them.
    pub rows: u64,
}

impl Totals {
    fn and(self, span: Span, context: u64) -> Self {
        let between = self.last.map_or(0, |last| (span.first - last - 1).min(2 * context));
        Self {
            last: Some(span.last),
            lines: self.lines + span.lines(),
            rows: self.rows + between + span.lines(),
        }
    }
}

#[derive(Debug)]
struct Block {
    first: u64,
    before: Totals,
    spans: u32,
    bytes: Vec<u8>,
}

/// Where to begin to read spans, and what is before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    block: usize,
    pub before: Totals,
}

impl Ranges {
    /// Nothing yet; rows count this much context on each side of a line.
    pub(super) fn new(context: u64) -> Self {
        Self { context, ..Self::default() }
    }

    /// Adds a line, later than all before.
    pub(super) fn push(&mut self, line: u64) {
        match &mut self.open {
            Some(open) if open.last + 1 == line => open.last = line,
            open => {
                if let Some(whole) = open.replace(Span { first: line, last: line }) {
                    self.code(whole);
                }
            }
        }
    }

    /// Says whether the last line, which is not ended, passes for now.
    pub(super) fn set_tail(&mut self, line: Option<u64>) {
        self.tail = line;
    }

    fn code(&mut self, span: Span) {
        let gap = match self.blocks.last_mut() {
            Some(block) if block.spans < BLOCK => self.coded.last.map_or(0, |last| span.first - last - 2),
            full => {
                if let Some(full) = full {
                    full.bytes.shrink_to_fit();
                }
                self.blocks.push(Block {
                    first: span.first,
                    before: self.coded,
                    spans: 0,
                    bytes: Vec::new(),
                });
                0
            }
        };
        if let Some(block) = self.blocks.last_mut() {
            block.spans += 1;
            let is_long = span.first < span.last;
            put(&mut block.bytes, gap << 1 | u64::from(is_long));
            if is_long {
                put(&mut block.bytes, span.last - span.first - 1);
            }
        }
        self.coded = self.coded.and(span, self.context);
    }

    /// What is not coded yet.
    fn rest(&self) -> impl Iterator<Item = Span> + use<> {
        let (open, tail) = match (self.open, self.tail) {
            (Some(open), Some(tail)) if open.last + 1 == tail => (Some(Span { last: tail, ..open }), None),
            (open, tail) => (open, tail.map(|line| Span { first: line, last: line })),
        };
        open.into_iter().chain(tail)
    }

    /// All of it.
    pub(super) fn totals(&self) -> Totals {
        self.rest().fold(self.coded, |totals, span| totals.and(span, self.context))
    }

    /// The first line.
    pub(super) fn first(&self) -> Option<u64> {
        self.blocks.first().map(|block| block.first).or_else(|| self.rest().next().map(|span| span.first))
    }

    /// Where to begin to find the row with this number, counted from the first line.
    pub(super) fn begin_at_row(&self, row: u64) -> Begin {
        if self.coded.rows <= row {
            return self.begin(self.blocks.len());
        }
        self.begin(self.blocks.partition_point(|block| block.before.rows <= row).saturating_sub(1))
    }

    /// Where to begin to find a line.
    pub(super) fn begin_at_line(&self, line: u64) -> Begin {
        if self.coded.last.is_none_or(|last| last < line) {
            return self.begin(self.blocks.len());
        }
        self.begin(self.blocks.partition_point(|block| block.first <= line).saturating_sub(1))
    }

    /// The beginning.
    pub(super) fn begin(&self, block: usize) -> Begin {
        Begin { block, before: self.blocks.get(block).map_or(self.coded, |block| block.before) }
    }

    /// The spans from there to the end.
    pub(super) fn spans(&self, begin: Begin) -> impl Iterator<Item = Span> + '_ {
        self.blocks[begin.block..].iter().flat_map(Block::spans).chain(self.rest())
    }

    /// Memory that it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        self.blocks.iter().map(|block| block.bytes.capacity() + size_of::<Block>()).sum()
    }
}

impl Block {
    fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        let (mut bytes, mut last) = (self.bytes.as_slice(), None);
        std::iter::from_fn(move || {
            let code = take(&mut bytes)?;
            let first = last.map_or(self.first, |last: u64| last + 2 + (code >> 1));
            let span =
                Span { first, last: if code & 1 == 1 { first + 1 + take(&mut bytes)? } else { first } };
            last = Some(span.last);
            Some(span)
        })
    }
}

/// Seven bits in each byte, the lowest first; the highest bit says that there is more.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_come_back_from_every_beginning(
            gaps in prop::collection::vec(prop_oneof![3 => 1u64..3, 1 => 1u64..100_000], 1..3_000),
            context in 0u64..4,
        ) {
            let mut ranges = Ranges::new(context);
            let lines: Vec<u64> = gaps.iter().scan(0, |line, gap| { *line += gap; Some(*line) }).collect();
            for &line in &lines {
                ranges.push(line);
            }
            let read = |begin| -> Vec<u64> { ranges.spans(begin).flat_map(|span| span.first..=span.last).collect() };
            prop_assert_eq!(&read(ranges.begin(0)), &lines);
            prop_assert_eq!(ranges.totals().lines, lines.len() as u64);
            for (index, &line) in lines.iter().enumerate().step_by(97) {
                let begin = ranges.begin_at_line(line);
                let skipped = usize::try_from(begin.before.lines).unwrap();
                prop_assert!(skipped <= index);
                prop_assert_eq!(&read(begin), &lines[skipped..]);
                let shown = lines[..=index].windows(2).map(|two| (two[1] - two[0] - 1).min(2 * context) + 1).sum();
                prop_assert!(ranges.begin_at_row(shown).before.rows <= shown);
            }
        }
    }

    #[test]
    fn a_match_takes_few_bytes() {
        for (distance, most) in [(1, 0), (2, 2), (50, 2), (5_000, 3)] {
            let mut ranges = Ranges::new(3);
            (0..1_000_000u64).for_each(|index| ranges.push(index * distance));
            assert!(ranges.size() <= 1_000_000 * most, "{distance}: {}", ranges.size());
        }
    }

    #[test]
    fn a_last_line_counts_until_it_is_taken_back() {
        let mut ranges = Ranges::new(1);
        assert_eq!((ranges.first(), ranges.totals().lines), (None, 0));
        ranges.push(3);
        ranges.set_tail(Some(4));
        assert_eq!(ranges.spans(ranges.begin(0)).collect::<Vec<_>>(), [Span { first: 3, last: 4 }]);
        ranges.set_tail(Some(9));
        assert_eq!((ranges.totals().rows, ranges.totals().last), (4, Some(9)));
        ranges.set_tail(None);
        ranges.push(4);
        assert_eq!((ranges.first(), ranges.totals().rows), (Some(3), 2));
    }
}
