//! A client that knows no more of the API than what a test says.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use daytona_double::{Double, Options};
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

/// The version of an SDK that gets both streams apart.
pub(crate) const MODERN: (&str, &str) = ("x-daytona-sdk-version", "0.226.1");

/// Whether sandboxes can be started here. Where they cannot, the test says so and is over.
pub(crate) fn possible(test: &str) -> bool {
    use std::io::Write as _;
    let Err(why) = daytona_double::possible() else { return true };
    assert!(
        std::env::var("STIGMER_TEST_REQUIRE_ALL").as_deref() != Ok("1"),
        "nothing may be skipped here: {why}"
    );
    io::stderr().write_all(format!("SKIPPED: {test}: {why}\n").as_bytes()).unwrap();
    false
}

/// Asks until it is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let patience = tokio::time::timeout(Duration::from_secs(20), asking);
    patience.await.unwrap_or_else(|_| panic!("it did not happen that {what}"));
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A double and its key.
pub(crate) struct Client {
    pub(crate) double: Double,
    host: String,
    pub(crate) key: String,
}

impl Client {
    pub(crate) fn new(options: Options) -> Self {
        let double = Double::start(options);
        let host = double.url().trim_start_matches("http://").trim_end_matches("/api").to_owned();
        let key = double.key().to_owned();
        Self { double, host, key }
    }

    pub(crate) fn quick() -> Self {
        Self::new(Options::quick())
    }

    /// One request on a connection of its own. A string is sent as it is, anything else as JSON.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Result<Reply, hyper::Error> {
        let stream = TcpStream::connect(&self.host).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        request = request.header("authorization", format!("Bearer {}", self.key));
        let kind = if matches!(body, Some(Value::String(_))) {
            "application/octet-stream"
        } else {
            "application/json"
        };
        if body.is_some() {
            request = request.header("content-type", kind);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            None => String::new(),
            Some(Value::String(text)) => text,
            Some(body) => body.to_string(),
        };
        let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await?;
        let status = response.status().as_u16();
        let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = response.into_body().collect().await?.to_bytes().to_vec();
        Ok(Reply { status, headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None, &[MODERN]).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, Some(body), &[MODERN]).await.unwrap()
    }

    /// A sandbox that is started: its id.
    pub(crate) async fn sandbox(&self) -> String {
        let made = self.post("/api/sandbox", json!({})).await;
        assert_eq!((made.status, &made.json()["state"]), (200, &json!("started")), "{}", made.text());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Runs a command to its end: what it said.
    pub(crate) async fn run(&self, sandbox: &str, command: &str) -> String {
        let answer =
            self.post(&format!("/toolbox/{sandbox}/process/execute"), json!({ "command": command })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["result"].as_str().unwrap().to_owned()
    }

    /// Starts a command in a new session: the path of the command.
    pub(crate) async fn start(&self, sandbox: &str, session: &str, command: &str) -> String {
        let made =
            self.post(&format!("/toolbox/{sandbox}/process/session"), json!({ "sessionId": session })).await;
        assert_eq!(made.status, 201, "{}", made.text());
        self.again(sandbox, session, command).await
    }

    /// Starts another command in a session.
    pub(crate) async fn again(&self, sandbox: &str, session: &str, command: &str) -> String {
        let session = format!("/toolbox/{sandbox}/process/session/{session}");
        let body = json!({ "command": command, "runAsync": true, "suppressInputEcho": true });
        let started = self.post(&format!("{session}/exec"), body).await;
        assert_eq!(started.status, 202, "{}", started.text());
        format!("{session}/command/{}", started.json()["cmdId"].as_str().unwrap())
    }

    /// The exit code of a command, once it has one.
    pub(crate) async fn exit(&self, command: &str) -> i64 {
        let wait = async {
            loop {
                if let Some(code) = self.get(command).await.json()["exitCode"].as_i64() {
                    return code;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the command has no exit code")
    }

    pub(crate) async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket, Error> {
        let mut request = format!("ws://{}{path}", self.host).into_client_request().unwrap();
        let mut add = |name: &str, value: &str| {
            let name: hyper::header::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        };
        add("authorization", &format!("Bearer {}", self.key));
        for (name, value) in headers {
            add(name, value);
        }
        let stream = TcpStream::connect(&self.host).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(Socket(socket))
    }

    /// Follows a log to its end.
    pub(crate) async fn follow(&self, command: &str, headers: &[(&str, &str)]) -> Stream {
        let socket = self.socket(&format!("{command}/logs?follow=true"), headers).await.unwrap();
        socket.all().await
    }
}

/// What a socket said, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) bytes: Vec<u8>,
    pub(crate) largest: usize,
    /// The code of the close frame, if there was one.
    pub(crate) close: Option<u16>,
}

impl Stream {
    /// Standard output and standard error, by the markers between them.
    pub(crate) fn split(&self) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut to_err = false;
        let mut rest = &self.bytes[..];
        while !rest.is_empty() {
            if rest.starts_with(&[1; 3]) || rest.starts_with(&[2; 3]) {
                to_err = rest[0] == 2;
                rest = &rest[3..];
                continue;
            }
            if to_err {
                err.push(rest[0]);
            } else {
                out.push(rest[0]);
            }
            rest = &rest[1..];
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }
}

pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.next());
        next.await.expect("the socket says nothing")?.ok()
    }

    pub(crate) async fn say(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub(crate) async fn all(mut self) -> Stream {
        let mut stream = Stream::default();
        while let Some(message) = self.next().await {
            match message {
                Message::Close(frame) => {
                    stream.close = frame.map(|frame| frame.code.into());
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => {
                    let bytes = other.into_data();
                    stream.largest = stream.largest.max(bytes.len());
                    stream.bytes.extend_from_slice(&bytes);
                }
            }
        }
        stream
    }
}
