//! The log of a build, a piece at a time: for those who ask again and again, from where they are.

use std::time::Duration;

use stigmer_daytona::Client;
use tokio::time::{Instant, timeout_at};

use super::LogPiece;
use crate::backend::daytona::cloud;
use crate::error::Result;

/// Longest time to wait for something new.
const NEWS: Duration = Duration::from_secs(20);

/// Time in which what follows at once joins it.
const MORE: Duration = Duration::from_millis(150);

/// Most bytes of one piece.
const MOST: usize = 256 << 10;

/// See [`super::Daytona::snapshot_log`]. The server has the log from its start only, so what is known is read over.
pub(super) async fn read(client: &Client, name: &str, from: u64) -> Result<LogPiece> {
    let found = client.snapshots().get(name).await.map_err(cloud)?;
    let mut piece = LogPiece { bytes: Vec::new(), is_end: false };
    if found.build_info.is_none() {
        return Ok(LogPiece { is_end: true, ..piece });
    }
    let mut log = client.snapshots().build_log(&found.id);
    let (mut at, mut until) = (0, Instant::now() + NEWS);
    while piece.bytes.len() < MOST {
        match timeout_at(until, log.next()).await {
            Ok(Ok(Some(bytes))) => {
                let known = usize::try_from(from.saturating_sub(at)).unwrap_or(usize::MAX).min(bytes.len());
                at += bytes.len() as u64;
                let room = MOST - piece.bytes.len();
                piece.bytes.extend(bytes[known..].iter().take(room));
                if !piece.bytes.is_empty() {
                    until = until.min(Instant::now() + MORE);
                }
            }
            Ok(Ok(None)) => {
                piece.is_end = true;
                break;
            }
            Ok(Err(error)) => return Err(cloud(error)),
            Err(_) => break,
        }
    }
    Ok(piece)
}
