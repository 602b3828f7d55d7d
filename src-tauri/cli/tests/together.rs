//! Several processes and one history: followers, detached runs, many at once.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;

use harness::Home;
use nix::sys::signal::Signal;

#[test]
fn another_process_follows_a_run_from_its_beginning_to_its_end() {
    let home = Home::new();
    let mut running = home.run("echo early; while read line; do echo $line; done").open_stdin().started();
    running.until_stdout("early");
    let follower = home.stigmer(["runs", "logs", "--follow"]).started();
    follower.until_stdout("early\n");
    running.write(b"late\n");
    follower.until_stdout("late\n");
    running.write(b"last\n");
    running.close_stdin();
    running.ended().expect(0);
    assert_eq!(follower.ended().expect(0).out(), "early\nlate\nlast\n");
}

#[test]
fn a_follower_of_a_run_that_is_killed_learns_of_its_end() {
    let home = Home::new();
    let running = home.run("echo ready; sleep 1000").started();
    running.until_stdout("ready");
    let follower = home.stigmer(["runs", "logs", "--follow", "--json"]).started();
    follower.until_stdout("ready");
    running.signal(Signal::SIGKILL);
    let lines = follower.ended().expect(0).json();
    assert_eq!(lines.last().unwrap()["state"], "lost");
}

#[test]
fn a_follower_that_is_interrupted_leaves_the_run_alone() {
    let home = Home::new();
    let running = home.run("echo ready; sleep 1000").started();
    running.until_stdout("ready");
    let follower = home.stigmer(["runs", "logs", "--follow"]).started();
    follower.until_stdout("ready");
    follower.signal(Signal::SIGINT);
    follower.ended().expect(130);
    assert_eq!(home.last()["state"], "running");
}

#[test]
fn a_pin_does_not_hide_the_end_from_followers() {
    let home = Home::new();
    let mut running = home.run("echo ready; read line").open_stdin().started();
    running.until_stdout("ready");
    let follower = home.stigmer(["runs", "logs", "--follow"]).started();
    follower.until_stdout("ready");
    home.stigmer(["runs", "pin"]).ended().expect(0);
    running.close_stdin();
    running.ended();
    follower.ended().expect(0);
    assert_eq!(home.last()["pinned"], true);
}

#[test]
fn the_log_of_a_run_that_goes_on_is_printed_as_far_as_it_is() {
    let home = Home::new();
    let running = home.run("echo so far; sleep 1000").started();
    running.until_stdout("so far");
    assert_eq!(home.stigmer(["runs", "logs"]).ended().expect(0).out(), "so far\n");
}

#[test]
fn a_log_is_printed_by_stream_lines_offset_and_with_times() {
    let home = Home::new();
    home.run("for i in 1 2 3 4; do echo $i; done; echo err >&2").ended().expect(0);
    let logs = |args: &[&str]| home.stigmer(["runs", "logs"]).args(args).ended().expect(0).out();
    assert_eq!(logs(&["last", "--stream", "stdout"]), "1\n2\n3\n4\n");
    assert_eq!(logs(&["last", "--stream", "stderr"]), "err\n");
    assert_eq!(logs(&["last", "--stream", "system"]), "");
    assert_eq!(logs(&["--lines", "2:3"]), "2\n3\n");
    assert_eq!(logs(&["--lines", "4:"]), "4\nerr\n");
    assert_eq!(logs(&["--lines", ":1"]), "1\n");
    assert_eq!(logs(&["--lines", "-2"]), "4\nerr\n");
    assert_eq!(logs(&["--lines", "3"]), "3\n");
    assert_eq!(logs(&["--lines", "90:99"]), "");
    assert_eq!(logs(&["--from", "6"]), "4\nerr\n");
    for line in logs(&["--timestamps"]).lines() {
        let (time, _) = line.split_once(' ').unwrap();
        assert!(time.parse::<jiff::civil::Time>().is_ok(), "{line}");
    }
    home.stigmer(["runs", "logs", "--lines", "0:x"]).ended().expect(125).expect_error("usage");
}

#[test]
fn a_detached_run_outlives_its_caller_and_is_followed_and_cancelled_from_elsewhere() {
    let home = Home::new();
    let line = "echo $$ >pid; echo early; while ! [ -e go ]; do sleep 0.02; done; echo late; sleep 1000";
    let id = home.stigmer(["run", "--detach", line]).ended().expect(0).out().trim().to_owned();
    assert_eq!(id.len(), 36);
    home.until_written("pid");
    let follower = home.stigmer(["runs", "logs", "-f", &id]).started();
    follower.until_stdout("early");
    home.write("go", "");
    follower.until_stdout("late");
    assert_eq!(home.last()["state"], "running");
    home.stigmer(["runs", "cancel", &id]).ended().expect(0);
    assert_eq!(follower.ended().expect(0).out(), "early\nlate\n");
    home.until_nothing_runs();
    assert_eq!(home.last()["state"], "cancelled");
}

#[test]
fn a_detached_run_that_cannot_be_started_says_so_at_once() {
    let home = Home::new();
    home.stigmer(["run", "-d", "--workspace", "missing", "true"]).ended().expect_error("folder-unusable");
    home.stigmer(["run", "-d", "--", "no-such-program", "a"]).ended().expect_error("program-not-found");
    home.until_nothing_runs();
    assert!(home.history().iter().all(|run| run["state"] == "error"));
}

#[test]
fn a_detached_run_ends_by_itself_and_its_host_with_it() {
    let home = Home::new();
    let id = home.stigmer(["run", "--detach", "-e", "A=b", "echo $A; exit 5"]).ended().expect(0).out();
    let follower = home.stigmer(["runs", "logs", "-f", id.trim()]).ended().expect(0);
    assert_eq!(follower.out(), "b\n");
    home.until_nothing_runs();
    assert_eq!(home.last()["exit_code"], 5);
}

#[test]
fn a_detached_run_that_is_refused_says_why() {
    let home = Home::new();
    home.stigmer(["run", "--detach", " "]).ended().expect(125).expect_error("invalid-spec");
    home.stigmer(["run", "--detach", "--mode", "auto", "x"])
        .ended()
        .expect(125)
        .expect_error("backend-unavailable");
    home.until_nothing_runs();
}

#[test]
fn a_run_whose_input_nobody_closes_leaves_no_sign_of_life() {
    let home = Home::new();
    home.run("true").open_stdin().ended().expect(0);
    let hosts: Vec<_> = fs::read_dir(home.data().join("hosts")).unwrap().flatten().collect();
    assert!(hosts.is_empty(), "{hosts:?}");
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let home = Home::new();
    let first = home.run("echo first; sleep 1000").started();
    first.until_stdout("first");
    assert_eq!(home.run("echo second").ended().expect(0).out(), "second\n");
    assert_eq!(home.history().len(), 2);
    assert_eq!(home.history()[1]["state"], "running");
    first.signal(Signal::SIGTERM);
    first.ended().expect(143);
}

#[test]
fn many_first_runs_at_once_all_succeed_and_are_all_in_the_history() {
    let home = Home::new();
    let running: Vec<_> = (0..8).map(|_| home.run("true").started()).collect();
    for run in running {
        let ended = run.ended().expect(0);
        assert_eq!(ended.err(), "");
    }
    let history = home.history();
    assert_eq!(history.len(), 8);
    assert!(history.iter().all(|run| run["state"] == "succeeded"));
    let hosts: Vec<_> = fs::read_dir(home.data().join("hosts")).unwrap().flatten().collect();
    assert!(hosts.is_empty(), "engines that ended leave no files: {hosts:?}");
}
