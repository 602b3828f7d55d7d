//! A body that is sent piece by piece.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
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
    length: Option<u64>,
    progress: Arc<Progress>,
}

/// How far a body has left.
#[derive(Default)]
struct Progress {
    sent: AtomicU64,
    whole: AtomicBool,
}

impl Source {
    /// `open` gives the pieces from the start; it is called more than once only if `repeatable`.
    pub(crate) fn new(kind: String, repeatable: bool, open: Opener) -> Self {
        Self { kind, open, repeatable, length: None, progress: Arc::default() }
    }

    /// Says how long the body is; some servers want to know that before.
    pub(crate) fn length(self, length: u64) -> Self {
        Self { length: Some(length), ..self }
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    pub(super) async fn open(&mut self) -> Result<(String, Body, Option<u64>)> {
        let (progress, end) = (self.progress.clone(), self.progress.clone());
        progress.whole.store(false, Ordering::Relaxed);
        let pieces = (self.open)().await?.inspect_ok(move |piece| {
            progress.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        });
        let ended = stream::poll_fn(move |_| {
            end.whole.store(true, Ordering::Relaxed);
            Poll::Ready(None)
        });
        Ok((self.kind.clone(), Body::wrap_stream(pieces.chain(ended)), self.length))
    }
}

impl Http {
    /// Sends a body piece by piece. There is no limit for the whole, only for the time without progress.
    pub(crate) async fn upload(&self, call: Call, source: Source) -> Result<Buffered> {
        let (operation, stall) = (call.operation.clone(), self.limits().stall);
        let progress = source.progress.clone();
        let call = call.unlimited().payload(Payload::Source(source));
        tokio::select! {
            answer = self.buffered(call) => answer,
            () = stalled(&progress, stall) => Err(Error::Timeout { operation, after: stall }),
        }
    }
}

/// How much longer the other side may take for what it has as a whole: it may have to write many files.
const PATIENCE: u32 = 5;

/// Returns when nothing left for about `limit`.
async fn stalled(progress: &Progress, limit: Duration) {
    const LOOKS: u32 = 6;
    let (mut seen, mut same) = (0, 0);
    loop {
        tokio::time::sleep(limit / LOOKS).await;
        let now = progress.sent.load(Ordering::Relaxed);
        same = if now == seen { same + 1 } else { 0 };
        seen = now;
        let whole = progress.whole.load(Ordering::Relaxed);
        if same >= if whole { LOOKS * PATIENCE } else { LOOKS } {
            return;
        }
    }
}
