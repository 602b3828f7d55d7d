//! The log of a command over a WebSocket, without what was delivered before.

use bytes::Bytes;

use super::super::markers::Markers;
use super::super::{Output, Position, Session};
use crate::error::Result;
use crate::http::{Frame, Socket};

/// An open connection.
pub(super) struct Live {
    socket: Socket,
    markers: Markers,
    /// What is still repeated.
    skip: Position,
}

/// The end of a connection.
pub(super) struct Ended {
    /// It was closed regularly, and repeated at least everything that was delivered before.
    pub(super) complete: bool,
}

/// Opens the log from its start; with `follow` to the end of the command, without to where the log ends now.
pub(super) async fn connect(session: &Session, command: &str, follow: bool) -> Result<Socket> {
    let path = ["process", "session", &session.id, "command", command, "logs"];
    let call = session.toolbox.get(&path)?.repeat(crate::retry::Repeat::Unsent);
    let call = if follow { call.query("follow", "true") } else { call };
    session.toolbox.http.socket(call, &[]).await
}

/// What comes next; for ever nothing without a connection.
pub(super) async fn next(live: &mut Option<Live>) -> Result<Vec<Output>, Ended> {
    match live {
        Some(live) => live.next().await,
        None => std::future::pending().await,
    }
}

impl Live {
    pub(super) fn new(socket: Socket, delivered: Position) -> Self {
        Self { socket, markers: Markers::default(), skip: delivered }
    }

    async fn next(&mut self) -> Result<Vec<Output>, Ended> {
        match self.socket.next().await {
            Ok(Frame::Binary(slice) | Frame::Text(slice)) => Ok(self.fresh(&slice)),
            Ok(Frame::Closed { code: None | Some(1000), .. }) => {
                Err(Ended { complete: self.skip == Position::default() })
            }
            Ok(Frame::Closed { .. }) | Err(_) => Err(Ended { complete: false }),
        }
    }

    fn fresh(&mut self, slice: &Bytes) -> Vec<Output> {
        let outputs = self.markers.feed(slice);
        outputs.iter().filter_map(|output| self.skip.skip(output)).collect()
    }
}
