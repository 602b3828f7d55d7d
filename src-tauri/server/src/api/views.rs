//! Logs as the window shows them: rows by number, matches, comparisons.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stigmer_engine::compare::{Comparison, Extent};
use stigmer_engine::engine::Engine;
use stigmer_engine::log::Stream;
use stigmer_engine::log::view::{Kind, Pattern, Row, View};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::runs::InPathRun;
use crate::form::Run;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InPath, InQuery, RunInPath, misunderstood};

/// Most rows of one answer.
const ROWS: usize = 10_000;

/// Most lines around a match.
const CONTEXT: usize = 100;

/// Bytes of a row's text, unless another number is asked for; and the most that may be.
const CUT: usize = 4 << 10;
const LONGEST_CUT: usize = 16 << 20;

/// `STG1`, as the first four bytes.
const MAGIC: u32 = 0x3147_5453;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_view, view)
        .with(__path_rows, rows)
        .with(__path_find, find)
        .with(__path_line, line)
        .with(__path_compare, compare)
}

/// Which lines are seen; without a pattern and streams the whole log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Seen {
    /// What a line must contain.
    q: Option<String>,
    /// Whether that is a regular expression.
    #[serde(default)]
    regex: bool,
    /// Whether upper and lower case differ.
    #[serde(default)]
    case: bool,
    /// Where a line must have been written, such as `stdout,stderr`.
    #[param(pattern = "^((stdout|stderr|system)(,(stdout|stderr|system))*)?$")]
    streams: Option<String>,
    /// Lines to show before and after each match.
    #[serde(default)]
    #[param(maximum = 100)]
    context: usize,
}

impl Seen {
    fn view(self) -> Result<View, Refusal> {
        let words = self.streams.iter().flat_map(|list| list.split(',')).filter(|word| !word.is_empty());
        let stream = |word: &str| {
            serde_json::from_value::<Stream>(word.into())
                .map_err(|_| misunderstood(format!("`{word}` is no stream")))
        };
        if self.context > CONTEXT {
            return Err(misunderstood(format!("`context` is at most {CONTEXT}")));
        }
        let streams = words.map(stream).collect::<Result<_, _>>()?;
        let (regex, case_sensitive) = (self.regex, self.case);
        let pattern = self.q.filter(|text| !text.is_empty());
        let pattern = pattern.map(|text| Pattern { text, regex, case_sensitive });
        Ok(View { pattern, streams, context: self.context })
    }
}

/// How much there is to see.
#[derive(Serialize, ToSchema)]
struct Viewed {
    /// Rows of the view.
    rows: u64,
    /// Lines of the whole log.
    lines: u64,
    /// Bytes of the whole log.
    bytes: u64,
    /// Lines that match.
    matches: u64,
    /// Whether everything that is there was searched; else there is more at the next call.
    complete: bool,
    /// Whether no more will come.
    ended: bool,
}

/// How much there is to see of a log now. A filter goes on looking in the background.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log/view", tag = "log",
    params(RunInPath, Seen), responses((status = 200, body = Viewed), Refusal))]
async fn view(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(seen): InQuery<Seen>,
) -> Result<Json<Viewed>, Refusal> {
    let id = engine.resolve(&id).await?;
    let stigmer_engine::log::view::Viewed { rows, lines, bytes, matches, complete, ended } =
        engine.view(id, &seen.view()?).await?;
    Ok(Json(Viewed { rows, lines, bytes, matches, complete, ended }))
}

/// A range of rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Range {
    /// The number of the first.
    #[serde(default, deserialize_with = "crate::take::number")]
    #[param(maximum = 9_007_199_254_740_991_u64)]
    from: u64,
    /// How many at most.
    #[param(maximum = 10_000)]
    count: usize,
    /// Most bytes of text of a row; 4096 by default.
    #[param(maximum = 16_777_216)]
    cut: Option<usize>,
}

/// Rows, little endian: `STG1`, how many (u32), then of each the line's number (u64), the position of its first byte
/// (u64), microseconds since 1970 (u64, 0 if unknown), the length of the whole line (u64), its kind (u8: 0 stdout,
/// 1 stderr, 2 system, 3 left out), flags (u8: 1 it matches, 2 lines before it are left away, 4 its text is cut at the
/// end, 8 its text begins later, 16 no line end yet), two bytes of zero, the length of its text (u32), its text.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log/rows", tag = "log",
    params(RunInPath, Seen, Range),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), Refusal))]
async fn rows(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(seen): InQuery<Seen>,
    InQuery(range): InQuery<Range>,
) -> Result<Response, Refusal> {
    let id = engine.resolve(&id).await?;
    let cut = range.cut.unwrap_or(CUT);
    if range.count > ROWS || cut > LONGEST_CUT {
        return Err(misunderstood(format!("`count` is at most {ROWS}, `cut` at most {LONGEST_CUT}")));
    }
    let rows = engine.rows(id, &seen.view()?, range.from, range.count, cut).await?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))];
    Ok((kind, encode(&rows)).into_response())
}

/// Rows in their binary form.
fn encode(rows: &[Row]) -> Vec<u8> {
    let text: usize = rows.iter().map(|row| row.bytes.len()).sum();
    let mut to = Vec::with_capacity(8 + rows.len() * 40 + text);
    to.extend(MAGIC.to_le_bytes());
    to.extend(u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
    for row in rows {
        for number in [row.line, row.offset, row.at, row.length] {
            to.extend(number.to_le_bytes());
        }
        to.push(match row.kind {
            Kind::Stdout => 0,
            Kind::Stderr => 1,
            Kind::System => 2,
            Kind::LeftOut => 3,
        });
        let flags = [row.matched, row.gap, row.cut, row.begins_later, row.unended];
        to.push(flags.iter().enumerate().map(|(bit, &flag)| u8::from(flag) << bit).sum());
        to.extend([0, 0]);
        to.extend(u32::try_from(row.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        to.extend(&row.bytes);
    }
    to
}

/// Where to look from.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Beginning {
    /// The line to begin with.
    #[serde(default, deserialize_with = "crate::take::number")]
    #[param(maximum = 9_007_199_254_740_991_u64)]
    from: u64,
    /// Whether to look backwards.
    #[serde(default)]
    back: bool,
}

/// A match.
#[derive(Serialize, ToSchema)]
struct Hit {
    /// Its line; `null` if there is no more in that direction.
    line: Option<u64>,
    /// Its row in the whole log.
    row: Option<u64>,
    /// Which match it is, from 0.
    index: Option<u64>,
    /// How many there are.
    total: u64,
    /// Whether everything that is there was searched.
    complete: bool,
}

/// The next line that matches.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log/find", tag = "log",
    params(RunInPath, Seen, Beginning), responses((status = 200, body = Hit), Refusal))]
async fn find(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(seen): InQuery<Seen>,
    InQuery(Beginning { from, back }): InQuery<Beginning>,
) -> Result<Json<Hit>, Refusal> {
    let id = engine.resolve(&id).await?;
    let hit = engine.find(id, &seen.view()?, from, back).await?;
    let found = |number: u64| hit.line.is_some().then_some(number);
    Ok(Json(Hit {
        line: hit.line,
        row: found(hit.row),
        index: found(hit.index),
        total: hit.total,
        complete: hit.complete,
    }))
}

/// A position in a log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Position {
    /// The byte.
    #[serde(deserialize_with = "crate::take::number")]
    #[param(maximum = 9_007_199_254_740_991_u64)]
    at: u64,
}

/// A line.
#[derive(Serialize, ToSchema)]
struct LineAt {
    /// Its number, from 0.
    line: u64,
}

/// The line that a byte is in.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log/line", tag = "log",
    params(RunInPath, Position), responses((status = 200, body = LineAt), Refusal))]
async fn line(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(Position { at }): InQuery<Position>,
) -> Result<Json<LineAt>, Refusal> {
    let id = engine.resolve(&id).await?;
    Ok(Json(LineAt { line: engine.line_at(id, at).await? }))
}

/// Two runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Pair {
    /// The earlier run.
    before: String,
    /// The later run.
    after: String,
}

/// How two runs differ.
#[derive(Serialize, ToSchema)]
struct Compared {
    /// The earlier run.
    before: Run,
    /// The later run.
    after: Run,
    /// Whether they printed the same.
    same_output: bool,
    /// Whether they printed too much to be compared line by line.
    too_large: bool,
    /// Lines that only the first has.
    gone: u64,
    /// Lines that only the second has.
    new: u64,
    /// Lines that differ in times and durations only.
    only_time: u64,
    /// Whether there are more differences than the hunks show.
    more: bool,
    /// The lines that differ, with those around them.
    hunks: Vec<Hunk>,
}

/// A stretch with differences.
#[derive(Serialize, ToSchema)]
struct Hunk {
    /// Its lines.
    lines: Vec<HunkLine>,
}

/// A line of one output or of both.
#[derive(Serialize, ToSchema)]
struct HunkLine {
    /// `-` if only the first has it, `+` if only the second, else a space.
    sign: &'static str,
    /// Its number in the first, from 1.
    old: Option<u64>,
    /// Its number in the second, from 1.
    new: Option<u64>,
    /// Whether the other has the same line with another time in it.
    only_time: bool,
    /// Its text.
    content: String,
}

/// How the outputs of two runs differ.
#[utoipa::path(get, path = "/api/v1/runs/compare", tag = "runs", params(Pair),
    responses((status = 200, body = Compared), Refusal))]
async fn compare(
    State(engine): State<Engine>,
    InQuery(pair): InQuery<Pair>,
) -> Result<Json<Compared>, Refusal> {
    let (before, after) = (engine.resolve(&pair.before).await?, engine.resolve(&pair.after).await?);
    let Comparison { before, after, same_output, too_large, difference } =
        engine.compare(before, after, Extent::default()).await?;
    let line = |line: stigmer_engine::compare::Line| HunkLine {
        sign: line.side.sign(),
        old: line.old,
        new: line.new,
        only_time: line.times,
        content: line.content,
    };
    let hunk =
        |hunk: stigmer_engine::compare::Hunk| Hunk { lines: hunk.lines.into_iter().map(line).collect() };
    Ok(Json(Compared {
        before: Run::of(&engine, &before),
        after: Run::of(&engine, &after),
        same_output,
        too_large,
        gone: difference.gone,
        new: difference.new,
        only_time: difference.times,
        more: difference.more,
        hunks: difference.hunks.into_iter().map(hunk).collect(),
    }))
}
