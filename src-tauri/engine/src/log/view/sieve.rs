//! The lines of one log that pass a filter: found in the background, remembered, and looked for only in what is new.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::filter::Filter;
use super::layout::{Layout, Stretch};
use super::lines::Lines;
use super::ranges::Ranges;
use super::{MOST_CONTEXT, View};
use crate::error::Result;
use crate::log::segment::Segment;
use crate::os::Mapping;

/// How long a question waits for a search that just began: most logs are searched by then.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);
/// The same for one who can show something meanwhile.
pub(super) const HASTE: Duration = Duration::from_millis(2);
/// Lines that are found before they are shown to others.
const BATCH: usize = 16 << 10;
/// A last line up to this length is looked at again at each change; a longer one when it is twice as long.
const SHORT: u64 = 1 << 20;

/// The lines of a log that pass a filter.
#[derive(Debug)]
pub(super) struct Sieve {
    pub folder: PathBuf,
    filter: Filter,
    pub context: u64,
    found: Mutex<Sifted>,
    news: Condvar,
    at_work: AtomicBool,
    /// The last line stays as it is.
    ended: AtomicBool,
    stop: AtomicBool,
}

/// What is found so far.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    /// By where the segment begins that the lines begin in, so that they can go with it.
    pub parts: BTreeMap<u64, Ranges>,
    /// The first line that was not looked at: its position and number.
    next: (u64, u64),
    /// What of the log is accounted for.
    pub seen: u64,
    /// Where the last line ended when it was looked at.
    tail: u64,
    /// Whether it is longer by now.
    is_stale: bool,
    failed: Option<io::Error>,
}

impl Sieve {
    /// Fails with [`crate::Error::Pattern`].
    pub(super) fn new(folder: PathBuf, view: &View) -> Result<Self> {
        Ok(Self {
            folder,
            filter: Filter::new(view)?,
            context: view.context.min(MOST_CONTEXT) as u64,
            found: Mutex::default(),
            news: Condvar::new(),
            at_work: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        })
    }

    /// What is found of the first `bytes` of the log, after a short wait; the search goes on if that is not all.
    /// Must be called within a Tokio runtime.
    pub(super) fn found(
        self: &Arc<Self>,
        bytes: u64,
        ended: bool,
        patience: Duration,
    ) -> io::Result<MutexGuard<'_, Sifted>> {
        self.ended.fetch_or(ended, Ordering::Relaxed);
        let mut found = self.lock();
        let until = Instant::now() + if found.seen == 0 { PATIENCE } else { patience };
        loop {
            if let Some(error) = found.failed.take() {
                return Err(error);
            }
            if found.seen >= bytes && !(ended && found.is_stale) {
                return Ok(found);
            }
            if !self.at_work.swap(true, Ordering::AcqRel) {
                let sieve = Arc::clone(self);
                tokio::task::spawn_blocking(move || sieve.work());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(found);
            }
            found = self
                .news
                .wait_timeout(found, left)
                .map_or_else(|error| error.into_inner().0, |(found, _)| found);
        }
    }

    /// Ends the search.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Memory that it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        self.lock().parts.values().map(Ranges::size).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Sifted> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        // Also after a panic: else nobody would ever look again.
        let _at_work = AtWork(self);
        let failed = self.search().err();
        self.lock().failed = failed;
    }

    /// Looks at everything that there is now.
    fn search(&self) -> io::Result<()> {
        let mut layout = Layout::read(&self.folder)?;
        while !self.stop.load(Ordering::Relaxed) {
            match self.step(&layout) {
                Ok(true) => self.news.notify_all(),
                Ok(false) => break,
                // What was to be read is left out by now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => layout = Layout::read(&self.folder)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Looks at the next lines: at most those that begin in one segment. `false` when there are no more.
    fn step(&self, layout: &Layout) -> io::Result<bool> {
        let (mut at, mut line) = self.lock().next;
        let Some(index) = layout.stretch_at(at) else {
            self.lock().seen = layout.bytes();
            return Ok(false);
        };
        let stretch = &layout.stretches[index];
        if at < stretch.start {
            (at, line) = (stretch.start, stretch.line);
        }
        let (segment, segment_end) = stretch.segment_of(at);
        let mut lines = Lines::of(layout);
        let (end, is_ended) = lines.end_of(stretch, line, at)?;
        let is_last = index + 1 == layout.stretches.len();
        if !is_ended && is_last {
            return self.look_at_tail(layout, stretch, (at, line)).map(|()| false);
        }
        if let Some(ranges) = self.lock().parts.get_mut(&segment) {
            // The last line has an end now.
            ranges.set_tail(None);
        }
        let next = if end < segment_end && is_ended {
            // All lines that end in the segment; the one that leaves it comes next, by itself.
            let last = Part::map(&self.folder, stretch, segment, segment_end)?;
            let text = last.bytes(at, segment_end);
            let whole = memchr::memrchr(b'\n', text).map_or(0, |last| last + 1);
            (at + whole as u64, line + self.sift(&last, segment, (at, line), &text[..whole])?)
        } else {
            let behind = end + u64::from(is_ended);
            let part = Part::map(&self.folder, stretch, segment, behind)?;
            (behind, line + self.sift(&part, segment, (at, line), part.bytes(at, behind))?)
        };
        let mut found = self.lock();
        if !self.stop.load(Ordering::Relaxed) {
            (found.next, found.seen) = (next, next.0);
        }
        Ok(true)
    }

    /// Notes the lines in `text` that pass, and says how many there are.
    fn sift(&self, part: &Part, segment: u64, (at, line): (u64, u64), text: &[u8]) -> io::Result<u64> {
        let mut batch = Vec::with_capacity(BATCH.min(text.len()));
        let note = |batch: &mut Vec<u64>| {
            if !batch.is_empty() {
                let mut found = self.lock();
                let ranges = found.parts.entry(segment).or_insert_with(|| Ranges::new(self.context));
                batch.drain(..).for_each(|line| ranges.push(line));
            }
        };
        let lines = self.filter.pass(text, at, &part.records, &self.stop, |number| {
            batch.push(line + number);
            if batch.len() >= BATCH {
                note(&mut batch);
            }
        })?;
        note(&mut batch);
        Ok(lines)
    }

    /// Looks at the last line, which has no end yet and may pass now and not later, or the other way round.
    fn look_at_tail(&self, layout: &Layout, stretch: &Stretch, (at, line): (u64, u64)) -> io::Result<()> {
        let (segment, _) = stretch.segment_of(at);
        let looked = self.lock().tail.saturating_sub(at);
        let length = stretch.end - at;
        let mut passes = None;
        let is_stale = length > looked;
        if is_stale && (length <= SHORT || length >= 2 * looked || self.ended.load(Ordering::Relaxed)) {
            let part = Part::map(&self.folder, stretch, segment, stretch.end)?;
            let text = part.bytes(at, stretch.end);
            let mut any = false;
            self.filter.pass(text, at, &part.records, &self.stop, |_| any = true)?;
            passes = Some(any);
        }
        let mut found = self.lock();
        (found.next, found.seen) = ((at, line), layout.bytes());
        found.is_stale = is_stale && passes.is_none();
        if let Some(passes) = passes {
            found.tail = stretch.end;
            found.parts.values_mut().for_each(|ranges| ranges.set_tail(None));
            if passes {
                let ranges = found.parts.entry(segment).or_insert_with(|| Ranges::new(self.context));
                ranges.set_tail(Some(line));
            }
        }
        Ok(())
    }
}

/// Says that nobody works any more when it is dropped.
struct AtWork<'a>(&'a Sieve);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        // Under the lock: whoever finds too little either sees that nobody works, or is woken.
        let _found = self.0.lock();
        self.0.at_work.store(false, Ordering::Release);
        self.0.news.notify_all();
    }
}

/// A part of a log in memory: whole segments, one behind the other.
struct Part {
    start: u64,
    bytes: Mapping,
    records: crate::log::segment::Records,
}

impl Part {
    /// Maps the segments from `first` on that have the bytes before `end`.
    fn map(folder: &std::path::Path, stretch: &Stretch, first: u64, end: u64) -> io::Result<Self> {
        let from = stretch.segments.partition_point(|&start| start < first);
        let mut files = Vec::new();
        for &start in stretch.segments[from..].iter().take_while(|&&start| start < end) {
            let segment = Segment::open(folder, start)?.ok_or(io::ErrorKind::NotFound)?;
            files.push((segment, stretch.segment_of(start).1 - start));
        }
        let first_file = files.first().ok_or(io::ErrorKind::NotFound)?;
        let records = first_file.0.all_records()?;
        let mapped: Vec<_> = files.iter().map(|(segment, length)| (&segment.data, *length)).collect();
        Ok(Self { start: first, bytes: Mapping::new(&mapped)?, records })
    }

    fn bytes(&self, from: u64, to: u64) -> &[u8] {
        let index =
            |offset: u64| usize::try_from(offset - self.start).unwrap_or(usize::MAX).min(self.bytes.len());
        &self.bytes[index(from)..index(to)]
    }
}
