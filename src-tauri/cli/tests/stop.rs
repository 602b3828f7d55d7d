//! Ending a run: by signals to `stigmer`, from another process, at its time limit. The whole tree goes, and what
//! was printed stays.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use harness::Home;
use harness::call::Running;
use nix::sys::signal::Signal;

/// A tree of processes: children, a grandchild in a session of its own, and one without a living parent.
const TREE: &str = "echo before; sleep 1001 & setsid sh -c 'sleep 1002; :' & (setsid sleep 1003 &) ; \
                    echo ready; wait";

fn ready(home: &Home, options: &[&str], line: &str) -> Running {
    let running = home.stigmer(["run"]).args(options).arg(line).started();
    running.until_stdout("ready");
    running
}

#[test]
fn ctrl_c_ends_the_tree_and_keeps_what_was_printed() {
    let home = Home::new();
    let running = ready(&home, &[], TREE);
    for sleeper in ["sleep 1001", "sleep 1002", "sleep 1003"] {
        home.until_runs(sleeper);
    }
    running.signal(Signal::SIGINT);
    let ended = running.ended().expect(130);
    assert_eq!(ended.out(), "before\nready\n");
    home.until_nothing_runs();
    assert_eq!((home.last()["state"].as_str(), home.last_log()), (Some("cancelled"), ended.stdout));
}

#[test]
fn the_exit_code_names_the_signal_that_ended_us() {
    let home = Home::new();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let running = ready(&home, &[], "echo ready; sleep 1000");
        running.signal(signal);
        running.ended().expect(code);
        home.until_nothing_runs();
        assert_eq!(home.last()["state"], "cancelled");
    }
}

#[test]
fn a_program_that_ends_politely_has_its_grace() {
    let home = Home::new();
    let line = "trap 'echo cleaned up; exit 0' INT; echo ready; while :; do sleep 0.01; done";
    let running = ready(&home, &["--grace", "1h"], line);
    running.signal(Signal::SIGINT);
    assert!(running.ended().expect(130).out().ends_with("cleaned up\n"));
    let shown = home.stigmer(["runs", "show"]).ended().expect(0).out();
    assert!(shown.contains("cancelled") && !shown.contains("by force"), "{shown}");
}

#[test]
fn what_ignores_the_signals_is_forced_after_the_grace() {
    let home = Home::new();
    let line = "trap '' INT TERM HUP; setsid sh -c \"trap '' INT TERM HUP; sleep 1001; :\" & \
                echo ready; sleep 1002; sleep 1003";
    let running = ready(&home, &["--grace", "200ms"], line);
    home.until_runs("sleep 1001");
    running.signal(Signal::SIGINT);
    running.ended().expect(130);
    home.until_nothing_runs();
    assert!(home.stigmer(["runs", "show"]).ended().expect(0).out().contains("by force"));
}

#[test]
fn the_second_ctrl_c_forces_at_once() {
    let home = Home::new();
    let line = "trap 'echo asked' INT; trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let running = ready(&home, &["--grace", "1h"], line);
    running.signal(Signal::SIGINT);
    running.until_stdout("asked");
    running.signal(Signal::SIGINT);
    running.ended().expect(130);
    home.until_nothing_runs();
}

#[test]
fn a_run_is_cancelled_from_another_process() {
    let home = Home::new();
    let running = ready(&home, &[], TREE);
    let told = home.stigmer(["runs", "cancel", "last", "--verbose"]).ended().expect(0);
    assert!(told.err().contains("cancelled"), "{}", told.err());
    // It is over when the call returns, not some time later.
    assert_eq!(home.last()["state"], "cancelled");
    assert_eq!(running.ended().expect(130).out(), "before\nready\n");
    home.until_nothing_runs();
}

#[test]
fn a_run_is_forced_from_another_process_also_after_it_was_asked() {
    let home = Home::new();
    let line = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done";
    let running = ready(&home, &["--grace", "1h"], line);
    let polite = home.stigmer(["runs", "cancel"]).arg("last").started();
    running.until_stdout("asked");
    home.stigmer(["runs", "cancel", "--force", "last"]).ended().expect(0);
    polite.ended().expect(0);
    running.ended().expect(130);
    home.until_nothing_runs();
}

#[test]
fn a_run_that_is_over_cannot_be_cancelled() {
    let home = Home::new();
    home.run("true").ended().expect(0);
    home.stigmer(["runs", "cancel", "last"]).ended().expect(125).expect_error("conflict");
    home.stigmer(["runs", "cancel", "nothing"]).ended().expect(125).expect_error("run-not-found");
    assert_eq!(home.last()["state"], "succeeded");
}

#[test]
fn one_run_that_is_over_does_not_save_the_others_from_being_cancelled() {
    let home = Home::new();
    home.run("true").ended().expect(0);
    let over = home.last()["run_id"].as_str().unwrap().to_owned();
    let running = ready(&home, &[], "echo ready; sleep 1000");
    let cancel = home.stigmer(["runs", "cancel"]).arg(over).arg("last");
    cancel.ended().expect(125).expect_error("conflict");
    running.ended().expect(130);
    home.until_nothing_runs();
}

#[test]
fn a_stop_before_the_program_started_leaves_nothing() {
    let home = Home::new();
    // Whatever the state at that moment: queued, preparing, or just running.
    for round in 0..20 {
        let running = home.run("sleep 1000").started();
        std::thread::sleep(std::time::Duration::from_micros(700 * round));
        running.signal(Signal::SIGTERM);
        let code = running.ended().code();
        assert!(code == 143 || code == -15, "{code}");
        home.until_nothing_runs();
    }
    assert!(home.history().iter().all(|run| run["state"] == "cancelled" || run["state"] == "lost"));
}
