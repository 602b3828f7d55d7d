//! Reading sandboxes.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Map, Value, json};

use super::Shared;
use crate::reply::{Answer, Refusal};
use crate::sandbox::Sandbox;

/// The most that a page may have.
const MAX_PAGE: usize = 200;

pub(super) async fn one(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    Ok(Json(cloud.world().sandbox(&name)?.json()))
}

/// The pairs of a query; a name may come more than once.
type Pairs = Query<Vec<(String, String)>>;

/// What a list leaves out.
struct Filter<'a> {
    pairs: &'a [(String, String)],
    labels: Map<String, Value>,
}

impl<'a> Filter<'a> {
    fn new(pairs: &'a [(String, String)]) -> Result<Self, Refusal> {
        let labels = match get(pairs, "labels") {
            None => Map::new(),
            Some(text) => {
                serde_json::from_str(text).map_err(|_| Refusal::bad("Invalid labels JSON format"))?
            }
        };
        Ok(Self { pairs, labels })
    }

    /// Whether a name is absent from the query or one of its values is this.
    fn one_of(&self, name: &str, value: &str) -> bool {
        let mut wanted = self.pairs.iter().filter(|(key, _)| key == name).peekable();
        wanted.peek().is_none() || wanted.any(|(_, wanted)| wanted.split(',').any(|each| each == value))
    }

    fn within(&self, least: &str, most: &str, value: i64) -> bool {
        let number = |name| get(self.pairs, name).and_then(|text| text.parse::<i64>().ok());
        number(least).is_none_or(|least| value >= least) && number(most).is_none_or(|most| value <= most)
    }

    fn takes(&self, sandbox: &Sandbox) -> bool {
        let begins = |name, value: &str| {
            get(self.pairs, name)
                .is_none_or(|prefix| value.to_lowercase().starts_with(&prefix.to_lowercase()))
        };
        let state = serde_json::to_value(sandbox.state).unwrap_or_default();
        let has =
            |(key, value): (&String, &Value)| sandbox.labels.get(key).is_some_and(|label| *value == **label);
        begins("id", &sandbox.id)
            && begins("name", &sandbox.name)
            && self.labels.iter().all(has)
            && self.one_of("states", state.as_str().unwrap_or_default())
            && self.one_of("snapshots", sandbox.snapshot.as_deref().unwrap_or_default())
            && self.one_of("regionIds", &sandbox.target)
            && self.one_of("sandboxClasses", sandbox.sandbox_class)
            && self.one_of("isPublic", if sandbox.public { "true" } else { "false" })
            && self.one_of("isRecoverable", if sandbox.recoverable { "true" } else { "false" })
            && self.within("minCpu", "maxCpu", sandbox.cpu)
            && self.within("minMemoryGiB", "maxMemoryGiB", sandbox.memory)
            && self.within("minDiskGiB", "maxDiskGiB", sandbox.disk)
            && get(self.pairs, "createdAtAfter").is_none_or(|at| sandbox.created_at.as_str() >= at)
            && get(self.pairs, "createdAtBefore").is_none_or(|at| sandbox.created_at.as_str() <= at)
    }
}

fn get<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// One page; the cursor of the next is the id of the last one on it.
pub(super) async fn list(State(cloud): Shared, Query(pairs): Pairs) -> Answer {
    let filter = Filter::new(&pairs)?;
    let limit = match get(&pairs, "limit").map(str::parse::<usize>) {
        None => 100,
        Some(Ok(limit)) if (1..=MAX_PAGE).contains(&limit) => limit,
        Some(_) => return Err(Refusal::bad(format!("limit must be between 1 and {MAX_PAGE}"))),
    };
    let world = cloud.world();
    let known = |each: &&Sandbox| each.born.elapsed() >= cloud.options.list_lag;
    let mut found: Vec<_> = world.sandboxes.iter().filter(known).filter(|each| filter.takes(each)).collect();
    match get(&pairs, "sort").unwrap_or("lastActivityAt") {
        "name" => found.sort_by(|a, b| a.name.cmp(&b.name)),
        "cpu" => found.sort_by_key(|each| each.cpu),
        "memoryGib" => found.sort_by_key(|each| each.memory),
        "diskGib" => found.sort_by_key(|each| each.disk),
        "createdAt" => found.sort_by_key(|each| Reverse(each.born.elapsed())),
        _ => found.sort_by_key(|each| Reverse(each.active.elapsed())),
    }
    if get(&pairs, "order").unwrap_or("desc") == "desc" {
        found.reverse();
    }
    let from = match get(&pairs, "cursor").filter(|cursor| !cursor.is_empty()) {
        None => 0,
        Some(cursor) => match found.iter().position(|each| each.id == cursor) {
            Some(at) => at + 1,
            None => return Err(Refusal::bad("Invalid cursor")),
        },
    };
    let page: Vec<_> = found.iter().skip(from).take(limit).collect();
    let more = found.len() > from + page.len();
    let next = page.last().filter(|_| more).map(|last| last.id.clone());
    let items: Vec<_> = page.iter().map(|each| each.item()).collect();
    Ok(Json(json!({ "items": items, "nextCursor": next })))
}
