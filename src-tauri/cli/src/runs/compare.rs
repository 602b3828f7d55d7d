//! `stigmer runs compare`.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::json;
use similar::{ChangeTag, TextDiff};
use stigmer_engine::engine::Engine;
use stigmer_engine::log::{LogReader, Piece, Stream};
use stigmer_engine::spec::RunId;
use stigmer_engine::state::{Outcome, RunRecord};

use super::export::strip::Plain;
use super::{short, time};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Most bytes of each output that are compared line by line.
const LARGEST: usize = 16 << 20;

/// Prints how two runs differ. Exits with 1 when their output or their end differs, as `diff` does.
pub(super) async fn compare(
    engine: &Engine,
    before: &str,
    after: &str,
    as_json: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let (before, after) = (engine.resolve(before).await?, engine.resolve(after).await?);
    let runs = [engine.get(before).await?, engine.get(after).await?];
    let texts = [text(&mut engine.log(before))?, text(&mut engine.log(after))?];
    let diff = TextDiff::from_lines(texts[0].as_str(), texts[1].as_str());
    let same_output = texts[0] == texts[1] && same_bytes(engine, before, after)?;
    let ends = runs.each_ref().map(|run| (run.state.word(), exit(run)));
    if as_json {
        let side = |run: &RunRecord| super::list::row_as_json(run);
        let changes = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
        let changes: Vec<_> = changes
            .map(|change| {
                let (sign, line) = match change.tag() {
                    ChangeTag::Delete => ("-", change.old_index()),
                    _ => ("+", change.new_index()),
                };
                json!({ "sign": sign, "line": line.map(|line| line + 1), "content": change.value() })
            })
            .collect();
        let shown = json!({ "before": side(&runs[0]), "after": side(&runs[1]), "same_output": same_output,
            "changes": changes });
        answer(&shown.to_string())?;
    } else {
        answer(&report(&runs, &diff, same_output, output))?;
    }
    Ok(if same_output && ends[0] == ends[1] { Exit::Success } else { Exit::No })
}

fn exit(run: &RunRecord) -> Option<i32> {
    run.state.ending().and_then(|ending| ending.outcome.exit_code())
}

fn report<'a>(
    runs: &[RunRecord; 2],
    diff: &TextDiff<'a, 'a, str>,
    same_output: bool,
    output: &Output,
) -> String {
    let mut text = String::new();
    for run in runs {
        let took = run.duration().map(time).unwrap_or_default();
        let end = run.state.ending().map(|ending| &ending.outcome);
        let code = end.and_then(Outcome::exit_code).map(|code| format!(" {code}")).unwrap_or_default();
        let command = super::list::one_line(&run.spec.work.to_string(), 60);
        let mode = run.place.mode.name();
        let _ = writeln!(text, "{}  {}{code}  {took}  {mode}  {command}", short(run.id), run.state.word());
    }
    if same_output {
        let _ = writeln!(text, "{}", output.paint(Tone::Dim, "the same output"));
        return text;
    }
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        let _ = writeln!(text, "{}", output.paint(Tone::Dim, hunk.header()));
        for change in hunk.iter_changes() {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ('-', Tone::Bad),
                ChangeTag::Insert => ('+', Tone::Good),
                ChangeTag::Equal => (' ', Tone::Plain),
            };
            let line = change.value().trim_end_matches('\n');
            let _ = writeln!(text, "{}", output.paint(tone, format_args!("{sign}{line}")));
        }
    }
    text
}

/// Whether two long outputs are the same to the end. Shorter ones are compared as text, without their colours.
fn same_bytes(engine: &Engine, before: RunId, after: RunId) -> Result<bool, Failure> {
    let (mut before, mut after) = (engine.log(before), engine.log(after));
    if before.length()?.max(after.length()?) <= LARGEST as u64 {
        return Ok(true);
    }
    let (mut ours, mut theirs) = (Bytes::new(), Bytes::new());
    loop {
        for (held, log) in [(&mut ours, &mut before), (&mut theirs, &mut after)] {
            while held.is_empty() {
                match log.next_piece()? {
                    Some(Piece::Bytes { bytes, .. }) => *held = bytes,
                    Some(Piece::LeftOut { .. }) => {}
                    None => break,
                }
            }
        }
        let length = ours.len().min(theirs.len());
        if length == 0 || ours.split_to(length) != theirs.split_to(length) {
            return Ok(length == 0 && ours.is_empty() && theirs.is_empty());
        }
    }
}

/// What a run printed, as text without colours, the beginning of it where it is very long.
fn text(log: &mut LogReader) -> Result<String, Failure> {
    let (mut text, mut plain) = (String::new(), Plain::default());
    while let Some(piece) = log.next_piece()? {
        match piece {
            Piece::Bytes { stream: Stream::Stdout | Stream::Stderr, bytes, .. } => {
                text.push_str(&plain.push(&bytes));
            }
            Piece::Bytes { .. } => {}
            Piece::LeftOut { length, .. } => {
                let _ = writeln!(text, "\n[… {length} bytes left out …]");
            }
        }
        if text.len() > LARGEST {
            // At the same place in both, wherever their pieces end.
            text.truncate(text.floor_char_boundary(LARGEST));
            let _ = writeln!(text, "\n[… not compared line by line from here on …]");
            return Ok(text);
        }
    }
    text.push_str(&plain.finish());
    Ok(text)
}
