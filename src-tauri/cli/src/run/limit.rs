//! The question where a run in the cloud would go beyond the limit of the month.

use std::io::{self, IsTerminal as _, Write as _};

use tokio::sync::oneshot;

use super::Signals;
use crate::exit::Failure;

/// Whether a run was refused for the limit, and somebody is there who may let it run all the same. Where nobody is, the error
/// says how that is allowed.
pub(super) fn can_be_asked(failure: &Failure, as_json: bool) -> bool {
    let Failure::Report(report) = failure else { return false };
    report.code == "daytona-over-limit" && !as_json && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for that; everything but a yes is a no. Gives the signal where one comes instead of an answer.
pub(super) async fn ask(failure: &Failure, signals: &mut Signals) -> Result<bool, i32> {
    let Failure::Report(report) = failure else { return Ok(false) };
    let what = report.message.clone();
    let (answer, answered) = oneshot::channel();
    // Nobody waits for the thread: whoever is asked may never answer.
    std::thread::spawn(move || answer.send(is_yes(&what).unwrap_or_default()));
    tokio::select! {
        yes = answered => Ok(yes.unwrap_or_default()),
        signal = signals.stop() => Err(signal),
    }
}

fn is_yes(what: &str) -> io::Result<bool> {
    write!(io::stderr(), "{what}.\nRun it all the same? [y/N] ")?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
