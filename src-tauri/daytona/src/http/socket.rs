//! A `WebSocket` begins as an ordinary call, so the key, proxies, certificates and refusals are handled in one place;
//! what is then spoken over the connection is tungstenite's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{StatusCode, Upgraded};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Call, Http};
use crate::error::{Error, Result};

/// A text of an interpreter may be long; everything else comes in small pieces.
const MAX_MESSAGE: usize = 64 << 20;
/// Time for a ping to leave. A peer that takes nothing is found out by its silence.
const PING: Duration = Duration::from_secs(1);

type Stream = WebSocketStream<Upgraded>;

/// One message.
#[derive(Debug)]
pub(crate) enum Frame {
    Binary(Bytes),
    Text(Bytes),
    /// The last one.
    Closed {
        code: Option<u16>,
        reason: String,
    },
}

/// The receiving side; it also keeps the connection alive, while somebody waits for the next message.
pub(crate) struct Socket {
    messages: SplitStream<Stream>,
    sender: Sender,
    silence: Duration,
    heard: Instant,
    pinged: Instant,
    operation: String,
}

/// The sending side.
#[derive(Clone)]
pub(crate) struct Sender {
    sink: Arc<Mutex<SplitSink<Stream, Message>>>,
    operation: String,
}

impl Http {
    /// Opens a WebSocket, offering `protocols`. The server may choose none of them.
    pub(crate) async fn socket(&self, mut call: Call, protocols: &[String]) -> Result<Socket> {
        let key = generate_key();
        call.upgrade = true;
        call.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        call.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        call.headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        call.headers.insert(SEC_WEBSOCKET_KEY, header(&key)?);
        if !protocols.is_empty() {
            call.headers.insert(SEC_WEBSOCKET_PROTOCOL, header(&protocols.join(", "))?);
        }
        let operation = call.operation.clone();
        let response = self.open(call).await?;
        let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        let ours = accept == Some(derive_accept_key(key.as_bytes()).as_bytes());
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || !ours {
            let why = format!("it is no WebSocket ({})", response.status());
            return Err(Error::Unexpected { operation, why });
        }
        let upgraded =
            response.upgrade().await.map_err(|source| super::answer::broken(&source, &operation))?;
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(MAX_MESSAGE);
        config.max_frame_size = Some(MAX_MESSAGE);
        let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        Ok(Socket::new(stream, self.limits().silence, operation))
    }
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| Error::misuse("a value cannot be sent as a header"))
}

impl Socket {
    fn new(stream: Stream, silence: Duration, operation: String) -> Self {
        let (sink, messages) = stream.split();
        let sender = Sender { sink: Arc::new(Mutex::new(sink)), operation: operation.clone() };
        let now = Instant::now();
        Self { messages, sender, silence, heard: now, pinged: now, operation }
    }

    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The next message. May be dropped and asked again: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Cut`] when the connection breaks without a farewell, or gives no sign of life for too long.
    pub(crate) async fn next(&mut self) -> Result<Frame> {
        loop {
            let ping = self.pinged + self.silence / 3;
            tokio::select! {
                message = self.messages.next() => {
                    self.heard = Instant::now();
                    if let Some(frame) = self.frame(message)? {
                        return Ok(frame);
                    }
                }
                () = sleep_until(ping) => self.ping().await?,
            }
        }
    }

    fn frame(&self, message: Option<Result<Message, tungstenite::Error>>) -> Result<Option<Frame>> {
        match message {
            Some(Ok(Message::Binary(bytes))) => Ok(Some(Frame::Binary(bytes))),
            Some(Ok(Message::Text(text))) => Ok(Some(Frame::Text(text.into()))),
            Some(Ok(Message::Close(farewell))) => Ok(Some(match farewell {
                Some(farewell) => {
                    Frame::Closed { code: Some(farewell.code.into()), reason: farewell.reason.to_string() }
                }
                None => Frame::Closed { code: None, reason: String::new() },
            })),
            Some(Ok(_)) => Ok(None),
            Some(Err(source)) => Err(cut(&self.operation, &source)),
            None => Err(cut(&self.operation, &tungstenite::Error::ConnectionClosed)),
        }
    }

    async fn ping(&mut self) -> Result<()> {
        // From the last ping on, so that a socket that nobody read for a while is asked before it is given up.
        if self.heard < self.pinged && self.pinged.duration_since(self.heard) >= self.silence {
            let why = format!("no sign of life for {:?}", self.silence);
            return Err(Error::Cut { operation: self.operation.clone(), why });
        }
        self.pinged = Instant::now();
        // Whoever is sending right now does what a ping does.
        if let Ok(mut sink) = self.sender.sink.try_lock() {
            drop(tokio::time::timeout(PING, sink.send(Message::Ping(Bytes::new()))).await);
        }
        Ok(())
    }
}

impl Sender {
    pub(crate) async fn text(&self, text: String) -> Result<()> {
        self.send(Message::text(text)).await
    }

    pub(crate) async fn binary(&self, bytes: Bytes) -> Result<()> {
        self.send(Message::Binary(bytes)).await
    }

    /// Says farewell; what still arrives is not waited for.
    pub(crate) async fn close(&self) -> Result<()> {
        self.send(Message::Close(None)).await
    }

    async fn send(&self, message: Message) -> Result<()> {
        let sent = self.sink.lock().await.send(message).await;
        sent.map_err(|source| cut(&self.operation, &source))
    }
}

fn cut(operation: &str, source: &tungstenite::Error) -> Error {
    Error::Cut { operation: operation.to_owned(), why: source.to_string() }
}
