//! Printing the lines of `--json`. Their form is the engine's, see `docs/json.md`.

use std::future::pending;
use std::io::{self, StdoutLock, Write};

use stigmer_engine::history::What;
use stigmer_engine::json::{complete, event, write_piece};
use stigmer_engine::state::RunRecord;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::exit::Failure;
use crate::run::{Carried, Printed};

/// Prints states, progress and output of a run as they happen, until its log ends.
pub(crate) fn print_live(run: &Carried, mut printed: Printed, runtime: &Handle) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let mut mode = "";
    let mut told = 0;
    let mut tell = |stdout: &mut StdoutLock<'_>| -> Result<_, Failure> {
        let (events, news) = run.events(told)?;
        told += events.len();
        // The end comes after the last byte of output and is printed by `print_end`.
        for happened in events.iter().filter(|event| !matches!(event.what, What::Ended { .. })) {
            if let What::Created { place, .. } = &happened.what {
                mode = place.mode.name();
            }
            if let Some(line) = event(happened, run.id(), mode) {
                writeln!(stdout, "{line}")?;
            }
        }
        stdout.flush()?;
        Ok(news)
    };
    loop {
        let news = tell(&mut stdout)?;
        let piece = runtime.block_on(async {
            tokio::select! {
                biased;
                () = changed(news) => None,
                piece = printed.next() => Some(piece),
            }
        });
        match piece.transpose()? {
            Some(Some(piece)) => write_piece(&mut stdout, &piece)?,
            // What happened in the moment in which the log ended is told, too.
            Some(None) => return tell(&mut stdout).map(drop),
            None => {}
        }
    }
}

/// Waits for more events; for ever where there can be none.
async fn changed(news: Option<watch::Receiver<usize>>) {
    let Some(mut news) = news else { return pending().await };
    if news.changed().await.is_err() {
        pending::<()>().await;
    }
}

/// Prints the last lines of a run: its end state and `execution_complete`.
pub(crate) fn print_end(run: &Carried, record: &RunRecord) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let (events, _) = run.events(0)?;
    let mode = record.place.mode.name();
    let ended = events.iter().rev().find(|event| matches!(event.what, What::Ended { .. }));
    if let Some(line) = ended.and_then(|ended| event(ended, record.id, mode)) {
        writeln!(stdout, "{line}")?;
    }
    writeln!(stdout, "{}", complete(record))?;
    Ok(stdout.flush()?)
}
