//! The two ways of a conversation with a runner. Dropping a call loses nothing: what was half read or half sent is completed
//! by the next one.

use std::io;
use std::mem::{replace, take};

use stigmer_runner::protocol::encode;
use stigmer_runner::{Decoder, Frame, Reply, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, empty, sink};

use super::{Reader, Writer, broken, lost};
use crate::backend::{Exit, Finish};
use crate::error::Result;

/// Room that is made for each read, in bytes: a whole output frame of the runner.
const READ: usize = 264 << 10;

/// The way from the runner.
pub(super) struct Incoming {
    pub(super) stream: Reader,
    pub(super) decoder: Decoder,
    pub(super) exit: Option<Exit>,
    pub(super) finish: Option<Finish>,
    /// Bytes of output that were handed on, and of those that were acknowledged.
    pub(super) received: u64,
    pub(super) acknowledged: u64,
}

/// The way to the runner. A request whose sender was dropped half-way is completed by the next one.
pub(super) struct Requests {
    pub(super) stream: Writer,
    pub(super) unsent: Vec<u8>,
    /// The last one was put: what comes after it would be another conversation's.
    is_over: bool,
}

impl Requests {
    pub(super) fn new(stream: Writer) -> Self {
        Self { stream, unsent: Vec::new(), is_over: false }
    }

    pub(super) fn put(&mut self, request: &Request) {
        if !self.is_over {
            encode(request, &mut self.unsent);
        }
        self.is_over |= *request == Request::Ack { offset: u64::MAX };
    }

    /// The same way for the conversation after this one, which says nothing more.
    pub(super) fn hand_over(&mut self) -> Self {
        self.is_over = true;
        let (stream, unsent) = (replace(&mut self.stream, Box::new(sink())), take(&mut self.unsent));
        Self { stream, unsent, is_over: false }
    }

    /// Sends what was put. Dropping the call loses nothing.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let sent = self.stream.write(&self.unsent).await?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.unsent.drain(..sent);
        }
        self.stream.flush().await
    }
}

impl Incoming {
    pub(super) fn new(stream: Reader) -> Self {
        Self { stream, decoder: Decoder::new(), exit: None, finish: None, received: 0, acknowledged: 0 }
    }

    /// The same way for the conversation after this one, which hears nothing more.
    pub(super) fn hand_over(&mut self) -> Self {
        let stream = replace(&mut self.stream, Box::new(empty()));
        let decoder = replace(&mut self.decoder, Decoder::new());
        Self { decoder, ..Self::new(stream) }
    }

    /// Reads more of the stream. Dropping the call loses nothing.
    pub(super) async fn fill(&mut self) -> Result<()> {
        let read = self.stream.read(self.decoder.space(READ)).await.map_err(lost)?;
        if read == 0 {
            return Err(lost(io::ErrorKind::UnexpectedEof.into()));
        }
        self.decoder.filled(read);
        Ok(())
    }

    /// The next reply before there is output.
    pub(super) async fn control(&mut self) -> Result<Reply> {
        loop {
            match self.decoder.next::<Reply>().map_err(|error| broken(error.to_string()))? {
                Some(Frame::Control(reply)) => return Ok(reply),
                Some(Frame::Output { .. }) => return Err(broken("output before the start".to_owned())),
                None => {}
            }
            self.fill().await?;
        }
    }
}
