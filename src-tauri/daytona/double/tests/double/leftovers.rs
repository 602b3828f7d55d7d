//! Nothing is left of a double that is over, however it ended.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::harness::{Client, possible};

/// Processes of this machine that have a text in their command line.
fn processes(text: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

fn gone(text: &str) -> bool {
    let began = Instant::now();
    while processes(text) > 0 {
        if began.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// Folders of doubles.
fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("daytona-double-"));
    ours.map(|entry| entry.path()).collect()
}

#[tokio::test]
async fn nothing_outlives_a_double_that_is_dropped() {
    if !possible("leftovers") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let before: Vec<_> = folders();
    client.start(&id, "s", "setsid sleep 77001.5 & sleep 77001.6").await;
    client.run(&id, "setsid nohup sleep 77001.7 >/dev/null 2>&1 &").await;
    while processes("sleep\x0077001.") < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let folder =
        before.into_iter().find(|folder| folder.join(&id).exists()).expect("the sandbox has a folder");
    drop(client);
    assert_eq!(processes("77001."), 0, "what is dropped is over");
    assert!(!folder.exists());
}

#[tokio::test]
async fn what_runs_in_a_sandbox_ends_with_it() {
    if !possible("the end of a sandbox") {
        return;
    }
    let client = Client::quick();
    for (verb, path) in [("POST", "stop?force=true"), ("DELETE", "")] {
        let id = client.sandbox().await;
        client.run(&id, "setsid nohup sleep 77002.5 >/dev/null 2>&1 &").await;
        let path = format!("/api/sandbox/{id}/{path}");
        client.send(verb, path.trim_end_matches('/'), None, &[]).await.unwrap();
        assert!(gone("77002.5"), "{verb}");
    }
}

#[test]
fn nothing_runs_on_when_the_double_is_killed() {
    if !possible("a double that is killed") {
        return;
    }
    let mut program = Command::new(env!("CARGO_BIN_EXE_daytona-double"));
    let mut double = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(double.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let address = url.trim().trim_start_matches("http://").trim_end_matches("/api").to_owned();
    let ask = |method: &str, path: &str, body: serde_json::Value| -> String {
        use std::io::{Read as _, Write as _};
        let body = body.to_string();
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: double\r\nauthorization: Bearer dtn_test\r\nconnection: close\r\n"
        );
        write!(
            stream,
            "{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let made: serde_json::Value = serde_json::from_str(&ask("POST", "/api/sandbox", json!({}))).unwrap();
    let id = made["id"].as_str().unwrap();
    let body = json!({ "command": "setsid nohup sleep 77003.5 >/dev/null 2>&1 &" });
    ask("POST", &format!("/toolbox/{id}/process/execute"), body);
    while processes("sleep\x0077003.5") == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let folder = folders().into_iter().find(|folder| folder.join(id).exists()).unwrap();
    kill(Pid::from_raw(i32::try_from(double.id()).unwrap()), Signal::SIGKILL).unwrap();
    double.wait().unwrap();
    assert!(gone("77003.5"));
    drop(Client::quick());
    assert!(!folder.exists(), "the next double tidies up after it");
}

#[test]
fn the_program_says_what_it_can_do_and_what_it_cannot() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_daytona-double")).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, help, _) = run(&["--help"]);
    assert!(code == Some(0) && help.contains("--delay-ms"), "{help}");
    let (code, _, error) = run(&["--delay-ms", "soon"]);
    assert_eq!((code, error.as_str()), (Some(2), "error: --delay-ms: `soon` is not a number\n"));
    let (code, _, error) = run(&["--nothing", "x"]);
    assert_eq!((code, error.as_str()), (Some(2), "error: there is no option --nothing\n"));
}

#[test]
fn the_program_ends_with_its_input() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_daytona-double"));
    let mut double = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(double.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/api\n"), "{url}");
    drop(double.stdin.take());
    assert!(double.wait().unwrap().success());
}
