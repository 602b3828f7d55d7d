//! Reading a log that still grows: the same as [`LogReader`], with waiting.

use tokio::sync::watch;

use super::writer::{Hold, Progress};
use super::{LogReader, Piece};
use crate::error::Result;

/// Reads a log from a position to its end, waiting for what is not written yet.
#[derive(Debug)]
pub struct Tail {
    reader: LogReader,
    progress: watch::Receiver<Progress>,
    hold: Option<Hold>,
}

impl Tail {
    /// Reads on from where `reader` stands, waking up when `progress` changes. When its sender is dropped
    /// the log counts as ended.
    pub fn new(reader: LogReader, progress: watch::Receiver<Progress>) -> Self {
        Self { reader, progress, hold: None }
    }

    /// Reads what is there now and waits for nothing.
    pub fn of_what_is_there(reader: LogReader) -> Self {
        let ended = Progress { ended: true, ..Progress::default() };
        Self::new(reader, watch::channel(ended).1)
    }

    /// Lets the size limit leave nothing out that this tail has not read yet; the program waits instead.
    #[must_use]
    pub fn holding(self, hold: Hold) -> Self {
        hold.move_to(self.reader.position());
        Self { hold: Some(hold), ..self }
    }

    /// The position of the next byte to read.
    pub fn position(&self) -> u64 {
        self.reader.position()
    }

    /// The next piece; `None` when the log has ended and everything was read. A call that is dropped loses
    /// nothing.
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            // Looked at before reading: what is written before the end is said is found by this very read.
            let ended = self.progress.borrow_and_update().ended;
            if let Some(piece) = self.reader.next_piece()? {
                if let Some(hold) = &self.hold {
                    hold.move_to(piece.end());
                }
                return Ok(Some(piece));
            }
            if ended {
                return Ok(None);
            }
            if self.progress.changed().await.is_err() {
                return self.reader.next_piece();
            }
        }
    }

    /// The next piece if there is one now.
    pub fn next_now(&mut self) -> Result<Option<Piece>> {
        self.reader.next_piece()
    }
}
