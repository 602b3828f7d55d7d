//! The connection itself.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use stigmer_engine::Report;
use stigmer_engine::log::Piece;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::Shared;
use crate::attach::{self, Asked, Told};

/// What goes to the server.
#[derive(Debug)]
pub(super) enum Ask {
    Say(Asked),
    Input(Bytes),
}

/// The server is gone.
#[derive(Debug)]
pub(super) struct Gone;

/// A connection to a server.
pub(super) struct Link {
    socket: WebSocketStream<TcpStream>,
}

impl Link {
    pub(super) fn new(socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket }
    }

    pub(super) async fn say(&mut self, what: &impl Serialize) -> Result<(), Gone> {
        let text = serde_json::to_string(what).map_err(|_| Gone)?;
        self.socket.send(Message::text(text)).await.map_err(|_| Gone)
    }

    /// The next thing that is told; `None` when the server is gone or says what it never would.
    pub(super) async fn told(&mut self) -> Option<Told> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Text(text) => return serde_json::from_str(&text).ok(),
                Message::Ping(_) | Message::Pong(_) => {}
                _ => return None,
            }
        }
    }

    /// Carries everything in both directions until the run is over. The pieces end with their channel.
    pub(super) async fn carry(
        &mut self,
        shared: &Shared,
        pieces: mpsc::UnboundedSender<Piece>,
        mut asked: mpsc::UnboundedReceiver<Ask>,
    ) -> Result<(), Report> {
        let mut pieces = Some(pieces);
        loop {
            let is_over = shared.end.borrow().is_some();
            if is_over && pieces.is_none() {
                return Ok(());
            }
            let message = tokio::select! {
                Some(ask) = asked.recv() => {
                    let sent = match ask {
                        Ask::Say(asked) => self.say(&asked).await,
                        Ask::Input(bytes) => self.socket.send(Message::Binary(bytes)).await.map_err(|_| Gone),
                    };
                    sent.map_err(|Gone| attach::lost())?;
                    continue;
                }
                message = self.socket.next() => message,
            };
            let told = match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let piece = attach::decode(bytes).ok_or_else(attach::lost)?;
                    // Whoever reads no more has said so in another way.
                    let _ = pieces.as_ref().map(|to| to.send(piece));
                    continue;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Text(text))) => serde_json::from_str(&text).ok(),
                _ => None,
            };
            match told.ok_or_else(attach::lost)? {
                Told::OutputEnded => {
                    shared.output_ended.store(true, Ordering::Release);
                    pieces = None;
                }
                told => shared.hear(told)?,
            }
        }
    }
}

impl Shared {
    fn hear(&self, told: Told) -> Result<(), Report> {
        match told {
            Told::Event(event) => {
                let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
                events.push(*event);
                self.count.send_replace(events.len());
            }
            Told::InputTaken => self.room.add_permits(1),
            Told::Over => {
                self.end.send_replace(Some(Ok(())));
                self.room.close();
            }
            Told::Failed { error } | Told::Refused { error } => return Err(error),
            Told::Started { .. } | Told::OutputEnded => {}
        }
        Ok(())
    }
}
