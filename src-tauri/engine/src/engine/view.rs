//! Logs as viewers see them, see [`crate::log::view`].

use std::path::PathBuf;
use std::sync::Arc;

use super::Engine;
use super::follow::is_over;
use crate::error::{Error, Result};
use crate::log::view::{Hit, Row, View, Viewed, Views};
use crate::run::blocking;
use crate::spec::RunId;

impl Engine {
    /// How much there is to see of a run's log. Cheap enough to be asked at each notice that there is more. A filter
    /// goes on looking after this returned, until it has seen everything. A pattern that is none is an
    /// [`Error::Pattern`].
    pub async fn view(&self, id: RunId, view: &View) -> Result<Viewed> {
        let ended = self.log_ended(id).await?;
        let view = view.clone();
        self.look(id, move |views, folder| views.view(folder, &view, ended)).await
    }

    /// At most `count` rows from number `from` on, with at most `cut` bytes of text each. There are fewer where the
    /// view ends, where it is not known any further yet, or behind [`crate::log::view::MOST_ROWS`] and
    /// [`crate::log::view::MOST_TEXT`].
    pub async fn rows(
        &self,
        id: RunId,
        view: &View,
        from: u64,
        count: usize,
        cut: usize,
    ) -> Result<Vec<Row>> {
        let view = view.clone();
        self.look(id, move |views, folder| views.rows(folder, &view, from, count, cut)).await
    }

    /// The next line that passes the filter, from line `from` on or back from it, `from` among them.
    pub async fn find(&self, id: RunId, view: &View, from: u64, backwards: bool) -> Result<Hit> {
        let ended = self.log_ended(id).await?;
        let view = view.clone();
        self.look(id, move |views, folder| views.find(folder, &view, ended, from, backwards)).await
    }

    /// The row that shows a line, or the first behind it.
    pub async fn row_of(&self, id: RunId, view: &View, line: u64) -> Result<u64> {
        let view = view.clone();
        self.look(id, move |views, folder| views.row_of(folder, &view, line)).await
    }

    /// The line that the byte at `offset` is in.
    pub async fn line_at(&self, id: RunId, offset: u64) -> Result<u64> {
        self.look(id, move |views, folder| views.line_at(folder, offset)).await
    }

    async fn look<T: Send + 'static>(
        &self,
        id: RunId,
        look: impl FnOnce(&Views, &PathBuf) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (views, folder) = (Arc::clone(&self.0.views), self.home().run(id));
        blocking(move || {
            if !folder.is_dir() {
                return Err(Error::RunNotFound { given: id.to_string() });
            }
            look(&views, &folder)
        })
        .await
    }

    /// Whether the log of a run does not grow any more.
    async fn log_ended(&self, id: RunId) -> Result<bool> {
        if let Some(live) = self.find_live(id) {
            return Ok(live.progress.borrow().ended);
        }
        let folder = self.home().run(id);
        if blocking(move || Ok(is_over(&folder))).await? {
            return Ok(true);
        }
        Ok(self.get(id).await?.state.ending().is_some())
    }
}
