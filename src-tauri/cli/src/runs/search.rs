//! `stigmer runs search`.

use std::io::{self, IsTerminal, Write};

use serde_json::json;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::Filter;
use stigmer_engine::json::content;
use stigmer_engine::log::search::{Found, Query};
use stigmer_engine::spec::RunId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::short;
use crate::args::Search;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};

/// Prints the lines that match, with the run where there are several. Exits with 1 when there are none.
pub(super) async fn search(engine: &Engine, options: Search, output: &Output) -> Result<Exit, Failure> {
    let ids = if options.runs.is_empty() {
        let all = Filter { limit: u32::MAX, ..Filter::default() };
        engine.list(all).await?.into_iter().map(|run| run.id).collect()
    } else {
        super::resolve_all(engine, &options.runs).await?
    };
    let query = Query {
        pattern: options.pattern.clone(),
        fixed: options.fixed,
        ignore_case: options.ignore_case,
        context: options.context,
    };
    let show_run = ids.len() > 1 || options.runs.is_empty();
    let printer = Printer { options, show_run, output: *output };
    let mut any = false;
    for id in ids {
        any |= printer.search(engine, id, &query).await? > 0;
    }
    Ok(if any { Exit::Success } else { Exit::No })
}

struct Printer {
    options: Search,
    show_run: bool,
    output: Output,
}

impl Printer {
    async fn search(&self, engine: &Engine, id: RunId, query: &Query) -> Result<u64, Failure> {
        let (send, mut found) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        let count_only = self.options.count;
        let searching = engine
            .search(id, query.clone(), stop, move |line| count_only || send.blocking_send(line).is_ok());
        // Takes the receiver along: a search whose output nobody reads any more ends.
        let printing = async move {
            let mut last = None;
            while let Some(line) = found.recv().await {
                self.print(id, &line, &mut last)?;
            }
            Ok::<_, Failure>(())
        };
        let (count, printed) = tokio::join!(searching, printing);
        printed?;
        let count = count?;
        if count_only && (count > 0 || !self.show_run) {
            writeln!(io::stdout(), "{}{count}", self.prefix(id))?;
        }
        Ok(count)
    }

    fn prefix(&self, id: RunId) -> String {
        if self.show_run { format!("{}:", self.output.paint(Tone::Dim, short(id))) } else { String::new() }
    }

    fn print(&self, id: RunId, line: &Found, last: &mut Option<u64>) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if self.options.json {
            let (name, text) = content(&line.bytes);
            let matches: Vec<_> = line.matches.iter().map(|range| [range.start, range.end]).collect();
            let row = json!({ "type": if line.is_match { "match" } else { "context" }, "run_id": id,
                "line": line.line + 1, "offset": line.offset, name: text, "matches": matches });
            return writeln!(stdout, "{row}");
        }
        if self.options.context > 0 && last.is_some_and(|last| line.line > last + 1) {
            writeln!(stdout, "--")?;
        }
        *last = Some(line.line);
        let mark = if line.is_match { ':' } else { '-' };
        write!(stdout, "{}{}{mark}", self.prefix(id), self.output.paint(Tone::Dim, line.line + 1))?;
        if !stdout.is_terminal() {
            stdout.write_all(&line.bytes)?;
            return stdout.write_all(b"\n");
        }
        let mut shown = 0;
        for range in &line.matches {
            write!(stdout, "{}", harmless(&line.bytes[shown..range.start]))?;
            write!(stdout, "{}", self.output.paint(Tone::Bad, harmless(&line.bytes[range.clone()])))?;
            shown = range.end;
        }
        writeln!(stdout, "{}", harmless(&line.bytes[shown..]))
    }
}

/// Output for a terminal: what a program printed can move no cursor and change no title, and a part of a line that
/// is very long is cut.
fn harmless(bytes: &[u8]) -> String {
    const LONGEST: usize = 1_000;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
    let shown =
        |character: char| if character.is_control() && character != '\t' { '\u{fffd}' } else { character };
    let cut = if bytes.len() > LONGEST { "…" } else { "" };
    text.chars().map(shown).collect::<String>() + cut
}
