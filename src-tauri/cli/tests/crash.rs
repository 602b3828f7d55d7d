//! `kill -9`: of `stigmer`, of the runner, at any moment. No process is left, the log is whole, and the history
//! tells the truth right afterwards.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use harness::Home;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn a_killed_stigmer_takes_its_run_along_and_the_log_stays() {
    let home = Home::new();
    let running = home.run("echo kept; setsid sleep 1001 & echo ready; sleep 1002").started();
    running.until_stdout("ready");
    running.signal(Signal::SIGKILL);
    assert_eq!(running.ended().code(), -9);
    home.until_nothing_runs();
    let lost = home.last();
    assert_eq!(lost["state"], "lost");
    assert!(lost["ended"].is_string() && lost["exit_code"].is_null());
    assert_eq!(home.stigmer(["runs", "logs"]).ended().expect(0).out(), "kept\nready\n");
    assert_eq!(lost["bytes"], "kept\nready\n".len());
    assert!(home.stigmer(["runs", "show"]).ended().expect(0).out().contains("lost"));
}

#[test]
fn a_killed_stigmer_leaves_no_process_in_whatever_state_its_run_was() {
    let home = Home::new();
    let since = Instant::now();
    home.run("true").ended().expect(0);
    let whole = since.elapsed();
    for round in 0..30 {
        let running = home.run("echo out; sleep 1000").started();
        // From before there is a run to after its program started.
        std::thread::sleep(whole * round / 20);
        running.signal(Signal::SIGKILL);
        running.ended();
        home.until_nothing_runs();
    }
    let runs = home.history();
    assert!(runs[..runs.len() - 1].iter().all(|run| run["state"] == "lost"), "{runs:#?}");
    for run in &runs {
        home.stigmer(["runs", "logs"]).arg(run["run_id"].as_str().unwrap()).ended().expect(0);
    }
    // No folder is left that nobody knows of, and the daily housekeeping removes what dead engines left.
    let folders = fs::read_dir(home.data().join("runs")).unwrap().flatten();
    let known = |name: &str| runs.iter().any(|run| run["run_id"] == name);
    assert!(folders.map(|it| it.file_name().into_string().unwrap()).all(|name| known(&name)));
    for left in fs::read_dir(home.data().join("hosts")).unwrap().flatten() {
        if left.path().extension().is_some_and(|it| it == "lock") {
            let long_ago = SystemTime::now() - Duration::from_hours(1);
            fs::File::open(left.path()).unwrap().set_modified(long_ago).unwrap();
        }
    }
    fs::remove_file(home.data().join("tidied")).unwrap();
    home.run("true").ended().expect(0);
    let hosts: Vec<_> = fs::read_dir(home.data().join("hosts")).unwrap().flatten().collect();
    assert!(hosts.is_empty(), "{hosts:?}");
}

#[test]
fn a_killed_runner_is_an_error_and_nothing_is_left() {
    let home = Home::new();
    let running = home.run("echo kept; setsid sleep 1001 & echo ready; sleep 1002").started();
    running.until_stdout("ready");
    home.until_runs("sleep 1001");
    let runner = home.until_runs("bin/stigmer-runner");
    kill(Pid::from_raw(runner), Signal::SIGKILL).unwrap();
    let ended = running.ended().expect(125);
    assert_eq!(ended.out(), "kept\nready\n");
    assert!(ended.err().contains("[connection-lost]"), "{}", ended.err());
    home.until_nothing_runs();
    assert_eq!(home.last()["state"], "error");
    assert_eq!(home.last_log(), b"kept\nready\n");
}

#[test]
fn a_killed_program_is_a_result_like_any_other() {
    let home = Home::new();
    let running = home.run("echo $$ >pid; exec sleep 1000").started();
    let program = home.until_written("pid").trim().parse().unwrap();
    kill(Pid::from_raw(program), Signal::SIGKILL).unwrap();
    running.ended().expect(137);
    assert_eq!((&home.last()["state"], &home.last()["exit_code"]), (&"failed".into(), &137.into()));
}

#[test]
fn a_log_with_a_torn_end_is_still_read() {
    let home = Home::new();
    let running = home.run("while :; do echo 0123456789; done").started();
    running.until_stdout("0123456789\n");
    running.signal(Signal::SIGKILL);
    let seen = running.ended().stdout;
    home.until_nothing_runs();
    let log = home.stigmer(["runs", "logs"]).ended().expect(0).stdout;
    assert!(log.starts_with(&seen), "what was seen is in the log");
    assert_eq!(log, home.last_log());
}
