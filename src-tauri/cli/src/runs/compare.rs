//! `stigmer runs compare`.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::json;
use stigmer_engine::compare::{Comparison, Extent, Hunk, Line, Side};
use stigmer_engine::cost::about;
use stigmer_engine::engine::Engine;
use stigmer_engine::state::{Outcome, RunRecord};
use stigmer_server::form::Run;

use super::{short, time};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Prints how two runs differ. Exits with 1 when their output or their end differs, as `diff` does.
pub(super) async fn compare(
    engine: &Engine,
    before: &str,
    after: &str,
    as_json: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let (before, after) = (engine.resolve(before).await?, engine.resolve(after).await?);
    let extent = Extent { context: if as_json { 0 } else { 2 }, most: usize::MAX };
    let compared = engine.compare(before, after, extent).await?;
    if as_json {
        let changes: Vec<_> =
            compared.difference.hunks.iter().flat_map(|hunk| &hunk.lines).map(change).collect();
        let shown = json!({ "before": Run::of(engine, &compared.before), "after": Run::of(engine, &compared.after),
            "same_output": compared.same_output, "changes": changes });
        answer(&shown.to_string())?;
    } else {
        answer(&report(&compared, output))?;
    }
    let end = |run: &RunRecord| (run.state.word(), exit(run));
    let same_end = end(&compared.before) == end(&compared.after);
    Ok(if compared.same_output && same_end { Exit::Success } else { Exit::No })
}

fn change(line: &Line) -> serde_json::Value {
    json!({ "sign": line.side.sign(), "line": line.old.or(line.new), "content": line.content })
}

fn exit(run: &RunRecord) -> Option<i32> {
    run.state.ending().and_then(|ending| ending.outcome.exit_code())
}

fn report(compared: &Comparison, output: &Output) -> String {
    let mut text = String::new();
    for run in [&compared.before, &compared.after] {
        let took = run.duration().map(time).unwrap_or_default();
        let end = run.state.ending().map(|ending| &ending.outcome);
        let code = end.and_then(Outcome::exit_code).map(|code| format!(" {code}")).unwrap_or_default();
        let command = super::list::one_line(&run.spec.work.to_string(), 60);
        let mode = run.place.mode.name();
        let cost = run.cost(Timestamp::now()).map(|cost| format!("  {}", about(cost)));
        let cost = cost.unwrap_or_default();
        let _ =
            writeln!(text, "{}  {}{code}  {took}{cost}  {mode}  {command}", short(run.id), run.state.word());
    }
    if compared.same_output {
        let _ = writeln!(text, "{}", output.paint(Tone::Dim, "the same output"));
        return text;
    }
    for hunk in &compared.difference.hunks {
        let _ = writeln!(text, "{}", output.paint(Tone::Dim, header(hunk)));
        for line in &hunk.lines {
            let tone = match line.side {
                Side::Before => Tone::Bad,
                Side::After => Tone::Good,
                Side::Both => Tone::Plain,
            };
            let (sign, content) = (line.side.sign(), line.content.trim_end_matches('\n'));
            let _ = writeln!(text, "{}", output.paint(tone, format_args!("{sign}{content}")));
        }
    }
    text
}

/// Where a hunk lies in both, as `diff -u` has it.
fn header(hunk: &Hunk) -> String {
    let range = |start: u64, has: fn(&Line) -> bool| match hunk.lines.iter().filter(|line| has(line)).count()
    {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    };
    let old = range(hunk.old, |line| line.old.is_some());
    format!("@@ -{old} +{} @@", range(hunk.new, |line| line.new.is_some()))
}
