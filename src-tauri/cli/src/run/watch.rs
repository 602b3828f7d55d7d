//! `stigmer run --watch`: the same run again at each change, the one that goes on ended first.

use stigmer_engine::home::Home;
use stigmer_engine::workspace::watch::Watcher;

use super::attach::Signals;
use super::specify::Request;
use super::{Attachment, Carrier, attach};
use crate::args::Run;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};

/// Runs until we are interrupted; the exit code is then that of the interrupt.
pub(crate) async fn watch(
    carrier: &mut Carrier,
    request: &Request,
    options: &Run,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut watcher = Watcher::new(&request.spec.workspace, &Home::of_user()?, &options.watch)?;
    let how = Attachment { json: options.json, stdin: false };
    let mut signals = Signals::new()?;
    loop {
        let mut made_way = false;
        let exit = {
            let change = async {
                announce(&watcher.changed().await?, output);
                made_way = true;
                Ok(())
            };
            attach(carrier, request.spec.clone(), how, change, output).await?
        };
        match exit {
            exit @ Exit::Signal(_) if !made_way => return Ok(exit),
            _ if !made_way => {
                output.note(Tone::Dim, "waiting for a change …");
                tokio::select! {
                    changed = watcher.changed() => announce(&changed?, output),
                    signal = signals.stop() => return Ok(Exit::Signal(signal)),
                }
            }
            // Whoever asks us to end while a run makes way for the next does not mean that run alone.
            _ => tokio::select! {
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
