//! Notices: that something changed, never what.

use std::path::PathBuf;

use futures_util::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use stigmer_engine::engine::Engine;
use stigmer_engine::spec::RunId;
use tokio::sync::watch;
use utoipa::ToSchema;

/// What somebody wants to be told about, besides what everybody is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// Runs whose states and output are shown.
    #[schema(value_type = Vec<String>)]
    pub runs: Vec<RunId>,
    /// The folder whose files are shown; absolute.
    #[schema(value_type = Option<String>)]
    pub workspace: Option<PathBuf>,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Notice {
    /// The first of them: whoever was away rereads what it shows.
    Hello {
        /// The version of what answers.
        version: String,
    },
    /// The list of runs is another.
    Runs,
    /// The state or the events of a watched run are others.
    Run {
        /// The run.
        #[schema(value_type = String, format = Uuid)]
        run_id: RunId,
    },
    /// A watched run printed something, or its log ended.
    Log {
        /// The run.
        #[schema(value_type = String, format = Uuid)]
        run_id: RunId,
        /// The position behind the last byte of its log.
        bytes: u64,
        /// Whether no more will come.
        ended: bool,
    },
    /// Files of the watched folder are others.
    Files {
        /// Which; `null` when they are too many to name.
        paths: Option<Vec<String>>,
        /// The folder itself is gone.
        gone: bool,
    },
    /// Settings are others.
    Config,
}

/// Tells what changes, for as long as somebody listens. The latest word counts: a listener that is slow gets fewer
/// notices, not late ones.
pub fn changes(
    _engine: Engine,
    _watch: watch::Receiver<Watch>,
) -> impl Stream<Item = Notice> + Send + 'static {
    let hello = Notice::Hello { version: env!("CARGO_PKG_VERSION").to_owned() };
    stream::once(std::future::ready(hello)).chain(stream::pending())
}
