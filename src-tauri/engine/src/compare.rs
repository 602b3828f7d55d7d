//! Two runs side by side: what one printed and the other did not.
//!
//! Outputs are compared as text without colours. Lines that differ in nothing but times are paired with each other
//! and counted apart: two runs of one program hardly ever take the same time. Neither size nor strangeness of what
//! is compared makes it wait long: what is beyond the limits is said to be, and not compared line by line.

mod lines;
mod text;
mod times;

use crate::error::Result;
use crate::log::LogReader;
use crate::state::RunRecord;

/// Two runs, and how they differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The one.
    pub before: RunRecord,
    /// The other.
    pub after: RunRecord,
    /// Whether they printed the same.
    pub same_output: bool,
    /// Whether an output is so long that only its beginning was compared line by line.
    pub too_large: bool,
    /// How the lines differ.
    pub difference: Difference,
}

/// How lines differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Lines that only the first has.
    pub gone: u64,
    /// Lines that only the second has.
    pub new: u64,
    /// Lines that both have, with other times in them.
    pub times: u64,
    /// The lines that differ, with those around them, in order.
    pub hunks: Vec<Hunk>,
    /// Whether there are more differences than the hunks show.
    pub more: bool,
}

/// A stretch with differences, and the lines around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunk {
    /// Lines of the first before it.
    pub old: u64,
    /// Lines of the second before it.
    pub new: u64,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of one output or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which of them has it.
    pub side: Side,
    /// Its number in the first, from 1.
    pub old: Option<u64>,
    /// Its number in the second, from 1.
    pub new: Option<u64>,
    /// Whether the other side has the same line with another time in it.
    pub times: bool,
    /// Its text, with its line end if it has one.
    pub content: String,
}

/// Who has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Both.
    Both,
    /// The first only.
    Before,
    /// The second only.
    After,
}

impl Side {
    /// Its sign, as `diff` has it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Both => " ",
            Self::Before => "-",
            Self::After => "+",
        }
    }
}

/// How much of a comparison is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Lines to show before and after each difference.
    pub context: usize,
    /// Most lines that the hunks have together.
    pub most: usize,
}

impl Default for Extent {
    fn default() -> Self {
        Self { context: 2, most: 20_000 }
    }
}

/// Compares what two logs have of two runs.
pub(crate) fn compare(
    (before, after): (RunRecord, RunRecord),
    logs: &mut (LogReader, LogReader),
    extent: Extent,
) -> Result<Comparison> {
    let (old, new) = (text::of(&mut logs.0)?, text::of(&mut logs.1)?);
    let too_large = old.is_cut || new.is_cut;
    let same_output = old == new && (!too_large || text::same_bytes(logs)?);
    let difference =
        if same_output { Difference::default() } else { lines::difference(&old.text, &new.text, extent) };
    Ok(Comparison { before, after, same_output, too_large, difference })
}
