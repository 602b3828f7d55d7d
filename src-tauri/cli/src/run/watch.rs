//! `stigmer run --watch`: the same run again at each change, the one that goes on ended first.

use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::workspace::watch::Watcher;

use super::attach::Signals;
use super::specify::Request;
use super::{Attachment, attach};
use crate::args::Run;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};

/// Runs until we are interrupted; the exit code is then that of the interrupt.
pub(crate) async fn watch(
    engine: &Engine,
    request: &Request,
    options: &Run,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut watcher = Watcher::new(&request.spec.workspace, engine.home(), &options.watch)?;
    let how = Attachment { json: options.json, stdin: false };
    let mut signals = Signals::new()?;
    loop {
        let exit = {
            let run = attach(engine, request.spec.clone(), how, output);
            tokio::pin!(run);
            tokio::select! {
                exit = &mut run => Some(exit?),
                changed = watcher.changed() => {
                    announce(&changed?, output);
                    engine.stop_all(Stop::Ask(Manner::Terminate));
                    run.await?;
                    None
                }
            }
        };
        match exit {
            Some(exit @ Exit::Signal(_)) => return Ok(exit),
            Some(_) => {
                output.note(Tone::Dim, "waiting for a change …");
                tokio::select! {
                    changed = watcher.changed() => announce(&changed?, output),
                    signal = signals.stop() => return Ok(Exit::Signal(signal)),
                }
            }
            // Whoever asks us to end while a run makes way for the next does not mean that run alone.
            None => tokio::select! {
                biased;
                signal = signals.stop() => return Ok(Exit::Signal(signal)),
                () = std::future::ready(()) => {}
            },
        }
    }
}

fn announce(changed: &[std::path::PathBuf], output: &Output) {
    let first = changed.first().map(|path| path.display().to_string()).unwrap_or_default();
    let more = match changed.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    output.note(Tone::Strong, format_args!("── {first}{more} changed"));
}
