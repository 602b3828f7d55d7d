//! Web sockets to the server of a home.

use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::http::Server;

/// A connection that has been upgraded.
pub(crate) struct Socket(WebSocket<TcpStream>);

impl Socket {
    /// Opens one as a browser does, with the token among the protocols.
    #[track_caller]
    pub(crate) fn open(server: &Server, path: &str) -> Self {
        Self::try_open(server, path).unwrap()
    }

    pub(crate) fn try_open(server: &Server, path: &str) -> Option<Self> {
        let stream = TcpStream::connect(&server.address).ok()?;
        stream.set_read_timeout(Some(super::DEADLINE)).unwrap();
        let mut request = format!("ws://{}{path}", server.address).into_client_request().unwrap();
        let token = format!("stigmer.token.{}", server.token).parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", token);
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (socket, answer) = tungstenite::client::client_with_config(request, stream, Some(config)).ok()?;
        assert!(answer.headers().contains_key("sec-websocket-protocol"), "a browser insists on it");
        Some(Self(socket))
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        // One that is closed meanwhile takes nothing.
        let _ = self.0.send(Message::text(text));
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.0.send(Message::binary(bytes.to_vec()));
    }

    /// Sends these very bytes, whatever they mean.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// The next message; `None` at the end.
    pub(crate) fn next_json(&mut self) -> Option<Value> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Reads until the server closes it.
    pub(crate) fn until_closed(&mut self) {
        while self.0.read().is_ok() {}
    }
}
