//! What a fault does to the stream of a terminal's socket.

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;

use super::terminal::Terminal;
use crate::fault::Ending;
use crate::gate::SocketFault;

/// Why a socket ends before its terminal.
pub(super) enum Over {
    /// The client is gone.
    Gone,
    /// So it was asked.
    Scripted(Ending),
}

/// The fault of one socket, and how far its stream is.
pub(super) struct Disturbance {
    fault: Option<SocketFault>,
    sent: usize,
    taken: usize,
    /// What is to be sent twice.
    said: Vec<u8>,
}

impl Disturbance {
    pub(super) fn new(fault: Option<SocketFault>) -> Self {
        Self { fault, sent: 0, taken: 0, said: Vec::new() }
    }

    /// Sends output, as far as the fault lets it.
    pub(super) async fn send(&mut self, socket: &mut WebSocket, mut piece: Bytes) -> Result<(), Over> {
        match self.fault.clone() {
            Some(SocketFault::Ends { after, then }) => {
                let left = after.saturating_sub(self.sent);
                let is_last = piece.len() >= left;
                piece.truncate(left);
                self.say(socket, piece).await?;
                if is_last { Err(Over::Scripted(then)) } else { Ok(()) }
            }
            Some(SocketFault::Repeats { bytes }) => {
                self.said.extend_from_slice(&piece);
                self.say(socket, piece).await?;
                if self.said.len() < bytes {
                    return Ok(());
                }
                self.fault = None;
                let again = std::mem::take(&mut self.said);
                self.say(socket, Bytes::from(again).slice(..bytes)).await
            }
            Some(SocketFault::Crumbles { most }) => {
                while !piece.is_empty() {
                    let length = fastrand::usize(1..=most.max(1)).min(piece.len());
                    self.say(socket, piece.split_to(length)).await?;
                }
                Ok(())
            }
            Some(SocketFault::Hears { .. }) | None => self.say(socket, piece).await,
        }
    }

    async fn say(&mut self, socket: &mut WebSocket, piece: Bytes) -> Result<(), Over> {
        self.sent += piece.len();
        socket.send(Message::Binary(piece)).await.map_err(|_| Over::Gone)
    }

    /// Types input, as far as the fault lets it.
    pub(super) async fn take(&mut self, terminal: &Terminal, bytes: &[u8]) -> Result<(), Over> {
        let Some(SocketFault::Hears { after, then }) = self.fault.clone() else {
            let _ = terminal.write(bytes).await;
            return Ok(());
        };
        let left = after.saturating_sub(self.taken);
        self.taken += bytes.len();
        let _ = terminal.write(&bytes[..left.min(bytes.len())]).await;
        if bytes.len() >= left { Err(Over::Scripted(then)) } else { Ok(()) }
    }
}
