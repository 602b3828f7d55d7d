//! `stigmer run --json`: one object a line, in a form and an order that programs can rely on.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::Home;
use serde_json::{Value, json};

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn parses(at: &Value) -> bool {
    at.as_str().unwrap().parse::<jiff::Timestamp>().is_ok()
}

fn states(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter(|line| line["type"] == "state").map(|line| line["state"].as_str().unwrap()).collect()
}

/// The bytes of all log lines, each found at the offset where the one before ended.
fn output(lines: &[Value]) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for line in lines.iter().filter(|line| line["type"] == "log") {
        assert_eq!(line["offset"], bytes.len(), "{line}");
        assert!(parses(&line["at"]));
        match (&line["content"], &line["content_base64"]) {
            (Value::String(text), Value::Null) => bytes.extend(text.as_bytes()),
            (Value::Null, Value::String(encoded)) => bytes.extend(BASE64_STANDARD.decode(encoded).unwrap()),
            _ => panic!("{line}"),
        }
    }
    bytes
}

#[test]
fn a_run_is_told_from_its_request_to_its_end() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--json", "echo out; echo err >&2; exit 3"]).ended().expect(3);
    assert_eq!(ended.err(), "");
    let lines = ended.json();
    assert_eq!(states(&lines), ["queued", "preparing", "running", "failed"]);
    let id = &home.last()["run_id"];
    for line in &lines {
        match line["type"].as_str().unwrap() {
            "state" => {
                assert_eq!(keys(line), ["at", "mode", "run_id", "state", "type"]);
                assert!(parses(&line["at"]));
                assert_eq!((&line["run_id"], &line["mode"]), (id, &"local".into()));
            }
            "log" => assert_eq!(keys(line), ["at", "content", "offset", "stream", "type"]),
            "execution_complete" => assert_eq!(line, lines.last().unwrap()),
            other => panic!("{other}"),
        }
    }
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["state", "state", "state", "log", "log", "state", "execution_complete"]);
    let end = lines.last().unwrap();
    let all = ["cost_usd", "duration_ms", "error", "exit_code", "mode", "run_id", "state", "type"];
    assert_eq!(keys(end), all);
    assert!(end["duration_ms"].is_u64());
    let rest =
        json!([end["run_id"], end["state"], end["exit_code"], end["mode"], end["cost_usd"], end["error"]]);
    assert_eq!(rest, json!([id, "failed", 3, "local", null, null]));
    for (stream, text) in [("stdout", "out\n"), ("stderr", "err\n")] {
        let line = lines.iter().find(|line| line["stream"] == stream).unwrap();
        assert_eq!(line["content"], text);
    }
}

#[test]
fn bytes_that_are_no_text_come_in_base64_and_offsets_count_bytes() {
    let home = Home::new();
    let bytes: Vec<u8> = [b"text \xc3\x9f ".as_slice(), b"\xff\x00\xfe", "🦀".as_bytes()].concat();
    home.write("bytes", &bytes);
    let wait = |file: &str| format!("until [ -e {file} ]; do sleep 0.02; done");
    let line = format!("cat bytes; {}; printf text; {}; cat bytes", wait("one"), wait("two"));
    let running = home.stigmer(["run", "--json", &line]).started();
    running.until_stdout("content_base64");
    home.write("one", "");
    running.until_stdout("\"text\"");
    home.write("two", "");
    let lines = running.ended().expect(0).json();
    assert_eq!(output(&lines), [bytes.clone(), b"text".to_vec(), bytes].concat());
    assert!(lines.iter().any(|line| line["content"] == "text"));
    assert!(lines.iter().any(|line| line["content_base64"].is_string()));
}

#[test]
fn the_end_comes_after_the_output_also_for_a_slow_reader() {
    let home = Home::new();
    // Read only after the program has ended: by then far more than a pipe holds is waiting.
    let read_late = "\"$@\" | { until [ -e ended ]; do sleep 0.02; done; sleep 0.5; cat; }";
    let line = "head -c 3000000 /dev/zero | tr '\\0' x; touch ended";
    let stigmer = [env!("CARGO_BIN_EXE_stigmer"), "run", "--json", line];
    let call = harness::Call::of(&home, "sh").args(["-c", read_late, "sh"]).args(stigmer);
    let lines = call.ended().expect(0).json();
    assert_eq!(output(&lines).len(), 3_000_000);
    assert_eq!(states(&lines), ["queued", "preparing", "running", "succeeded"]);
    let last: Vec<_> = lines[lines.len() - 3..].iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(last, ["log", "state", "execution_complete"]);
}

#[test]
fn a_run_that_could_not_be_carried_out_carries_its_error() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--json", "--", "no-such-program", "a"]).ended().expect(127);
    assert_eq!(ended.err(), "");
    let lines = ended.json();
    assert_eq!(states(&lines), ["queued", "preparing", "error"]);
    let end = lines.last().unwrap();
    assert_eq!((&end["state"], &end["exit_code"]), (&"error".into(), &Value::Null));
    assert_eq!(end["error"]["code"], "program-not-found");
    assert!(end["error"]["message"].as_str().unwrap().contains("no-such-program"));
    assert!(end["error"]["hint"].is_string());
}

#[test]
fn a_run_that_was_ended_says_how() {
    let home = Home::new();
    let lines =
        home.stigmer(["run", "--json", "--timeout", "200ms", "sleep 1000"]).ended().expect(124).json();
    assert_eq!(states(&lines), ["queued", "preparing", "running", "timed_out"]);
    let end = lines.last().unwrap();
    assert_eq!((&end["state"], &end["exit_code"]), (&"timed_out".into(), &Value::Null));
    let lines = home.stigmer(["run", "--json", "kill -9 $$"]).ended().expect(137).json();
    assert_eq!(
        (&lines.last().unwrap()["state"], &lines.last().unwrap()["exit_code"]),
        (&"failed".into(), &137.into())
    );
}
