//! A conversation with the other side, for code that reads and writes a stream and waits.

use std::io::{self, Read, Write};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Progress;
use crate::backend::{Execution, Stream};
use crate::error::{Error, Result};
use crate::run::blocking;

/// Bytes that are sent at once.
const PIECE: usize = 64 << 10;

/// Pieces that may be under way in each direction.
const PIECES: usize = 8;

/// Longest time for the other side to end after this one gave up.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Longest word of complaint that is repeated, in bytes.
const COMPLAINT: usize = 2000;

/// The stream to the other side and back.
pub(in crate::workspace) struct Talk {
    to: Option<mpsc::Sender<Bytes>>,
    from: mpsc::Receiver<Bytes>,
    unsent: BytesMut,
    unread: Bytes,
    sent: u64,
}

/// Holds a conversation with a program to its end. Dropped, the program is ended.
pub(in crate::workspace) async fn talk<T: Send + 'static>(
    execution: Box<dyn Execution>,
    task: impl FnOnce(&mut Talk) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (to, mut requests) = mpsc::channel::<Bytes>(PIECES);
    let (answers, from) = mpsc::channel(PIECES);
    let done = blocking(move || {
        let mut talk = Talk { to: Some(to), from, unsent: BytesMut::new(), unread: Bytes::new(), sent: 0 };
        Ok(task(&mut talk))
    });
    let execution = &*execution;
    // Each has its channel, which ends with it.
    let feed = async move {
        while let Some(bytes) = requests.recv().await {
            // It takes nothing any more, and whoever sends learns it.
            if execution.has_exited() {
                return Ok(());
            }
            execution.input(bytes).await?;
        }
        execution.end_input().await
    };
    let drain = async move {
        let mut complaint = Vec::new();
        while let Some(output) = execution.output().await? {
            if output.stream == Stream::Stderr {
                let room = COMPLAINT.saturating_sub(complaint.len());
                complaint.extend_from_slice(&output.bytes[..output.bytes.len().min(room)]);
                continue;
            }
            // Whoever has given up reads to the end of it no more.
            let _ = answers.send(output.bytes).await;
        }
        execution.wait().await?;
        Result::Ok(String::from_utf8_lossy(&complaint).trim().to_owned())
    };
    let mut rest = std::pin::pin!(async { tokio::join!(feed, drain) });
    let mut done = std::pin::pin!(done);
    let (done, (fed, drained)) = tokio::select! {
        rest = &mut rest => (done.await, rest),
        done = &mut done => match done? {
            Ok(done) => (Ok(Ok(done)), rest.await),
            // What the other side still has to say is not worth more.
            Err(error) => match timeout(LAST_WORDS, rest).await {
                Ok(rest) => (Ok(Err(error)), rest),
                Err(_) => return Err(error),
            },
        },
    };
    match (done?, drained) {
        (Ok(done), Ok(_)) => fed.map(|()| done),
        // Why the other side gave up says more than that it did.
        (Err(Error::Sync { .. }), Ok(complaint)) if !complaint.is_empty() => {
            Err(Error::Sync { why: complaint })
        }
        (Err(Error::Copy { .. }), Ok(complaint)) if !complaint.is_empty() => {
            Err(Error::Copy { why: complaint.replace(char::is_control, " ") })
        }
        (Err(error), Ok(_)) | (_, Err(error)) => Err(error),
    }
}

impl Talk {
    /// The same stream, telling how much was written.
    pub(super) fn counted<'a>(&'a mut self, progress: &'a mut Progress) -> Counted<'a> {
        Counted { talk: self, progress }
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = self.unsent.split().freeze();
        if piece.is_empty() {
            return Ok(());
        }
        self.sent += piece.len() as u64;
        let to = self.to.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        to.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Talk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unsent.extend_from_slice(bytes);
        if self.unsent.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl Read for Talk {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Whoever waits for an answer has asked.
        self.send()?;
        while self.unread.is_empty() {
            let Some(bytes) = self.from.blocking_recv() else { return Ok(0) };
            self.unread = bytes;
        }
        let length = self.unread.len().min(into.len());
        self.unread.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // The end of what is asked.
        self.to = None;
    }
}

/// A [`Talk`] that tells how far it is.
pub(super) struct Counted<'a> {
    talk: &'a mut Talk,
    progress: &'a mut Progress,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.talk.sent;
        let written = self.talk.write(bytes)?;
        if self.talk.sent > before {
            self.progress.at(self.talk.sent);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.talk.flush()
    }
}
