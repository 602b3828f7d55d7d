//! What a run waits for before its program runs, on one line of the terminal that goes away again.

use std::time::Duration;

use stigmer_engine::history::What;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Carried;
use crate::output::Output;
use crate::runs::size;

/// Time before anything is shown: most places are ready sooner.
const SOON: Duration = Duration::from_millis(300);

/// The line, as long as it is there.
pub(super) struct Steps(JoinHandle<()>, Output);

impl Steps {
    /// Shows what a run waits for until its program runs, it ends, or this is dropped.
    pub(super) fn show(run: &Carried, output: &Output) -> Self {
        let (run, output) = (run.clone(), *output);
        Self(tokio::spawn(async move { follow(&run, &output).await }), output)
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.abort();
        self.1.status("");
    }
}

async fn follow(run: &Carried, output: &Output) {
    sleep(SOON).await;
    let mut seen = 0;
    // What cannot be read now is told by how the run ends.
    while let Ok((events, Some(mut more))) = run.events(seen) {
        seen += events.len();
        let mut now = None;
        for event in events {
            match event.what {
                What::Running { .. } | What::Ended { .. } => return output.status(""),
                What::Preparing { step } => now = Some(step),
                What::Progress { step, current, total: Some(total) } => {
                    now = Some(format!("{step}  {} of {}", size(current), size(total)));
                }
                _ => {}
            }
        }
        if let Some(text) = now {
            output.status(&text);
        }
        if more.changed().await.is_err() {
            return;
        }
    }
}
