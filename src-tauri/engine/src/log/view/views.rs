//! What is remembered of views, and the questions that they answer.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::layout::Layout;
use super::lines::{Lines, Wanted};
use super::shown::Shown;
use super::sieve::{HASTE, PATIENCE, Sieve};
use super::{Hit, MOST_ROWS, MOST_TEXT, Row, View, Viewed};
use crate::error::{Error, Result};

/// Most filters that are remembered …
const MOST: usize = 8;
/// … and most memory of all but the latest, in bytes.
const MOST_BYTES: usize = 32 << 20;
/// How often something is looked at again because it was left out while it was read.
const AGAIN: usize = 3;

/// The views of logs that somebody looks at: a few of them with what their filters found, the latest first.
///
/// Calls block, and must come from within a Tokio runtime, which also searches in the background. A search ends when
/// its view is forgotten or this is dropped.
#[derive(Debug, Default)]
pub struct Views {
    sieves: Mutex<Vec<(View, Arc<Sieve>)>>,
}

impl Drop for Views {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Views {
    /// How much there is to see of the log in `folder`. `ended` says that it does not grow any more; it must have
    /// been so before this is called.
    pub fn view(&self, folder: &Path, view: &View, ended: bool) -> Result<Viewed> {
        self.ask(folder, view, (ended, PATIENCE), |layout, shown| {
            let (rows, matches) = shown
                .map_or_else(|| (layout.rows(), layout.kept_lines()), |shown| (shown.rows, shown.matches));
            Ok(Viewed { rows, matches, lines: layout.lines(), bytes: layout.bytes(), complete: true, ended })
        })
        .map(|(viewed, complete)| Viewed { complete, ..viewed })
    }

    /// At most `count` rows from number `from` on, with at most `cut` bytes of text each; never more than
    /// [`MOST_ROWS`], nor many more bytes than [`MOST_TEXT`].
    pub fn rows(&self, folder: &Path, view: &View, from: u64, count: usize, cut: usize) -> Result<Vec<Row>> {
        let (count, cut) = (count.min(MOST_ROWS), cut.min(MOST_TEXT));
        let rows = self.ask(folder, view, (false, HASTE), |layout, shown| {
            let wanted = match shown {
                Some(shown) => shown.rows(from, count),
                None => whole(layout, from, count).collect(),
            };
            Lines::of(layout).rows(wanted, cut)
        });
        Ok(rows?.0)
    }

    /// The next line that passes the filter, from line `from` on or back from it, `from` among them.
    pub fn find(&self, folder: &Path, view: &View, ended: bool, from: u64, backwards: bool) -> Result<Hit> {
        let found = self.ask(folder, view, (ended, PATIENCE), |layout, shown| {
            let (found, total) = match shown {
                Some(shown) => {
                    (if backwards { shown.previous(from) } else { shown.next(from) }, shown.matches)
                }
                None => (line_of_all(layout, from, backwards), layout.kept_lines()),
            };
            let Some((line, index)) = found else { return Ok(Hit { total, ..Hit::default() }) };
            Ok(Hit { line: Some(line), row: layout.row_of(line), index, total, complete: true })
        });
        found.map(|(hit, complete)| Hit { complete, ..hit })
    }

    /// The row that shows a line, or the first behind it.
    pub fn row_of(&self, folder: &Path, view: &View, line: u64) -> Result<u64> {
        let row = self.ask(folder, view, (false, HASTE), |layout, shown| {
            Ok(shown.map_or_else(|| layout.row_of(line), |shown| shown.row_of(line)))
        });
        Ok(row?.0)
    }

    /// The line that the byte at `offset` is in; of one that was left out or is not there yet, the first behind it.
    pub fn line_at(&self, folder: &Path, offset: u64) -> Result<u64> {
        let line =
            self.ask(folder, &View::default(), (false, HASTE), |layout, _| match layout.stretch_at(offset) {
                Some(index) => {
                    let stretch = &layout.stretches[index];
                    Lines::of(layout).line_at(stretch, offset.max(stretch.start))
                }
                None => Ok(layout.lines()),
            });
        Ok(line?.0)
    }

    /// Ends all searches and forgets what they found.
    pub fn forget(&self) {
        self.sieves().drain(..).for_each(|(_, sieve)| sieve.stop());
    }

    /// Answers a question about a log as it is now, and says whether a filter has seen all of it. The filter is given
    /// some time to; and whether the log has ended.
    fn ask<T>(
        &self,
        folder: &Path,
        view: &View,
        wait: (bool, Duration),
        answer: impl Fn(&Layout, Option<&Shown<'_>>) -> io::Result<T>,
    ) -> Result<(T, bool)> {
        let sieve = if view.is_whole() { None } else { Some(self.sieve(folder, view)?) };
        let mut tries = 0;
        loop {
            tries += 1;
            match once(folder, sieve.as_ref(), wait, &answer) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < AGAIN => {}
                done => return done.map_err(Error::storage("reading", folder)),
            }
        }
    }

    /// What is remembered of a view.
    fn sieve(&self, folder: &Path, view: &View) -> Result<Arc<Sieve>> {
        let mut sieves = self.sieves();
        let known = sieves.iter().position(|(known, sieve)| known == view && sieve.folder == folder);
        let entry = match known {
            Some(at) => sieves.remove(at),
            None => (view.clone(), Arc::new(Sieve::new(folder.to_owned(), view)?)),
        };
        let sieve = Arc::clone(&entry.1);
        sieves.insert(0, entry);
        let mut size = 0;
        let keep = sieves.iter().skip(1).take(MOST - 1).take_while(|(_, sieve)| {
            size += sieve.size();
            size <= MOST_BYTES
        });
        let keep = keep.count() + 1;
        sieves.drain(keep..).for_each(|(_, sieve)| sieve.stop());
        Ok(sieve)
    }

    fn sieves(&self) -> MutexGuard<'_, Vec<(View, Arc<Sieve>)>> {
        self.sieves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn once<T>(
    folder: &Path,
    sieve: Option<&Arc<Sieve>>,
    (ended, patience): (bool, Duration),
    answer: impl Fn(&Layout, Option<&Shown<'_>>) -> io::Result<T>,
) -> io::Result<(T, bool)> {
    let layout = Layout::read(folder)?;
    let Some(sieve) = sieve else { return Ok((answer(&layout, None)?, true)) };
    let mut found = sieve.found(layout.bytes(), ended, patience)?;
    let complete = found.seen >= layout.bytes();
    Shown::prune(&layout, &mut found);
    let shown = Shown::new(&layout, &found, sieve.context);
    Ok((answer(&layout, Some(&shown))?, complete))
}

/// Rows of the whole log.
fn whole(layout: &Layout, from: u64, count: usize) -> impl Iterator<Item = Wanted> {
    (from..from.saturating_add(count as u64)).map_while(|row| layout.place(row)).map(|place| Wanted {
        place,
        matched: false,
        gap: false,
    })
}

/// The nearest line that is there, and how many are before it.
fn line_of_all(layout: &Layout, from: u64, backwards: bool) -> Option<(u64, u64)> {
    let mut before = 0;
    let mut last = None;
    for stretch in &layout.stretches {
        if from < stretch.end_line() && (!backwards || from >= stretch.line) {
            let line = from.max(stretch.line);
            return Some((line, before + (line - stretch.line)));
        }
        if backwards && from < stretch.line {
            break;
        }
        before += stretch.lines();
        last = stretch.end_line().checked_sub(1).map(|line| (line, before - 1));
    }
    last.filter(|_| backwards)
}
