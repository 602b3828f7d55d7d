//! Logs as viewers see them, see [`crate::log::view`].

use super::Engine;
use crate::error::Result;
use crate::log::view::{Hit, Row, View, Viewed};
use crate::spec::RunId;

impl Engine {
    /// How much there is to see of a run's log. Cheap enough to be asked at each notice that there is more. A filter
    /// goes on looking after this returns, until it has seen everything.
    pub async fn view(&self, id: RunId, view: &View) -> Result<Viewed> {
        let _ = (id, view);
        Ok(Viewed::default())
    }

    /// At most `count` rows from number `from` on, with at most `cut` bytes of text each. There are fewer where the
    /// view ends, where it is not known any further yet, or behind [`crate::log::view::MOST_TEXT`].
    pub async fn rows(
        &self,
        id: RunId,
        view: &View,
        from: u64,
        count: usize,
        cut: usize,
    ) -> Result<Vec<Row>> {
        let _ = (id, view, from, count, cut);
        Ok(Vec::new())
    }

    /// The next line that passes the filter, from line `from` on or back from it, `from` among them.
    pub async fn find(&self, id: RunId, view: &View, from: u64, backwards: bool) -> Result<Hit> {
        let _ = (id, view, from, backwards);
        Ok(Hit::default())
    }

    /// The row that shows a line, or the first behind it.
    pub async fn row_of(&self, id: RunId, view: &View, line: u64) -> Result<u64> {
        let _ = (id, view, line);
        Ok(0)
    }

    /// The line that the byte at `offset` is in.
    pub async fn line_at(&self, id: RunId, offset: u64) -> Result<u64> {
        let _ = (id, offset);
        Ok(0)
    }
}
