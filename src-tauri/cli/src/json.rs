//! Printing the lines of `--json`. Their form is the engine's, see `docs/json.md`.

use std::future::pending;
use std::io::{self, Write};

use stigmer_engine::engine::Engine;
use stigmer_engine::history::What;
use stigmer_engine::json::{complete, event, write_piece};
use stigmer_engine::log::Tail;
use stigmer_engine::spec::RunId;
use stigmer_engine::state::RunRecord;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::exit::Failure;

/// Prints states, progress and output of a run as they happen, until its log ends.
pub(crate) fn print_live(
    engine: &Engine,
    id: RunId,
    mut tail: Tail,
    runtime: &Handle,
) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let mut mode = "";
    let mut printed = 0;
    loop {
        let (events, news) = engine.events(id, printed)?;
        printed += events.len();
        // The end comes after the last byte of output and is printed by `print_end`.
        for happened in events.iter().filter(|event| !matches!(event.what, What::Ended { .. })) {
            if let What::Created { place, .. } = &happened.what {
                mode = place.mode.name();
            }
            if let Some(line) = event(happened, id, mode) {
                writeln!(stdout, "{line}")?;
            }
        }
        stdout.flush()?;
        let piece = runtime.block_on(async {
            tokio::select! {
                biased;
                () = changed(news) => None,
                piece = tail.next() => Some(piece),
            }
        });
        match piece.transpose()? {
            Some(Some(piece)) => write_piece(&mut stdout, &piece)?,
            Some(None) => return Ok(stdout.flush()?),
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
pub(crate) fn print_end(engine: &Engine, record: &RunRecord) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let (events, _) = engine.events(record.id, 0)?;
    let mode = record.place.mode.name();
    let ended = events.iter().rev().find(|event| matches!(event.what, What::Ended { .. }));
    if let Some(line) = ended.and_then(|ended| event(ended, record.id, mode)) {
        writeln!(stdout, "{line}")?;
    }
    writeln!(stdout, "{}", complete(record))?;
    Ok(stdout.flush()?)
}
