//! Lists of sandboxes, page by page.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Sandbox, Sandboxes, State};
use crate::error::Result;

/// Which sandboxes, and in what order. An empty filter lists all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Labels that a sandbox must have, all of them.
    pub labels: BTreeMap<String, String>,
    /// States, one of which it must be in.
    pub states: Vec<State>,
    /// How its name must begin.
    pub name: Option<String>,
    /// How its id must begin.
    pub id: Option<String>,
    /// Snapshots, one of which it must be made from.
    pub snapshots: Vec<String>,
    /// Regions, one of which it must be in.
    pub regions: Vec<String>,
    /// Also those that failed while they were being deleted.
    pub include_errored_deleted: bool,
    /// The order.
    pub sort: Option<Sort>,
    /// Ascending instead of descending.
    pub ascending: bool,
    /// Sandboxes per page, 1 to 200; 100 by default.
    pub limit: Option<u32>,
}

impl Filter {
    /// Those with a label.
    pub fn label(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { labels: BTreeMap::from([(name.into(), value.into())]), ..Self::default() }
    }
}

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The name.
    Name,
    /// When it was used last. The server's default.
    LastActivity,
    /// When it was made.
    Created,
}

impl Sort {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::LastActivity => "lastActivityAt",
            Self::Created => "createdAt",
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The sandboxes. Some fields are missing, see [`Sandbox`].
    pub items: Vec<Sandbox>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    #[serde(rename_all = "camelCase")]
    Page { items: Vec<Sandbox>, next_cursor: Option<String> },
    /// Servers before May 2026 answer with everything at once.
    Bare(Vec<Sandbox>),
}

/// A list that is read page by page.
#[derive(Debug)]
pub struct Pages {
    sandboxes: Sandboxes,
    filter: Filter,
    cursor: Option<String>,
    ended: bool,
}

impl Pages {
    /// The next page, `None` after the last one. An error leaves the position as it was.
    pub async fn next(&mut self) -> Result<Option<Vec<Sandbox>>> {
        if self.ended {
            return Ok(None);
        }
        let page = self.sandboxes.page(&self.filter, self.cursor.as_deref()).await?;
        // A cursor that leads to itself would never end.
        self.ended = page.next.is_none() || page.next == self.cursor;
        self.cursor = page.next;
        Ok(Some(page.items))
    }

    /// Everything that is left.
    pub async fn all(mut self) -> Result<Vec<Sandbox>> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

impl Sandboxes {
    /// Lists sandboxes. The cloud serves lists from an index that lags behind by moments: for the truth about one
    /// sandbox ask for it alone.
    pub fn list(&self, filter: Filter) -> Pages {
        Pages { sandboxes: self.clone(), filter, cursor: None, ended: false }
    }

    /// One page of a list, from a cursor on.
    pub async fn page(&self, filter: &Filter, cursor: Option<&str>) -> Result<Page> {
        let mut call = self.client.base.get(&["sandbox"])?;
        call = call.maybe("cursor", cursor).maybe("limit", filter.limit);
        call = call.maybe("id", filter.id.as_ref()).maybe("name", filter.name.as_ref());
        if !filter.labels.is_empty() {
            let labels = serde_json::to_string(&filter.labels).unwrap_or_default();
            call = call.query("labels", labels);
        }
        for state in &filter.states {
            call = call.query("states", state.as_str());
        }
        for snapshot in &filter.snapshots {
            call = call.query("snapshots", snapshot);
        }
        for region in &filter.regions {
            call = call.query("regionIds", region);
        }
        call = call.maybe("includeErroredDeleted", filter.include_errored_deleted.then_some(true));
        call = call.maybe("sort", filter.sort.map(Sort::as_str));
        call = call.maybe("order", filter.ascending.then_some("asc"));
        let listed = self.client.http.json(call).await;
        Ok(match listed.map_err(|error| self.client.unless_unknown(error))? {
            Listed::Page { items, next_cursor } => {
                Page { items, next: next_cursor.filter(|next| !next.is_empty()) }
            }
            Listed::Bare(items) => Page { items, next: None },
        })
    }
}
