//! What a run waits for before its program runs, on one line of the terminal that goes away again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stigmer_engine::history::{Event, What};
use stigmer_engine::size::decimal_size;
use tokio::time::sleep;

use super::Carried;
use crate::output::Output;

/// Time before anything is shown: most places are ready sooner.
const SOON: Duration = Duration::from_millis(300);

/// The line. Clones are the same.
#[derive(Clone)]
pub(super) struct Steps {
    line: Arc<Mutex<Line>>,
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Empty,
    Shown,
    /// The terminal belongs to the program.
    Closed,
}

impl Steps {
    /// Shows what a run waits for until [`Steps::close`].
    pub(super) fn show(run: &Carried, output: &Output) -> Self {
        let steps = Self { line: Arc::new(Mutex::new(Line::Empty)), output: *output };
        tokio::spawn(follow(run.clone(), steps.clone()));
        steps
    }

    /// Takes the line away before something else is written, and shows none again.
    pub(super) fn close(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // Else it would take away what the program wrote there.
        if *line == Line::Shown {
            self.output.status("");
        }
        *line = Line::Closed;
    }

    /// False when nothing is to be shown any more.
    fn say(&self, text: &str) -> bool {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if *line != Line::Closed {
            self.output.status(text);
            *line = Line::Shown;
        }
        *line != Line::Closed
    }
}

async fn follow(run: Carried, steps: Steps) {
    sleep(SOON).await;
    let mut seen = 0;
    // What cannot be read now is told by how the run ends.
    while let Ok((events, Some(mut more))) = run.events(seen) {
        seen += events.len();
        if events.iter().any(|event| matches!(event.what, What::Running { .. } | What::Ended { .. })) {
            return steps.close();
        }
        if let Some(text) = events.iter().rev().find_map(words)
            && !steps.say(&text)
        {
            return;
        }
        if more.changed().await.is_err() {
            return;
        }
    }
}

fn words(event: &Event) -> Option<String> {
    match &event.what {
        What::Preparing { step } => Some(step.clone()),
        What::Progress { step, current, total: Some(total) } => {
            Some(format!("{step}  {} of {}", decimal_size(*current), decimal_size(*total)))
        }
        _ => None,
    }
}
