//! The sockets for programs and pages: a run as it happens, and notices that something changed.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::http::Server;
use harness::ws::Socket;
use harness::{Call, Home};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// The bytes of a line of output; each must begin where the one before ended.
fn bytes(line: &Value, position: &mut u64) -> Vec<u8> {
    assert_eq!(line["offset"], *position, "{line}");
    let bytes = match &line["content"] {
        Value::String(text) => text.as_bytes().to_vec(),
        _ => BASE64_STANDARD.decode(line["content_base64"].as_str().unwrap()).unwrap(),
    };
    *position += bytes.len() as u64;
    bytes
}

#[test]
fn a_stream_has_the_lines_of_the_command_line_and_closes_after_the_last() {
    let home = Home::new();
    let server = Server::start(&home);
    let id = server.run(&home, "echo out; read line; echo err >&2; exit 3");
    let mut socket = Socket::open(&server, &format!("/api/v1/runs/{id}/stream"));
    let lines: Vec<_> = std::iter::from_fn(|| socket.next_json()).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    let states: Vec<_> = of("state").iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "preparing", "running", "failed"]);
    assert_eq!((&of("log")[0]["content"], &of("log")[1]["stream"]), (&json!("out\n"), &json!("stderr")));
    let end = lines.last().unwrap();
    assert_eq!((&end["type"], &end["exit_code"]), (&json!("execution_complete"), &json!(3)));
    // Once more, when it is over; and from the middle.
    let mut past = Socket::open(&server, &format!("/api/v1/runs/{id}/stream"));
    assert_eq!(std::iter::from_fn(|| past.next_json()).collect::<Vec<_>>(), lines);
    let mut rest = Socket::open(&server, &format!("/api/v1/runs/{id}/stream?from=4"));
    let rest: Vec<_> = std::iter::from_fn(|| rest.next_json()).filter(|line| line["type"] == "log").collect();
    assert_eq!((rest.len(), &rest[0]["content"]), (1, &json!("err\n")));
}

#[test]
fn a_run_of_another_process_is_streamed_while_it_goes_on() {
    let home = Home::new();
    let server = Server::start(&home);
    // Another mask than the server's, so that the call carries it out itself.
    let script =
        format!("umask 027; exec {} run 'echo ready; read line; echo $line'", env!("CARGO_BIN_EXE_stigmer"));
    let mut own = Call::of(&home, "sh").args(["-c", &script]).open_stdin().started();
    own.until_stdout("ready");
    let mut socket = Socket::open(&server, "/api/v1/runs/last/stream");
    let mut next_log = || loop {
        let line = socket.next_json().unwrap();
        if line["type"] == "log" {
            return line;
        }
    };
    assert_eq!(next_log()["content"], "ready\n");
    own.write(b"typed\n");
    assert_eq!(next_log()["content"], "typed\n");
    own.ended().expect(0);
    let last = std::iter::from_fn(|| socket.next_json()).last().unwrap();
    assert_eq!((&last["type"], &last["state"]), (&json!("execution_complete"), &json!("succeeded")));
}

#[test]
fn a_stream_that_broke_with_its_server_goes_on_without_gap_or_repeat() {
    let home = Home::new();
    let server = Server::start(&home);
    // Carried out by a process of its own, so that it outlives the server: 64 MiB, the second half when it is told to.
    let line = "head -c 67108864 /dev/urandom >original; head -c 33554432 original; until [ -e go ]; do sleep 0.02; done; \
                tail -c 33554432 original";
    let script = format!("umask 027; exec {} run \"$1\"", env!("CARGO_BIN_EXE_stigmer"));
    let own = Call::of(&home, "sh")
        .args(["-c", &script, "sh"])
        .arg(line)
        .stdout(std::fs::File::create("/dev/null").unwrap())
        .started();
    harness::until("there is a run", || !home.history().is_empty(), String::new);
    let (mut position, mut got) = (0, Vec::new());
    let mut socket = Socket::open(&server, "/api/v1/runs/last/stream");
    while position < 20 << 20 {
        let line = socket.next_json().unwrap();
        if line["type"] == "log" {
            got.extend(bytes(&line, &mut position));
        }
    }
    kill(Pid::from_raw(home.server()), Signal::SIGKILL).unwrap();
    // What was on its way still counts.
    while let Some(line) = socket.next_json() {
        if line["type"] == "log" {
            got.extend(bytes(&line, &mut position));
        }
    }
    home.write("go", "");
    let server = Server::start(&home);
    let mut socket = Socket::open(&server, &format!("/api/v1/runs/last/stream?from={position}"));
    while let Some(line) = socket.next_json() {
        if line["type"] == "log" {
            got.extend(bytes(&line, &mut position));
        }
    }
    own.ended().expect(0);
    home.write("got", &got);
    let sums = Call::of(&home, "sha256sum").args(["original", "got"]).ended().expect(0).out();
    let sums: Vec<_> = sums.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!((got.len(), sums[0]), (64 << 20, sums[1]));
}

#[test]
fn notices_tell_of_runs_their_output_files_and_settings() {
    let home = Home::new();
    let server = Server::start(&home);
    let mut socket = Socket::open(&server, "/api/v1/changes");
    assert_eq!(socket.next_json().unwrap()["type"], "hello");
    let until_notice = |socket: &mut Socket, is_it: &dyn Fn(&Value) -> bool| -> Value {
        std::iter::from_fn(|| socket.next_json()).find(|notice| is_it(notice)).unwrap()
    };
    let new =
        json!({ "work": { "kind": "line", "line": "cat" }, "workspace": home.work(), "input": "piped" });
    let id =
        server.send("POST", "/api/v1/runs", &new).expect(201).json()["run_id"].as_str().unwrap().to_owned();
    until_notice(&mut socket, &|notice| notice["type"] == "runs");
    socket.send_text(&json!({ "watch": { "runs": [id], "workspace": home.work() } }).to_string());
    // From here on the folder is watched; what happened to it until then may be anything.
    let files = until_notice(&mut socket, &|notice| notice["type"] == "files");
    assert_eq!((&files["paths"], &files["gone"]), (&Value::Null, &json!(false)));
    home.write("noticed", "");
    let files = until_notice(&mut socket, &|notice| notice["type"] == "files");
    assert_eq!((&files["paths"], &files["gone"]), (&json!(["noticed"]), &json!(false)));
    server.bytes("POST", &format!("/api/v1/runs/{id}/input"), b"typed\n").expect(204);
    let log = until_notice(&mut socket, &|notice| notice["type"] == "log" && notice["bytes"] != 0);
    assert_eq!((&log["run_id"], &log["bytes"], &log["ended"]), (&json!(id), &json!(6), &json!(false)));
    server.bytes("POST", &format!("/api/v1/runs/{id}/input/end"), b"").expect(204);
    until_notice(&mut socket, &|notice| notice["type"] == "log" && notice["ended"] == true);
    home.stigmer(["config", "set", "sandbox.ttl", "60"]).ended().expect(0);
    until_notice(&mut socket, &|notice| notice["type"] == "config");
    // Runs of other processes, too.
    home.run("true").env("STIGMER_RUNNER", home.path().join("bin/../bin/stigmer-runner")).ended().expect(0);
    until_notice(&mut socket, &|notice| notice["type"] == "runs");
}
