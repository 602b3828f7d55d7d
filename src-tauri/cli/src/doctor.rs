//! `stigmer doctor`.

use serde_json::json;
use stigmer_engine::config::Sources;
use stigmer_engine::doctor::{Check, Verdict, examine};
use stigmer_engine::home::Home;

use crate::args::Doctor;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Prints each check as it comes out. Exits with 1 when something is broken.
pub(crate) async fn doctor(options: &Doctor, sources: &Sources, output: &Output) -> Result<Exit, Failure> {
    let home = Home::of_user()?;
    let (mut broken, mut written) = (false, Ok(()));
    examine(&home, sources, |check| {
        broken |= check.verdict == Verdict::Broken;
        let line = if options.json { json!(check).to_string() } else { line(&check, output) };
        let told = answer(&line);
        written = std::mem::replace(&mut written, Ok(())).and(told);
    })
    .await;
    written?;
    Ok(if broken { Exit::No } else { Exit::Success })
}

fn line(check: &Check, output: &Output) -> String {
    let (tone, word) = match check.verdict {
        Verdict::Ok => (Tone::Good, "ok"),
        Verdict::Limited => (Tone::Warning, "limited"),
        Verdict::Broken => (Tone::Bad, "broken"),
    };
    let hint =
        check.hint.as_ref().map(|hint| format!("\n{:22}{} {hint}", "", output.paint(Tone::Good, "hint:")));
    let word = output.paint(tone, format_args!("{word:8}"));
    format!("{word}{:14}{}{}", check.name, check.found, hint.unwrap_or_default())
}
