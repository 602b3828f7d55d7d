//! What the stand-in does not do: servers that are older, or do with their connections what real ones do.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use stigmer_daytona::{Archive, Client, Config, Error, Filter, Retry, Sandbox, State, Toolbox, Upload};

/// A server that answers one request after another with exactly these bytes, and then closes the connection if they
/// begin with `!`. It reads no bodies.
struct Script {
    address: String,
    heads: Receiver<String>,
    closed: Receiver<()>,
}

impl Script {
    fn new(answers: Vec<String>) -> Self {
        Self::with(|_| answers)
    }

    /// The same with answers that name the address.
    fn with(answers: impl FnOnce(&str) -> Vec<String>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers(&address);
        let ((tell, heads), (close, closed)) = (channel(), channel());
        std::thread::spawn(move || {
            let mut connection: Option<TcpStream> = None;
            for answer in answers {
                let head = loop {
                    let stream = connection.get_or_insert_with(|| listener.accept().unwrap().0);
                    match head(stream) {
                        Some(head) => break head,
                        None => connection = None,
                    }
                };
                tell.send(head).unwrap();
                let stream = connection.as_mut().unwrap();
                stream.write_all(answer.trim_start_matches('!').as_bytes()).unwrap();
                if answer.starts_with('!') {
                    connection = None;
                    // Most do not ask.
                    let _ = close.send(());
                }
            }
            // Whoever comes later finds nobody, and what is open stays so until then.
            std::thread::sleep(Duration::from_secs(20));
        });
        Self { address, heads, closed }
    }

    fn client(&self) -> Client {
        let retry = Retry { base: Duration::from_millis(5), ..Retry::default() };
        let config = Config { retry, ..Config::new("dtn_test").at(format!("{}/api", self.address)) };
        Client::new(&config).unwrap()
    }

    fn toolbox(&self) -> Toolbox {
        let (id, url) = ("i".to_owned(), format!("{}/toolbox", self.address));
        self.client().toolbox(&Sandbox { id, toolbox_proxy_url: url, ..Sandbox::default() }).unwrap()
    }

    fn head(&self) -> String {
        self.heads.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    /// Waits until one more connection is closed.
    fn until_closed(&self) {
        self.closed.recv_timeout(Duration::from_secs(10)).unwrap();
    }
}

/// The head of the next request; `None` when the other side has closed.
fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap().to_lowercase())
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn json(body: &str) -> String {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

const STAMP: &str = "Last-Modified: Sat, 28 Nov 2026 10:00:00 GMT\r\n";

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let begun = format!("!HTTP/1.1 200 OK\r\n{STAMP}Content-Length: 10\r\n\r\n0123");
    let rest = answer("206 Partial Content", &format!("{STAMP}Content-Range: bytes 4-9/10\r\n"), "456789");
    let script = Script::new(vec![begun, rest]);
    let download = script.toolbox().files().download("/a").await.unwrap();
    assert_eq!(download.length(), Some(10));
    assert_eq!(download.bytes().await.unwrap(), b"0123456789");
    assert!(!script.head().contains("range"));
    let second = script.head();
    assert!(second.contains("range: bytes=4-\r\n"), "{second}");
    assert!(second.contains("if-range: sat, 28 nov 2026 10:00:00 gmt"), "{second}");
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_not_put_together_from_two() {
    let begun = format!("!HTTP/1.1 200 OK\r\n{STAMP}Content-Length: 10\r\n\r\n0123");
    let script = Script::new(vec![begun, answer("200 OK", STAMP, "another one")]);
    let result = script.toolbox().files().download("/a").await.unwrap().bytes().await;
    assert!(matches!(result, Err(Error::Cut { .. })), "{result:?}");
}

#[tokio::test]
async fn a_list_of_an_older_server_is_one_page() {
    let script = Script::new(vec![json(r#"[{"id":"a","state":"started"},{"id":"b"}]"#)]);
    let all = script.client().sandboxes().list(Filter::default()).all().await.unwrap();
    assert_eq!(all.iter().map(|sandbox| sandbox.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(all[0].state, State::Started);
}

#[tokio::test]
async fn logs_of_an_older_sandbox_are_text_with_markers_or_without() {
    let plain = "Content-Type: text/plain\r\n";
    let marked = answer("200 OK", plain, "\u{1}\u{1}\u{1}out\n\u{2}\u{2}\u{2}err\n");
    let script = Script::new(vec![marked, answer("200 OK", plain, "both\n")]);
    let session = script.toolbox().session("s");
    let logs = session.logs("c").await.unwrap();
    assert_eq!((&logs.stdout[..], &logs.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(&session.logs("c").await.unwrap().stdout[..], b"both\n");
}

#[tokio::test]
async fn the_streams_of_logs_without_markers_are_taken_as_they_are() {
    let script = Script::new(vec![json(r#"{"output":"out\nerr\n","stdout":"out\n","stderr":"err\n"}"#)]);
    let logs = script.toolbox().session("s").logs("c").await.unwrap();
    assert_eq!((&logs.stdout[..], &logs.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_end_of_a_transfer_is_told() {
    let headers = "Content-Type: application/json\r\nConnection: close\r\n";
    let refusal = answer("401 Unauthorized", headers, r#"{"message":"Invalid credentials"}"#);
    let script = Script::new(vec![refusal]);
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 16 << 10])));
    let result = script.toolbox().files().upload(Upload::stream("/a", endless)).await;
    assert!(matches!(&result, Err(Error::Unauthorized(_))), "{result:?}");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_costs_nothing() {
    let answers = (0..20).map(|number| format!("!{}", json(&format!(r#"{{"id":"{number}"}}"#)))).collect();
    let script = Script::new(answers);
    let client = script.client();
    for number in 0..20 {
        assert_eq!(client.sandboxes().start("a").await.unwrap().id, number.to_string());
        script.until_closed();
        // What is closed already is noticed as soon as nobody else has something to do.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_answer_without_a_body_to_a_deletion_is_fine() {
    let script = Script::new(vec!["HTTP/1.1 204 No Content\r\n\r\n".to_owned(), json(r#"{"id":"a"}"#)]);
    let sandboxes = script.client().sandboxes();
    assert!(sandboxes.delete("a").await.unwrap().is_none());
    assert_eq!(sandboxes.delete("a").await.unwrap().unwrap().id, "a");
}

#[tokio::test]
async fn a_websocket_that_is_none_is_told() {
    let no_key = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: bm90IG91cnM=\r\n\r\n";
    let script = Script::new(vec![json("{}"), no_key.to_owned()]);
    let toolbox = script.toolbox();
    for _ in 0..2 {
        let result = toolbox.attach_pty("t").await;
        assert!(matches!(result, Err(Error::Unexpected { .. })), "{result:?}");
    }
}

#[tokio::test]
async fn sizes_of_requests_are_said_also_where_there_is_no_body() {
    let script = Script::new(vec![json(r#"{"id":"a"}"#), "!HTTP/1.1 204 No Content\r\n\r\n".to_owned()]);
    script.client().sandboxes().stop("a", false).await.unwrap();
    let head = script.head();
    assert!(head.starts_with("post /api/sandbox/a/stop?force=false http/1.1"), "{head}");
    assert!(head.contains("content-length: 0"), "{head}");
    assert!(head.contains("accept: application/json") && !head.contains("transfer-encoding"), "{head}");
    script.toolbox().session("s").input("c", "words").await.unwrap();
    let head = script.head();
    assert!(head.contains("content-length: 16") && head.contains("content-type: application/json"), "{head}");
}

/// Credentials for a storage at this address, from a server whose clock is wrong.
fn access(address: &str) -> String {
    let body = format!(
        r#"{{"accessKey":"AK","secret":"very-secret","sessionToken":"TOKEN","storageUrl":"{address}/storage",
            "organizationId":"org","bucket":"builds","region":"eu-1"}}"#
    );
    answer("200 OK", "Content-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n", &body)
}

#[tokio::test]
async fn files_for_a_build_are_sent_to_the_storage_once_and_without_the_key() {
    let found = "!HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned();
    let missing = "!HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n".to_owned();
    let script = Script::with(|address| {
        let sent = format!("!{}", answer("200 OK", "Connection: close\r\n", ""));
        vec![access(address), missing, sent, access(address), found]
    });
    let contexts = script.client().contexts();
    let hash = contexts.upload(Archive::Bytes(Bytes::from_static(b"a tar"))).await.unwrap();
    assert_eq!(hash, "b3c5732cece487803a8a8b3bd8b2be0b4c24ab00c0b471a913d15cc8813089e1");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a tar").unwrap();
    assert_eq!(contexts.upload(Archive::File(file.path().to_owned())).await.unwrap(), hash);
    let heads: Vec<_> = (0..5).map(|_| script.head()).collect();
    let verbs: Vec<_> = heads.iter().map(|head| head.split(' ').next().unwrap()).collect();
    assert_eq!(verbs, ["get", "head", "put", "get", "head"]);
    for head in [&heads[1], &heads[2], &heads[4]] {
        assert!(head.contains(&format!(" /storage/builds/org/{hash}/context.tar http/1.1")), "{head}");
        assert!(!head.contains("dtn_test") && !head.contains("very-secret"), "{head}");
        assert!(head.contains("x-amz-date: 20260101t000000z"), "{head}");
        assert!(head.contains("authorization: aws4-hmac-sha256 credential=ak/20260101/eu-1/s3/aws4_request"));
    }
    assert!(heads[2].contains("content-length: 5") && heads[2].contains(&format!("sha256: {hash}")));
}

#[tokio::test]
async fn a_server_without_storage_and_a_file_that_is_not_there_are_told() {
    let none = answer("503 Service Unavailable", "", "");
    let script = Script::new(vec![none.clone(), none.clone(), none.clone(), none]);
    let contexts = script.client().contexts();
    let result = contexts.upload(Archive::Bytes(Bytes::from_static(b"x"))).await;
    assert!(matches!(result, Err(Error::Server(_))), "{result:?}");
    let result = contexts.upload(Archive::File("/no/such/file".into())).await;
    assert!(matches!(result, Err(Error::File { .. })), "{result:?}");
}

#[test]
fn the_futures_of_calls_are_small() {
    let client = Client::new(&Config::new("k").at("http://localhost:1/api")).unwrap();
    let new = stigmer_daytona::NewSandbox::new("n", stigmer_daytona::Template::Default);
    let sandboxes = client.sandboxes();
    let url = "http://localhost:1/toolbox".to_owned();
    let toolbox = client
        .toolbox(&Sandbox { id: "i".to_owned(), toolbox_proxy_url: url, ..Sandbox::default() })
        .unwrap();
    let files = toolbox.files();
    let pty = stigmer_daytona::PtyOptions::new("t");
    let sizes = [
        size_of_val(&sandboxes.create(&new)),
        size_of_val(&sandboxes.wait("x", &State::Started, Duration::ZERO)),
        size_of_val(&sandboxes.start("x")),
        size_of_val(&toolbox.open_pty(&pty)),
        size_of_val(&files.upload(Upload::bytes("a", "b"))),
        size_of_val(&files.info("x")),
    ];
    assert!(sizes.iter().all(|size| *size <= 6 << 10), "{sizes:?}");
}
