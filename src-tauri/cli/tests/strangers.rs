//! What reaches the server and should not: strangers, nonsense, too much at once.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::io::{Read as _, Write as _};

use harness::http::Server;
use harness::ws::Socket;
use harness::{Home, until};
use serde_json::json;

#[test]
fn without_the_token_nothing_is_told_but_that_the_server_is_well() {
    let home = Home::new();
    let server = Server::start(&home);
    server.request("GET", "/health", "", b"").expect(200);
    for headers in [
        String::new(),
        "Authorization: Bearer wrong\r\n".to_owned(),
        format!("Authorization: Basic {}\r\n", server.token),
        format!("Authorization: Bearer {}x\r\n", server.token),
        format!("Authorization: Bearer {}\r\n", &server.token[1..]),
        "Sec-WebSocket-Protocol: stigmer.token.\r\n".to_owned(),
    ] {
        for path in ["/api/v1/runs", "/api/openapi.json", "/api/v1/nothing", "/api/v1/changes"] {
            server.request("GET", path, &headers, b"").expect_error(401, "token");
        }
        server.request("POST", "/api/v1/runs", &headers, b"{}").expect_error(401, "token");
    }
    server
        .request("GET", &format!("/api/v1/runs?token={}", server.token), "", b"")
        .expect_error(401, "token");
    assert!(home.history().is_empty());
}

#[test]
fn a_name_that_is_not_this_machines_is_refused_also_for_pages() {
    let home = Home::new();
    let server = Server::start(&home);
    let port = server.address.rsplit(':').next().unwrap();
    let ask = |host: &str, path: &str| {
        let token = &server.token;
        server.raw(format!(
            "GET {path} HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        ))
    };
    for path in ["/", "/health", "/api/v1/runs"] {
        for host in
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "a@127.0.0.1"]
        {
            ask(&format!("Host: {host}:{port}\r\n"), path).expect_error(403, "foreign");
        }
        for host in ["127.0.0.1", "127.0.0.1:1", "localhost:65535"] {
            ask(&format!("Host: {host}\r\n"), path).expect_error(403, "foreign");
        }
        ask("", path).expect_error(403, "foreign");
        ask(&format!("Host: 127.0.0.1:{port}\r\nHost: evil.example:{port}\r\n"), path)
            .expect_error(403, "foreign");
    }
    ask(&format!("Host: 127.0.0.1:{port}\r\n"), &format!("http://evil.example:{port}/health"))
        .expect_error(403, "foreign");
    for host in ["127.0.0.1", "localhost", "LocalHost", "[::1]"] {
        ask(&format!("Host: {host}:{port}\r\n"), "/api/v1/runs").expect(200);
    }
}

#[test]
fn a_page_of_somebody_else_is_refused_and_one_of_ours_is_not() {
    let home = Home::new();
    let server = Server::start(&home);
    let ask = |origin: &str| {
        let headers = format!("Authorization: Bearer {}\r\nOrigin: {origin}\r\n", server.token);
        server.request("GET", "/api/v1/runs", &headers, b"")
    };
    for origin in ["null", "https://evil.example", "http://127.0.0.1:1", "http://evil.example:7517", ""] {
        ask(origin).expect_error(403, "foreign");
    }
    let port = server.address.rsplit(':').next().unwrap();
    ask(&format!("https://127.0.0.1:{port}")).expect_error(403, "foreign");
    ask(&format!("http://127.0.0.1:{port}")).expect(200);
    ask(&format!("http://localhost:{port}")).expect(200);
    // No answer ever invites another page.
    assert!(ask(&format!("http://localhost:{port}")).header("access-control-allow-origin").is_none());
}

#[test]
fn every_answer_is_armoured() {
    let home = Home::new();
    let server = Server::start(&home);
    let answers = [
        server.get("/"),
        server.get("/health"),
        server.get("/api/v1/runs"),
        server.get("/api/nothing"),
        server.request("GET", "/api/v1/runs", "", b""),
        server.get("/no-such-file.js"),
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
}

#[test]
fn what_is_not_as_described_is_refused_in_words_and_starts_nothing() {
    let home = Home::new();
    let server = Server::start(&home);
    let work = json!({ "kind": "line", "line": "true" });
    for body in [
        json!({ "work": work, "workspace": "/", "unknown": 1 }),
        json!({ "work": work, "workspace": 1 }),
        json!({ "work": work }),
        json!({ "work": { "kind": "line", "line": "true", "extra": 1 }, "workspace": "/" }),
        json!({ "work": { "kind": "dance" }, "workspace": "/" }),
        json!({ "work": work, "workspace": "/", "mode": "mars" }),
        json!({ "work": work, "workspace": "/", "input": { "terminal": { "cols": -1, "rows": 1 } } }),
        json!([]),
        json!("text"),
    ] {
        server.send("POST", "/api/v1/runs", &body).expect_error(400, "request");
    }
    let bearer = format!("Authorization: Bearer {}\r\n", server.token);
    for (kind, body) in
        [("application/json", "{"), ("text/plain", "{}"), ("application/x-www-form-urlencoded", "a=b")]
    {
        let headers = format!("{bearer}Content-Type: {kind}\r\n");
        server.request("POST", "/api/v1/runs", &headers, body.as_bytes()).expect_error(400, "request");
    }
    server
        .send("POST", "/api/v1/runs", &json!({ "work": work, "workspace": "relative" }))
        .expect_error(422, "invalid-spec");
    for path in ["?limit=many", "?limit=0", "?unknown=1", "?since=yesterday", "?pinned=maybe"] {
        server.get(&format!("/api/v1/runs{path}")).expect_error(400, "request");
    }
    server.get("/api/v1/runs?mode=mars").expect_error(422, "invalid-request");
    server.get("/api/v1/runs/%ff").expect_error(400, "request");
    server.get("/api/v1/nothing").expect_error(404, "no-route");
    let patched = server.request_of("PATCH", "/api/v1/runs").expect_error(405, "method");
    assert!(patched.header("allow").unwrap().contains("post"), "{}", patched.head);
    assert!(home.history().is_empty());
}

#[test]
fn what_is_too_large_is_refused_before_it_is_kept() {
    let home = Home::new();
    let server = Server::start(&home);
    let bearer = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", server.token);
    let big = vec![b' '; 40 << 20];
    server.request("POST", "/api/v1/runs", &bearer, &big).expect_error(413, "too-large");
    let many = "X-Filler: x\r\n".repeat(200);
    assert_eq!(server.request("GET", "/health", &many, b"").status, 431);
    let long = format!("X-Filler: {}\r\n", "x".repeat(1_000_000));
    assert_eq!(server.request("GET", "/health", &long, b"").status, 431);
    server.get("/health").expect(200);
}

#[test]
fn bytes_that_are_no_http_get_no_further() {
    let home = Home::new();
    let server = Server::start(&home);
    for nonsense in [
        b"\x00\x01\x02\r\n\r\n".as_slice(),
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello",
    ] {
        let mut stream = server.connect();
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    }
    server.get("/health").expect(200);
}

#[test]
fn sockets_that_speak_nonsense_are_closed_and_end_no_more_than_themselves() {
    let home = Home::new();
    let server = Server::start(&home);
    let id = server.run(&home, "echo out; sleep 1000");
    for path in ["/api/v1/changes", "/api/v1/runs/attach"] {
        for nonsense in ["{", "[]", r#"{"watch":{"runs":["no id"]}}"#, r#"{"spec":{}}"#] {
            let mut socket = Socket::open(&server, path);
            socket.send_text(nonsense);
            socket.until_closed();
            let mut socket = Socket::open(&server, path);
            socket.send_bytes(&[0xff; 100]);
            socket.until_closed();
        }
    }
    // A frame that no client may send: its length is more than there is memory.
    let mut socket = Socket::open(&server, "/api/v1/changes");
    socket.send_raw(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6]);
    socket.until_closed();
    let shown = server.get(&format!("/api/v1/runs/{id}")).expect(200).json();
    assert!(shown["ended"].is_null(), "{shown}");
    assert_eq!(home.history().len(), 1);
}

#[test]
fn a_client_that_sends_more_input_than_it_may_loses_its_run() {
    let home = Home::new();
    let server = Server::start(&home);
    let mut socket = Socket::open(&server, "/api/v1/runs/attach");
    let spec = json!({ "work": { "kind": "line", "line": "sleep 1000" }, "workspace": home.work(), "input": "piped" });
    let user = json!({ "usual": home.data().join("config.yaml") });
    socket.send_text(&json!({ "spec": spec, "user": user, "detached": false }).to_string());
    for _ in 0..100 {
        socket.send_bytes(&vec![b'x'; 64 << 10]);
    }
    socket.until_closed();
    until("the run is over", || home.last()["ended"].is_string(), || home.last().to_string());
    home.until_nothing_runs();
}

#[test]
fn a_client_that_never_reads_costs_no_memory_and_keeps_nobody() {
    let home = Home::new();
    let server = Server::start(&home);
    let id = server.run(&home, "head -c 300000000 /dev/zero");
    // Asks for everything, and takes nothing.
    let idle: Vec<_> = (0..8).map(|_| Socket::open(&server, &format!("/api/v1/runs/{id}/stream"))).collect();
    assert_eq!(server.until_over(&id)["state"], "succeeded");
    let status = std::fs::read_to_string(format!("/proc/{}/status", home.server())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 200 << 10, "{kib} KiB for 300 MB that nobody reads");
    server.get("/health").expect(200);
    drop(idle);
}

#[test]
fn a_hundred_clients_at_once_are_all_answered() {
    let home = Home::new();
    let server = Server::start(&home);
    let open: Vec<_> = (0..100).map(|_| server.connect()).collect();
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..100).map(|_| scope.spawn(|| server.get("/api/v1/runs").status)).collect();
        assert!(asked.into_iter().all(|answer| answer.join().unwrap() == 200));
    });
    let sockets: Vec<_> = (0..100).map(|_| Socket::open(&server, "/api/v1/changes")).collect();
    for mut socket in sockets {
        assert_eq!(socket.next_json().unwrap()["type"], "hello");
    }
    drop(open);
}
