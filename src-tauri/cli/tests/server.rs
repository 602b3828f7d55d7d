//! `stigmer server`: starting, finding, stopping; one for each home.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use harness::http::Server;
use harness::{Call, Home, is_there};
use nix::sys::signal::Signal;

#[test]
fn a_server_in_the_foreground_prints_its_link_and_serves_until_it_is_interrupted() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let home = Home::new();
        let server = home.stigmer(["server", "start", "--port", "0"]).started();
        server.until_stdout("\n");
        let link = String::from_utf8(server.stdout_so_far()).unwrap();
        let told = serde_json::json!({ "link": link.trim() });
        Server::told(&told).get("/api/v1/app").expect(200);
        server.signal(signal);
        server.ended().expect(0);
        assert!(!home.data().join("server.json").exists());
        home.until_nothing_runs();
    }
}

#[test]
fn a_server_in_the_background_answers_when_the_call_returns_and_is_gone_when_stop_does() {
    let home = Home::new();
    let told = home.start_server();
    let server = Server::told(&told);
    assert_eq!(server.get("/health").expect(200).json()["ok"], true);
    let status = home.stigmer(["server", "status", "--json"]).ended().expect(0).json().remove(0);
    assert_eq!((&status["running"], &status["answers"]), (&true.into(), &true.into()));
    assert_eq!((&status["link"], &status["pid"]), (&told["link"], &told["pid"]));
    let shown = home.stigmer(["server", "status"]).ended().expect(0).out();
    assert!(shown.starts_with(told["link"].as_str().unwrap()), "{shown}");
    home.stigmer(["server", "stop"]).ended().expect(0);
    assert!(std::net::TcpStream::connect(&server.address).is_err());
    assert_eq!(home.stigmer(["server", "status", "--json"]).ended().expect(1).json()[0]["running"], false);
    home.stigmer(["server", "stop"]).ended().expect(0);
}

#[test]
fn a_second_start_prints_the_address_of_the_first() {
    let home = Home::new();
    let told = home.start_server();
    for options in [["server", "start", "--json"].as_slice(), &["server", "start", "--json", "--background"]]
    {
        let again = home.stigmer(options.iter().copied()).ended().expect(0).json().remove(0);
        assert_eq!((&again["link"], &again["pid"]), (&told["link"], &told["pid"]));
    }
}

#[test]
fn of_many_that_start_at_once_one_serves_and_the_others_say_where() {
    let home = Home::new();
    let start = || home.stigmer(["server", "start", "--background", "--port", "0", "--json"]).started();
    let starts: Vec<_> = (0..8).map(|_| start()).collect();
    let told: Vec<_> = starts.into_iter().map(|call| call.ended().expect(0).json().remove(0)).collect();
    assert!(
        told.iter().all(|one| one["pid"] == told[0]["pid"] && one["link"] == told[0]["link"]),
        "{told:#?}"
    );
    home.stigmer(["server", "stop"]).ended().expect(0);
}

#[test]
fn a_server_that_is_started_while_another_ends_takes_its_place() {
    let home = Home::new();
    let first = home.start_server();
    home.stigmer(["server", "stop"]).ended().expect(0);
    // One that ends says no more where it is, and has its lock for a moment longer.
    let lock = File::open(home.data().join("server.lock")).unwrap();
    lock.lock().unwrap();
    let start = home.stigmer(["server", "start", "--background", "--port", "0", "--json"]).started();
    std::thread::sleep(Duration::from_millis(300));
    lock.unlock().unwrap();
    let second = start.ended().expect(0).json().remove(0);
    assert_ne!(first["pid"], second["pid"]);
    home.stigmer(["server", "stop"]).ended().expect(0);
}

#[test]
fn the_token_is_kept_over_restarts_and_is_the_users_alone() {
    let home = Home::new();
    let first = Server::start(&home).token;
    home.stigmer(["server", "stop"]).ended().expect(0);
    assert_eq!(Server::start(&home).token, first);
    for file in ["server.token", "server.json", "server.lock"] {
        let mode = home.data().join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    home.stigmer(["server", "stop"]).ended().expect(0);
    std::fs::write(home.data().join("server.token"), "short").unwrap();
    assert!(Server::start(&home).token.len() >= 32, "what is no token is replaced");
}

#[test]
fn a_port_that_is_taken_is_named_if_it_was_asked_for_and_passed_over_if_not() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for background in [["server", "start"].as_slice(), &["server", "start", "--background"]] {
        let refused = home.stigmer(background.iter().copied()).args(["--port", &port]).ended().expect(125);
        let refused = refused.expect_error("address-unusable");
        assert!(refused.err().contains(&port), "{}", refused.err());
    }
    // Whoever has the usual port, we or another program.
    let usual = TcpListener::bind("127.0.0.1:7517");
    let other = Home::new();
    let told =
        other.stigmer(["server", "start", "--background", "--json"]).ended().expect(0).json().remove(0);
    let server = Server::told(&told);
    assert!(!server.address.ends_with(":7517"), "{told}");
    server.get("/health").expect(200);
    other.stigmer(["server", "stop"]).ended().expect(0);
    drop(usual);
}

#[test]
fn beyond_this_machine_it_listens_only_when_told_to_and_warns() {
    let home = Home::new();
    let listen = ["server", "start", "--listen", "0.0.0.0", "--port", "0"];
    let server = home.stigmer(listen).started();
    server.until_stdout("\n");
    server.until_stderr("warning: other machines can reach");
    server.signal(Signal::SIGTERM);
    server.ended().expect(0);
}

#[test]
fn a_second_interrupt_forces_the_runs() {
    let home = Home::new();
    let server = home.stigmer(["server", "start", "--port", "0"]).started();
    server.until_stdout("\n");
    let line = "trap 'echo asked' TERM; trap '' INT HUP; echo ready; while :; do sleep 0.05; done";
    let running = home.stigmer(["run", "--grace", "1h", line]).started();
    running.until_stdout("ready");
    server.signal(Signal::SIGTERM);
    running.until_stdout("asked");
    server.signal(Signal::SIGTERM);
    server.ended().expect(0);
    running.ended().expect(130);
    home.until_nothing_runs();
}

#[test]
fn the_description_is_true() {
    let test = "the_description_is_true";
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/schemathesis.sh");
    let script = script.canonicalize().unwrap();
    let ready = std::process::Command::new(&script).arg("--ready").output().unwrap();
    let why = String::from_utf8_lossy(&ready.stderr).trim().to_owned();
    if !is_there(test, &format!("schemathesis ({})", why.replace('\n', " ")), ready.status.success()) {
        return;
    }
    let home = Home::new();
    // It starts runs and writes files with whatever occurs to it, so nothing but this home can be written to.
    let alone = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro /; shift; exec \"$@\"";
    let jail = |home: &Home| {
        let unshare = Call::of(home, "unshare").args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-ec",
            alone,
            "sh",
        ]);
        let unshare = unshare.arg(home.path()).env("STIGMER_RUNNER", home.path().join("bin/stigmer-runner"));
        // Among the questions are some that remove images, and one that removes the key for Daytona.
        unshare.env("DOCKER_HOST", "unix:///no/engine").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/no/bus")
    };
    if !is_there(
        test,
        "to mount in a namespace of its own (unshare --user --mount)",
        jail(&home).arg("true").ended().code() == 0,
    ) {
        return;
    }
    let jailed =
        jail(&home).arg(env!("CARGO_BIN_EXE_stigmer")).args(["server", "start", "--port", "0"]).started();
    jailed.until_stdout("\n");
    let link = String::from_utf8(jailed.stdout_so_far()).unwrap();
    let server = Server::told(&serde_json::json!({ "link": link.trim() }));
    let id = server.run(&home, "echo out; echo err >&2");
    server.until_over(&id);
    let checked = std::process::Command::new(script)
        .args([format!("http://{}", server.address), server.token.clone()])
        .env("TMPDIR", home.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
