//! Requests to the server of a home, written out so that wrong ones can be made, too.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::Home;

/// A server as its clients see it.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Server {
    /// Starts the server of a home.
    pub(crate) fn start(home: &Home) -> Self {
        Self::told(&home.start_server())
    }

    /// The server that this answer of `stigmer server` is about.
    pub(crate) fn told(told: &Value) -> Self {
        let (address, token) = told["link"].as_str().unwrap().split_once("/#token=").unwrap();
        Self { address: address.trim_start_matches("http://").to_owned(), token: token.to_owned() }
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// What it answers to these very bytes.
    pub(crate) fn raw(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect();
        // It may refuse before it has read everything.
        let _ = stream.write_all(request.as_ref());
        Answer::read(stream)
    }

    /// A request with more headers, each with its line end.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            self.address,
            body.len()
        );
        self.raw([head.as_bytes(), body].concat())
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &self.bearer(), b"")
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = format!("{}Content-Type: application/json\r\n", self.bearer());
        self.request(method, path, &headers, body.to_string().as_bytes())
    }

    pub(crate) fn bytes(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = format!("{}Content-Type: application/octet-stream\r\n", self.bearer());
        self.request(method, path, &headers, body)
    }

    /// A request without a body.
    pub(crate) fn request_of(&self, method: &str, path: &str) -> Answer {
        self.request(method, path, &self.bearer(), b"")
    }

    /// Starts a run with one shell line.
    #[track_caller]
    pub(crate) fn run(&self, home: &Home, line: &str) -> String {
        let new = serde_json::json!({ "work": { "kind": "line", "line": line }, "workspace": home.work() });
        let answer = self.send("POST", "/api/v1/runs", &new).expect(201);
        answer.json()["run_id"].as_str().unwrap().to_owned()
    }

    /// Waits until a run is over.
    #[track_caller]
    pub(crate) fn until_over(&self, id: &str) -> Value {
        let show = || self.get(&format!("/api/v1/runs/{id}")).expect(200).json();
        super::until("the run is over", || show()["ended"].is_string(), || show().to_string());
        show()
    }
}

impl Answer {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A server that refuses what it has not read may reset the connection behind its answer.
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..read]);
        }
        let split = bytes.windows(4).position(|it| it == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let mut body = bytes.split_off(split);
        let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
        if head.contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        Self { status, head, body }
    }

    /// Fails unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {}", self.head, self.text());
        self
    }

    /// Fails unless it is a report with this code.
    #[track_caller]
    pub(crate) fn expect_error(self, status: u16, code: &str) -> Self {
        let told = self.expect(status);
        let report = told.json();
        assert_eq!(report["code"], code, "{report}");
        assert!(report["message"].is_string() && report["hint"].is_string(), "{report}");
        told
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix))
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|it| it == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
    whole
}
