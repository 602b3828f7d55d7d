//! A body that is sent piece by piece.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use reqwest::Body;

use super::{Buffered, Call, Http, Payload};
use crate::error::{Error, Result};

/// Pieces of a body.
pub(crate) type Pieces = BoxStream<'static, io::Result<Bytes>>;
type Opener = Box<dyn FnMut() -> BoxFuture<'static, Result<Pieces>> + Send + Sync>;

/// Where a body comes from: opened anew for each attempt, or once.
pub(crate) struct Source {
    kind: String,
    open: Opener,
    repeatable: bool,
    sent: Arc<AtomicU64>,
}

impl Source {
    /// `open` gives the pieces from the start; it is called more than once only if `repeatable`.
    pub(crate) fn new(kind: String, repeatable: bool, open: Opener) -> Self {
        Self { kind, open, repeatable, sent: Arc::default() }
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    pub(super) async fn open(&mut self) -> Result<(String, Body)> {
        let sent = self.sent.clone();
        let pieces = (self.open)().await?.inspect_ok(move |piece| {
            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        });
        Ok((self.kind.clone(), Body::wrap_stream(pieces)))
    }
}

impl Http {
    /// Sends a body piece by piece. There is no limit for the whole, only for the time without progress.
    pub(crate) async fn upload(&self, call: Call, source: Source) -> Result<Buffered> {
        let (operation, stall) = (call.operation.clone(), self.limits().stall);
        let sent = source.sent.clone();
        let call = call.unlimited().payload(Payload::Source(source));
        tokio::select! {
            answer = self.buffered(call) => answer,
            () = stalled(&sent, stall) => Err(Error::Timeout { operation, after: stall }),
        }
    }
}

/// Returns when the count did not change for about `limit`.
async fn stalled(sent: &AtomicU64, limit: Duration) {
    const LOOKS: u32 = 6;
    let (mut seen, mut same) = (0, 0);
    while same < LOOKS {
        tokio::time::sleep(limit / LOOKS).await;
        let now = sent.load(Ordering::Relaxed);
        same = if now == seen { same + 1 } else { 0 };
        seen = now;
    }
}
