//! Who carries a run out, and what happens when one side of the connection goes away.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;

use harness::{Call, Home, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The parent of the run's runner.
const CARRIER: &str = "cut -d ' ' -f 4 /proc/$PPID/stat";

fn carrier(call: Call) -> i32 {
    call.arg(CARRIER).ended().expect(0).out().trim().parse().unwrap()
}

#[test]
fn a_killed_client_takes_its_run_along_and_the_server_lives_on() {
    let home = Home::new();
    home.start_server();
    let running = home.run("echo kept; setsid sleep 1001 & echo ready; sleep 1002").started();
    running.until_stdout("ready");
    home.until_runs("sleep 1001");
    running.signal(Signal::SIGKILL);
    running.ended();
    home.until_nothing_runs();
    assert_eq!(
        (home.last_ended()["state"].as_str(), home.last_log()),
        (Some("cancelled"), b"kept\nready\n".to_vec())
    );
    home.run("echo again").ended().expect(0);
}

#[test]
fn a_killed_client_is_not_outlived_by_what_ignores_a_polite_signal() {
    let home = Home::new();
    home.start_server();
    let line = "trap '' INT TERM HUP; echo ready; while :; do sleep 0.1; done";
    let running = home.stigmer(["run", "--grace", "1h", line]).started();
    running.until_stdout("ready");
    running.signal(Signal::SIGKILL);
    running.ended();
    home.until_nothing_runs();
}

#[test]
fn a_killed_server_is_an_error_of_its_clients_and_nothing_is_left_running() {
    let home = Home::new();
    home.start_server();
    let line = "echo kept; setsid sleep 1001 & echo ready; sleep 1002";
    let (plain, json) = (home.run(line).started(), home.stigmer(["run", "--json", line]).started());
    plain.until_stdout("ready");
    json.until_stdout("ready");
    kill(Pid::from_raw(home.server()), Signal::SIGKILL).unwrap();
    let plain = plain.ended().expect(125);
    assert_eq!(plain.out(), "kept\nready\n");
    assert!(plain.err().contains("[connection-lost]") && plain.err().contains("server"), "{}", plain.err());
    let last = json.ended().expect(125).json().pop().unwrap();
    assert_eq!((&last["type"], &last["state"]), (&"execution_complete".into(), &"lost".into()));
    assert_eq!(last["error"]["code"], "connection-lost");
    home.until_nothing_runs();
    assert!(home.history().iter().all(|run| run["state"] == "lost"));
    // What it left behind misleads nobody.
    assert_eq!(home.run("echo alone").ended().expect(0).out(), "alone\n");
}

#[test]
fn a_server_that_is_stopped_ends_its_runs_and_its_clients_hear_how() {
    let home = Home::new();
    home.start_server();
    let line = "trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let running = home.run(line).started();
    running.until_stdout("ready");
    home.stigmer(["server", "stop"]).ended().expect(0);
    assert_eq!(running.ended().expect(130).out(), "ready\ncleaned up\n");
    home.until_nothing_runs();
    assert_eq!(home.last()["state"], "cancelled");
}

#[test]
fn a_call_that_differs_from_the_server_in_what_runs_inherit_carries_its_run_out_itself() {
    let home = Home::new();
    home.start_server();
    assert_eq!(carrier(home.stigmer(["run"])), home.server());
    let stigmer = env!("CARGO_BIN_EXE_stigmer");
    for change in ["umask 077", "ulimit -n 99", "nice=1"] {
        let script = match change {
            "nice=1" => format!("exec nice -n 1 {stigmer} run \"$1\""),
            change => format!("{change}; exec {stigmer} run \"$1\""),
        };
        let runner = home.path().join("bin/stigmer-runner");
        let call = Call::of(&home, "sh").args(["-c", &script, "sh"]).env("STIGMER_RUNNER", runner);
        assert_ne!(carrier(call), home.server(), "{change}");
    }
    let masked = Call::of(&home, "sh").args(["-c", &format!("umask 027; {stigmer} run umask")]);
    assert_eq!(masked.ended().expect(0).out().trim(), "0027");
}

#[test]
fn the_settings_of_the_caller_hold_and_not_those_of_the_server() {
    let home = Home::new();
    home.start_server();
    let settings =
        home.write("other.yaml", "logs:\n  max_run_size: 64 KiB\nlocal:\n  shell: /no/such/shell\n");
    let call = home.stigmer(["--config"]).arg(&settings).args(["run", "true"]);
    call.ended().expect(127).expect_error("program-not-found");
    let call = home.run("true").env("STIGMER_EXECUTION_MODE", "auto");
    call.ended().expect(125).expect_error("backend-unavailable");
    home.write(".stigmer.yaml", "mode: auto\n");
    home.run("true").ended().expect(125).expect_error("backend-unavailable");
}

#[test]
fn a_detached_run_belongs_to_the_server() {
    let home = Home::new();
    home.start_server();
    let told =
        home.stigmer(["run", "--detach", "--json", "echo $PPID >pid; sleep 1000"]).ended().expect(0).json();
    let runner = home.until_written("pid");
    let stat = fs::read_to_string(format!("/proc/{}/stat", runner.trim())).unwrap();
    assert_eq!(stat.split(' ').nth(3), Some(home.server().to_string().as_str()));
    assert_eq!(told[0]["run_id"], home.last()["run_id"]);
    home.stigmer(["runs", "cancel", "last"]).ended().expect(0);
    home.stigmer(["run", "--detach", "--", "no-such-program", "a"])
        .ended()
        .expect(125)
        .expect_error("program-not-found");
}

#[test]
fn a_server_that_does_not_answer_is_as_good_as_none() {
    let home = Home::new();
    home.start_server();
    let server = home.freeze_server();
    assert_ne!(carrier(home.stigmer(["run"])), home.server());
    kill(server, Signal::SIGCONT).unwrap();
    assert_eq!(carrier(home.stigmer(["run"])), home.server());
}

#[test]
fn a_run_is_left_when_its_server_hears_nobody_and_its_user_is_told_which() {
    let home = Home::new();
    home.start_server();
    let running = home.run("echo ready; sleep 1001").started();
    running.until_stdout("ready");
    let id = home.last()["run_id"].as_str().unwrap().to_owned();
    let server = home.freeze_server();
    let leaves = || {
        running.signal(Signal::SIGINT);
        running.stderr_so_far().contains("no answer")
    };
    until("it leaves", leaves, || running.stderr_so_far());
    let ended = running.ended().expect(130);
    assert!(ended.err().contains(&id), "{}", ended.err());
    // It hears afterwards that nobody waits any more.
    kill(server, Signal::SIGCONT).unwrap();
    home.until_nothing_runs();
    assert_eq!(home.last_ended()["state"], "cancelled");
}

#[test]
fn another_version_of_the_server_is_as_good_as_none() {
    let home = Home::new();
    home.start_server();
    let path = home.data().join("server.json");
    let record = fs::read_to_string(&path).unwrap();
    fs::write(&path, record.replace(env!("CARGO_PKG_VERSION"), "0.0.1")).unwrap();
    assert_ne!(carrier(home.stigmer(["run"])), home.server());
    fs::write(&path, "not even JSON").unwrap();
    assert_ne!(carrier(home.stigmer(["run"])), home.server());
    fs::write(&path, record).unwrap();
    assert_eq!(carrier(home.stigmer(["run"])), home.server());
}

#[test]
fn the_token_goes_to_nobody_who_took_the_port_of_a_dead_server() {
    use std::io::Read as _;

    let home = Home::new();
    home.start_server();
    let record = fs::read_to_string(home.data().join("server.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    kill(Pid::from_raw(home.server()), Signal::SIGKILL).unwrap();
    let address = record["address"].as_str().unwrap();
    let taken = std::cell::OnceCell::new();
    until(
        "the port is free",
        || std::net::TcpListener::bind(address).is_ok_and(|it| taken.set(it).is_ok()),
        String::new,
    );
    let thief = taken.into_inner().unwrap();
    home.run("true").ended().expect(0);
    thief.set_nonblocking(true).unwrap();
    // Nobody even came.
    let visit = thief.accept().map(|(mut stream, _)| stream.read(&mut [0; 1024]));
    assert!(visit.is_err(), "{visit:?}");
}

#[test]
fn a_program_that_does_not_read_its_input_still_hears_ctrl_c() {
    let home = Home::new();
    home.start_server();
    let mut running = home.run("echo ready; sleep 1000").open_stdin().started();
    running.until_stdout("ready");
    // More than pipes and windows hold; the rest waits in the client.
    let filler = std::thread::spawn({
        let bytes = vec![b'x'; 16 << 20];
        let mut stdin = running.take_stdin();
        move || drop(std::io::Write::write_all(&mut stdin, &bytes))
    });
    running.signal(Signal::SIGINT);
    running.ended().expect(130);
    filler.join().unwrap();
    home.until_nothing_runs();
}

#[test]
fn a_repetition_is_handed_over_too() {
    let home = Home::new();
    home.start_server();
    home.run(CARRIER).ended().expect(0);
    let again = home.stigmer(["runs", "rerun", "last"]).ended().expect(0).out();
    assert_eq!(again.trim(), home.server().to_string());
}
