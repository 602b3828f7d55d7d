//! `stigmer runs logs`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;

use jiff::{Timestamp, tz::TimeZone};
use stigmer_engine::engine::Engine;
use stigmer_engine::json;
use stigmer_engine::log::{Piece, Stream, Tail};
use stigmer_engine::spec::RunId;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Logs, StreamName};
use crate::exit::{Exit, Failure};

/// Longest part of a line that a window of lines prints, in bytes.
const LINE: usize = 64 << 20;

/// Prints the log of a run.
pub(crate) async fn logs(engine: &Engine, options: &Logs) -> Result<Exit, Failure> {
    let id = engine.resolve(&options.run.run).await?;
    if let Some(range) = &options.lines {
        return lines(engine, id, range);
    }
    let mut tail = if options.follow {
        engine.tail(id, options.from).await?
    } else {
        let mut reader = engine.log(id);
        reader.seek(options.from);
        Tail::of_what_is_there(reader)
    };
    let how = Printer { stream: options.stream, timestamps: options.timestamps, json: options.json };
    let runtime = Handle::current();
    // Heard from here on: one that came while nobody listened would end us with no code of ours.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let printing = tokio::task::spawn_blocking(move || how.print(&mut tail, &runtime));
    tokio::select! {
        printed = printing => printed.map_err(io::Error::other)??,
        // Only the watching ends: the run belongs to whoever started it.
        _ = interrupt.recv() => return Ok(Exit::INTERRUPT),
    }
    if options.json {
        let record = engine.get(id).await?;
        if record.state.ending().is_some() {
            crate::output::answer(&json::complete(&record).to_string())?;
        }
    }
    Ok(Exit::Success)
}

struct Printer {
    stream: Option<StreamName>,
    timestamps: bool,
    json: bool,
}

impl Printer {
    fn print(&self, tail: &mut Tail, runtime: &Handle) -> Result<(), Failure> {
        let mut stdout =
            BufWriter::with_capacity(256 << 10, File::from(io::stdout().as_fd().try_clone_to_owned()?));
        let mut at_line_start = true;
        loop {
            let mut piece = tail.next_now()?;
            if piece.is_none() {
                stdout.flush()?;
                piece = runtime.block_on(tail.next())?;
            }
            match piece {
                None => return Ok(stdout.flush()?),
                Some(Piece::Bytes { stream, .. }) if !self.wants(stream) => {}
                Some(piece) if self.json => json::write_piece(&mut stdout, &piece)?,
                Some(Piece::Bytes { bytes, at, .. }) if self.timestamps => {
                    stamped(&mut stdout, &bytes, at, &mut at_line_start)?;
                }
                Some(Piece::Bytes { bytes, .. }) => stdout.write_all(&bytes)?,
                Some(Piece::LeftOut { length, .. }) => {
                    stdout.flush()?;
                    let _ = writeln!(io::stderr(), "[… {length} bytes left out by the size limit …]");
                }
            }
        }
    }

    fn wants(&self, stream: Stream) -> bool {
        match self.stream {
            // What a program printed is what a log is; our own lines are asked for.
            None => self.json || stream != Stream::System,
            Some(StreamName::Stdout) => stream == Stream::Stdout,
            Some(StreamName::Stderr) => stream == Stream::Stderr,
            Some(StreamName::System) => stream == Stream::System,
        }
    }
}

fn stamped(to: &mut impl Write, bytes: &[u8], at: u64, at_line_start: &mut bool) -> io::Result<()> {
    let at = Timestamp::from_microsecond(i64::try_from(at).unwrap_or_default()).unwrap_or_default();
    let stamp = at.to_zoned(TimeZone::system()).strftime("%H:%M:%S%.3f ").to_string();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if *at_line_start {
            to.write_all(stamp.as_bytes())?;
        }
        to.write_all(line)?;
        *at_line_start = line.ends_with(b"\n");
    }
    Ok(())
}

/// Prints a window of lines: `FIRST:LAST` counted from 1, `FIRST:`, `:LAST`, or `-COUNT` from the end.
fn lines(engine: &Engine, id: RunId, range: &str) -> Result<Exit, Failure> {
    let log = engine.log(id);
    let wrong =
        || Failure::usage(format!("`{range}` is no range of lines"), "write 100:200, 100:, :50 or -20");
    let number = |text: &str| text.parse::<u64>().ok().filter(|&number| number > 0).ok_or_else(wrong);
    let (first, last) = match (range.strip_prefix('-'), range.split_once(':')) {
        (Some(count), _) => (log.line_count()?.saturating_sub(number(count)?), u64::MAX),
        (None, Some((first, last))) => (
            if first.is_empty() { 0 } else { number(first)? - 1 },
            if last.is_empty() { u64::MAX } else { number(last)? },
        ),
        (None, None) => (number(range)? - 1, number(range)?),
    };
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut next = first;
    while next < last {
        let window = log.lines(next, usize::try_from(last - next).unwrap_or(usize::MAX).min(1_000), LINE)?;
        let Some(end) = window.last() else { break };
        next = end.number + 1;
        for line in window.iter().take_while(|line| line.number < last) {
            stdout.write_all(&line.bytes)?;
            stdout.write_all(b"\n")?;
        }
    }
    stdout.flush()?;
    Ok(Exit::Success)
}
