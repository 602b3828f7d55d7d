//! The lines of two texts that differ.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp};

use super::times;
use super::{Difference, Extent, Hunk, Line, Side};

/// Longest time that is spent on looking for the smallest difference. What is not looked at by then counts as
/// different where it may be the same.
const LONGEST: Duration = Duration::from_secs(3);

/// How two texts differ.
pub(super) fn difference(before: &str, after: &str, extent: Extent) -> Difference {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    // Numbers for lines that are the same but for times: they are compared quickly, and aligned by what stays.
    let mut known = HashMap::new();
    let mut numbered = |lines: &[&str]| -> Vec<usize> {
        let number = |line: &&str| {
            let next = known.len();
            *known.entry(times::without(line).into_owned()).or_insert(next)
        };
        lines.iter().map(number).collect()
    };
    let (olds, news) = (numbered(&old), numbered(&new));
    let until = Instant::now() + LONGEST;
    let ops = similar::capture_diff_slices_deadline(Algorithm::Myers, &olds, &news, Some(until));
    let all = Difference::default();
    let mut hunks = Hunks { extent, old: &old, new: &new, all, open: None, at: (0, 0), same: 0, shown: 0 };
    let mut changed = Changed::default();
    for op in ops {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for (old_at, new_at) in (old_index..old_index + len).zip(new_index..) {
                if old[old_at] == new[new_at] {
                    hunks.change(std::mem::take(&mut changed));
                    hunks.same();
                } else {
                    changed.old.push((old_at, true));
                    changed.new.push((new_at, true));
                }
            }
        } else {
            changed.old.extend(op.old_range().map(|at| (at, false)));
            changed.new.extend(op.new_range().map(|at| (at, false)));
        }
    }
    hunks.change(changed);
    hunks.finish()
}

/// Lines between two that are the same, and whether only their times differ.
#[derive(Default)]
struct Changed {
    old: Vec<(usize, bool)>,
    new: Vec<(usize, bool)>,
}

/// Puts lines into hunks.
struct Hunks<'a> {
    extent: Extent,
    old: &'a [&'a str],
    new: &'a [&'a str],
    all: Difference,
    open: Option<Hunk>,
    /// Lines of both that are dealt with.
    at: (usize, usize),
    /// How many of them are the same since the last difference.
    same: usize,
    shown: usize,
}

impl Hunks<'_> {
    fn same(&mut self) {
        self.at = (self.at.0 + 1, self.at.1 + 1);
        self.same += 1;
    }

    fn change(&mut self, changed: Changed) {
        if changed.old.is_empty() && changed.new.is_empty() {
            return;
        }
        let context = self.extent.context;
        if self.open.is_some() && self.same <= 2 * context {
            self.show_same(self.same, self.same);
        } else {
            self.close();
            let (before, (old, new)) = (self.same.min(context), self.at);
            self.open =
                Some(Hunk { old: (old - before) as u64, new: (new - before) as u64, lines: Vec::new() });
            self.show_same(before, before);
        }
        self.same = 0;
        self.at = (self.at.0 + changed.old.len(), self.at.1 + changed.new.len());
        for (at, times) in changed.old {
            *(if times { &mut self.all.times } else { &mut self.all.gone }) += 1;
            self.show(Side::Before, Some(at), None, times);
        }
        for (at, times) in changed.new {
            self.all.new += u64::from(!times);
            self.show(Side::After, None, Some(at), times);
        }
    }

    /// Shows `count` of the lines that are the same, which begin `back` lines ago.
    fn show_same(&mut self, back: usize, count: usize) {
        let (old, new) = (self.at.0 - back, self.at.1 - back);
        for index in 0..count {
            self.show(Side::Both, Some(old + index), Some(new + index), false);
        }
    }

    fn show(&mut self, side: Side, old: Option<usize>, new: Option<usize>, times: bool) {
        let Some(hunk) = &mut self.open else { return };
        if self.shown == self.extent.most {
            self.all.more = true;
            return;
        }
        self.shown += 1;
        let content =
            old.map(|at| self.old[at]).or(new.map(|at| self.new[at])).unwrap_or_default().to_owned();
        let number = |at: Option<usize>| at.map(|at| at as u64 + 1);
        hunk.lines.push(Line { side, old: number(old), new: number(new), times, content });
    }

    /// Ends the open hunk with the first of the lines that are the same.
    fn close(&mut self) {
        self.show_same(self.same, self.same.min(self.extent.context));
        self.all.hunks.extend(self.open.take().filter(|hunk| !hunk.lines.is_empty()));
    }

    fn finish(mut self) -> Difference {
        self.close();
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str, context: usize) -> String {
        let all = difference(before, after, Extent { context, most: 100 });
        let hunk = |hunk: &Hunk| {
            let lines: String =
                hunk.lines.iter().flat_map(|line| [line.side.sign(), &line.content]).collect();
            format!("@{},{}\n{lines}", hunk.old, hunk.new)
        };
        all.hunks.iter().map(hunk).collect()
    }

    #[test]
    fn a_hunk_has_the_lines_around_a_difference_and_goes_on_where_the_next_is_near() {
        let before: String = (0..30).map(|n| n.to_string() + "\n").collect();
        let after =
            before.replace("\n10\n", "\nten\n").replace("\n13\n", "\n").replace("\n29\n", "\n29\n30\n");
        assert_eq!(shown(&before, &after, 1), "@9,9\n 9\n-10\n+ten\n 11\n 12\n-13\n 14\n@29,28\n 29\n+30\n");
        assert_eq!(shown(&before, &after, 0), "@10,10\n-10\n+ten\n@13,13\n-13\n@30,29\n+30\n");
    }

    #[test]
    fn lines_that_differ_only_in_time_are_paired_and_counted_apart() {
        let before = "12:00:01 start\nread 3 files\n12:00:02 took 1.2 s\nend\n";
        let after = "13:00:01 start\nread 4 files\n13:00:05 took 3 s\nmore\nend\n";
        let all = difference(before, after, Extent::default());
        assert_eq!((all.gone, all.new, all.times, all.more), (1, 2, 2, false));
        let times: Vec<_> = all.hunks[0].lines.iter().map(|line| (line.side.sign(), line.times)).collect();
        assert_eq!(times[..3], [("-", true), ("-", false), ("-", true)]);
        assert_eq!(times[3..], [("+", true), ("+", false), ("+", true), ("+", false), (" ", false)]);
        assert_eq!((all.hunks[0].lines[4].old, all.hunks[0].lines[4].new), (None, Some(2)));
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let (before, after) = ("a\n".repeat(50), "b\n".repeat(60));
        let all = difference(&before, &after, Extent { context: 2, most: 7 });
        assert_eq!((all.gone, all.new, all.more), (50, 60, true));
        assert_eq!(all.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>(), 7);
    }

    #[test]
    fn texts_with_nothing_in_common_are_compared_within_the_time_for_it() {
        let lines = |word: &str| {
            (0..60_000).map(|n| word.to_owned() + &(n * 7 % 60_000).to_string() + "\n").collect::<String>()
        };
        let all = difference(&lines("a"), &(lines("b") + &lines("a")), Extent::default());
        assert!(all.new >= 60_000);
    }
}
