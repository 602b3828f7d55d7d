//! `stigmer runs prune`.

use std::time::Duration;

use serde_json::json;
use stigmer_engine::config::parse_size;
use stigmer_engine::engine::Engine;
use stigmer_engine::size::size;

use super::{counted, short};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Removes what the retention settings, or the options, no longer keep.
pub(super) async fn prune(
    engine: &Engine,
    older_than: Option<Duration>,
    keep: Option<&str>,
    dry_run: bool,
    as_json: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let keep = keep.map(parse_size).transpose()?;
    let (max_age, max_bytes) = match (older_than, keep) {
        (None, None) => {
            let logs = engine.config(&std::env::current_dir()?)?.logs();
            (Some(logs.retention), Some(logs.max_total_size))
        }
        asked => asked,
    };
    let going = engine.outdated(max_age, max_bytes).await?;
    let bytes = going.iter().map(|run| run.bytes).sum();
    if as_json {
        let ids: Vec<_> = going.iter().map(|run| run.id).collect();
        answer(&json!({ "runs": ids, "bytes": bytes, "removed": !dry_run }).to_string())?;
    } else if dry_run {
        let lines: Vec<_> =
            going.iter().map(|run| format!("{}  {}", short(run.id), size(run.bytes))).collect();
        answer(&lines.join("\n"))?;
    }
    let count = counted(going.len(), "run");
    if dry_run {
        output.note(Tone::Dim, format_args!("would remove {count}, {}", size(bytes)));
    } else {
        engine.remove(going.into_iter().map(|run| run.id).collect()).await?;
        output.note(Tone::Dim, format_args!("removed {count}, {}", size(bytes)));
    }
    Ok(Exit::Success)
}
