//! Which runs a list shows: the words of a [`Filter`] as SQL.
//!
//! Rows are walked from the newest, and the walk ends when the page is full. Only text and the runs that go on
//! have an index. For the other columns a walk over the narrow table takes some ten milliseconds for 100,000
//! runs at worst, while an index on a column with few values costs more whenever it is chosen wrongly.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};

use super::row;
use crate::error::{Error, Result};
use crate::spec::{Mode, Origin, RunId};
use crate::state::{Outcome, RunRecord, RunState};

/// What runs to find. An empty field lets every run pass; several values of one field are alternatives, except
/// for labels and words, which must all be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Words that the command line contains anywhere, in any order, whatever their case.
    pub text: String,
    /// Words of [`RunState::WORDS`].
    pub states: Vec<String>,
    /// Modes that were taken.
    pub modes: Vec<Mode>,
    /// Who started it.
    pub origins: Vec<Origin>,
    /// Labels that it has, exactly so.
    pub labels: Vec<String>,
    /// The folder that it worked on.
    pub workspace: Option<PathBuf>,
    /// Asked for at this time or later.
    pub since: Option<Timestamp>,
    /// Asked for before this time.
    pub until: Option<Timestamp>,
    /// Pinned, or not.
    pub pinned: Option<bool>,
    /// The container or cloud sandbox that it ran in: the name of either, or the id of the latter.
    pub sandbox: Option<String>,
    /// The run that it repeats.
    pub rerun_of: Option<RunId>,
    /// The most runs to list; 50 by default.
    pub limit: u32,
    /// Only runs behind this one in the list: the last of the page before. It may be gone meanwhile.
    pub before: Option<RunId>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            text: String::new(),
            states: Vec::new(),
            modes: Vec::new(),
            origins: Vec::new(),
            labels: Vec::new(),
            workspace: None,
            since: None,
            until: None,
            pinned: None,
            sandbox: None,
            rerun_of: None,
            limit: 50,
            before: None,
        }
    }
}

/// See [`super::History::list`].
pub(super) fn list(connection: &Connection, filter: &Filter) -> Result<Vec<RunRecord>> {
    let (sql, values) = listing(filter)?;
    let mut list = connection.prepare_cached(&sql)?;
    Ok(list.query_map(params_from_iter(values), row::record)?.collect::<Result<_, _>>()?)
}

/// The statement of a list, with a value for each `?` in it.
pub(super) fn listing(filter: &Filter) -> Result<(String, Vec<Value>)> {
    let mut conditions = Conditions::of(filter)?;
    if let Some(id) = filter.before {
        // The id sorts by time too, so it still says about where a run was that is gone.
        conditions.add(
            "{seq} < coalesce((SELECT seq FROM runs WHERE id = ?),
                              (SELECT seq + 1 FROM runs WHERE id < ? ORDER BY id DESC LIMIT 1), 0)",
            [id.to_string(), id.to_string()],
        );
    }
    let Conditions { from, seq, clauses, mut values } = conditions;
    // CROSS keeps the details from being walked first.
    let sql = format!(
        "SELECT {} FROM {from} CROSS JOIN run_details ON run_details.seq = runs.seq
         WHERE true{clauses} ORDER BY {seq} DESC LIMIT ?",
        row::COLUMNS
    );
    values.push(Value::Integer(filter.limit.into()));
    Ok((sql, values))
}

/// See [`super::History::count`].
pub(super) fn count(connection: &Connection, filter: &Filter) -> Result<u64> {
    let Conditions { from, clauses, values, .. } = Conditions::of(filter)?;
    let sql = format!("SELECT count(*) FROM {from} WHERE true{clauses}");
    let count: i64 =
        connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The conditions of a filter, with a value for each `?` in their order.
struct Conditions {
    /// The tables to walk.
    from: &'static str,
    /// The column that the walk goes along.
    seq: &'static str,
    /// Each begins with ` AND `.
    clauses: String,
    values: Vec<Value>,
}

impl Conditions {
    fn of(filter: &Filter) -> Result<Self> {
        let unknown = filter.states.iter().find(|word| !RunState::WORDS.contains(&word.as_str()));
        if let Some(word) = unknown {
            let why = format!("states are {}", RunState::WORDS.join(", "));
            return Err(Error::Pattern { pattern: word.clone(), why });
        }
        let mut all = Self { from: "runs", seq: "runs.seq", clauses: String::new(), values: Vec::new() };
        all.add_text(&filter.text);
        all.add_states(&filter.states);
        all.add_alternatives("mode", filter.modes.iter().map(|mode| mode.name()));
        all.add_alternatives("origin", filter.origins.iter().map(|origin| row::origin(*origin)));
        for label in &filter.labels {
            all.add("instr(labels, ?) > 0", [row::labels(std::slice::from_ref(label))]);
        }
        if let Some(workspace) = &filter.workspace {
            all.add("workspace = ?", [workspace.to_string_lossy().into_owned()]);
        }
        if let Some(since) = filter.since {
            all.add("created >= ?", [row::nanoseconds(since)]);
        }
        if let Some(until) = filter.until {
            all.add("created < ?", [row::nanoseconds(until)]);
        }
        if let Some(pinned) = filter.pinned {
            all.add("pinned = ?", [i64::from(pinned)]);
        }
        if let Some(name) = &filter.sandbox {
            // The first condition is quick, and holds for few.
            all.add(
                "EXISTS (SELECT 1 FROM run_details AS its WHERE its.seq = {seq} AND instr(its.place, ?) > 0 AND ? IN
                    (its.place ->> '$.sandbox.container', its.place ->> '$.cloud.id', its.place ->> '$.cloud.name'))",
                [name.clone(), name.clone()],
            );
        }
        if let Some(id) = filter.rerun_of {
            all.add("rerun_of = ?", [id.to_string()]);
        }
        Ok(all)
    }

    /// Adds a condition; `{seq}` in it stands for the column that the walk goes along.
    fn add<V: Into<Value>>(&mut self, clause: &str, values: impl IntoIterator<Item = V>) {
        self.clauses.push_str(" AND ");
        self.clauses.push_str(&clause.replace("{seq}", self.seq));
        self.values.extend(values.into_iter().map(Into::into));
    }

    fn add_alternatives<'a>(&mut self, column: &str, words: impl ExactSizeIterator<Item = &'a str>) {
        if words.len() > 0 {
            let places = vec!["?"; words.len()].join(", ");
            self.add(&format!("{column} IN ({places})"), words.map(str::to_owned));
        }
    }

    fn add_states(&mut self, words: &[String]) {
        self.add_alternatives("state", words.iter().map(String::as_str));
        if !words.is_empty() && !words.iter().any(|word| Outcome::WORDS.contains(&word.as_str())) {
            // Says the same again, in the words of the index of the few runs that go on.
            self.clauses.push_str(" AND ended IS NULL");
        }
    }

    /// Words of three characters and more are looked up in the text index, shorter ones compared row by row.
    fn add_text(&mut self, text: &str) {
        // A NUL would end the expression for the index in the middle.
        let words = text.split(|c: char| c.is_whitespace() || c == '\0').filter(|word| !word.is_empty());
        let (long, short): (Vec<_>, Vec<_>) = words.partition(|word| word.chars().nth(2).is_some());
        if !long.is_empty() {
            self.from = "runs_text CROSS JOIN runs ON runs.seq = runs_text.rowid";
            self.seq = "runs_text.rowid";
            let mut expression = String::new();
            for word in long {
                // In quotes nothing has a meaning but the quote, which is doubled.
                let _ = write!(expression, "\"{}\" ", word.replace('"', "\"\""));
            }
            self.add("runs_text MATCH ?", [expression]);
        }
        for word in short {
            self.add_short(word);
        }
    }

    fn add_short(&mut self, word: &str) {
        // LIKE knows the case of ASCII letters only, so the others are given in each.
        let mut forms = vec![word.to_owned(), word.to_lowercase(), word.to_uppercase()];
        if word.is_ascii() {
            forms.truncate(1);
        }
        let clause = vec![r"runs.command LIKE ? ESCAPE '\'"; forms.len()].join(" OR ");
        let escaped =
            |form: String| format!("%{}%", form.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"));
        self.add(&format!("({clause})"), forms.into_iter().map(escaped));
    }
}
