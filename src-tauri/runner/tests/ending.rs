//! How a run ends, and that nothing which should not lives on.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

mod harness;

use std::time::Duration;

use harness::{DEADLINE, Marker, Runner, UNTIL_SLEEPING, eventually, on_terminal, program, script};
use nix::sys::signal::{Signal as OsSignal, kill};
use nix::unistd::Pid;
use proptest::prelude::*;
use stigmer_runner::{Exit, Reply, Request, Signal, Start, Stream};

/// Ends what a test let live on purpose.
fn kill_left(pid: u32) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), OsSignal::SIGKILL).unwrap();
}

/// A process that leaves the session, the process group and its parent, and ignores what it can.
const ESCAPE: &str =
    "(trap '' TERM INT HUP; setsid sh -c 'trap \"\" TERM INT HUP; (sleep 1000 & wait) & wait' &)";

#[test]
fn a_child_that_keeps_the_pipe_does_not_keep_the_run() {
    let marker = Marker::new("keeps-the-pipe");
    let mut runner = Runner::start(marker.on(script("sleep 1000 & echo hi")));
    assert_eq!(runner.until_ended(), []);
    assert_eq!(runner.text(), "hi\n");
    marker.until_none_is_alive();
}

#[test]
fn a_child_without_the_pipe_is_ended_too() {
    let marker = Marker::new("without-the-pipe");
    let start = Start { drain_ms: u32::MAX, ..script("sleep 1000 > /dev/null 2>&1 & echo hi") };
    let mut runner = Runner::start(marker.on(start));
    assert_eq!(runner.until_ended(), []);
    marker.until_none_is_alive();
}

#[test]
fn what_ignores_ctrl_c_behind_a_shell_ends_with_the_shell() {
    let marker = Marker::new("behind-a-shell");
    let mut runner = Runner::start(marker.on(script("sleep 1000 & echo ready; wait")));
    runner.until_output("ready");
    runner.send(&Request::Stop { signal: Signal::Interrupt, grace_ms: u32::MAX });
    runner.until_ended();
    marker.until_none_is_alive();
}

#[test]
fn what_a_child_writes_soon_after_the_exit_is_kept() {
    let start = Start { drain_ms: u32::MAX, ..script("(sleep 0.05; echo late) & echo early") };
    let mut runner = Runner::start(start);
    runner.until_ended();
    assert_eq!(runner.text(), "early\nlate\n");
}

#[test]
fn what_a_child_writes_when_it_is_hung_up_is_kept() {
    let late =
        "(trap 'echo hung up; exit' HUP; echo ready; while :; do sleep 0.01; done) & read line < /dev/stdin";
    let mut runner = Runner::start(Start { input: true, drain_ms: 0, ..script(late) });
    runner.until_output("ready");
    runner.input("go\n");
    runner.until_ended();
    assert_eq!(runner.written_to(Stream::Stdout), b"ready\nhung up\n");
}

#[test]
fn a_process_that_ignores_hanging_up_is_left_and_reported() {
    let marker = Marker::new("nohup");
    let mut runner = Runner::start(
        marker.on(script(&format!("nohup sleep 1000 > /dev/null 2>&1 & {UNTIL_SLEEPING}; echo $!"))),
    );
    let left = runner.until_ended();
    assert!(runner.finish().success());
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].name, "sleep");
    assert_eq!(left[0].pid.to_string(), runner.text().trim_end());
    assert_eq!(marker.alive().len(), 1);
    kill_left(left[0].pid);
    marker.until_none_is_alive();
}

#[test]
fn a_process_with_a_session_of_its_own_is_left_and_reported() {
    let marker = Marker::new("setsid");
    let daemon = format!("setsid sleep 1000 & {UNTIL_SLEEPING}");
    let mut runner = Runner::start(marker.on(script(&daemon)));
    let left = runner.until_ended();
    assert!(runner.finish().success());
    assert_eq!(left.iter().map(|left| left.name.as_str()).collect::<Vec<_>>(), ["sleep"]);
    assert_eq!(marker.alive().len(), 1);
    kill_left(left[0].pid);
    marker.until_none_is_alive();
}

#[test]
fn a_run_on_a_terminal_ends_its_children() {
    let marker = Marker::new("terminal");
    let mut runner = Runner::start(marker.on(on_terminal("sleep 1000 & echo hi")));
    assert_eq!(runner.until_ended(), []);
    assert_eq!(runner.text(), "hi\r\n");
    marker.until_none_is_alive();
}

#[test]
fn a_polite_stop_lets_a_command_say_goodbye() {
    for (signal, name) in [(Signal::Interrupt, "INT"), (Signal::Terminate, "TERM"), (Signal::Hangup, "HUP")] {
        let polite = format!("trap 'echo bye; exit 5' {name}; echo ready; while :; do sleep 0.01; done");
        let mut runner = Runner::start(script(&polite));
        runner.until_output("ready");
        runner.stop(signal, DEADLINE);
        runner.until_ended();
        assert_eq!(runner.written_to(Stream::Stdout), b"ready\nbye\n");
        assert_eq!(runner.until_exited(), Exit::Code(5));
    }
}

#[test]
fn a_command_that_ignores_the_signal_is_forced_after_the_grace() {
    let marker = Marker::new("ignores");
    let mut runner =
        Runner::start(marker.on(script("trap '' TERM; echo ready; while :; do sleep 0.01; done")));
    runner.until_output("ready");
    runner.stop(Signal::Terminate, Duration::from_millis(50));
    assert_eq!(runner.until_ended(), []);
    assert_eq!(runner.until_exited(), Exit::Signal(9));
    marker.until_none_is_alive();
}

#[test]
fn a_second_stop_brings_force_forward() {
    let mut runner = Runner::start(script("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
    runner.until_output("ready");
    runner.stop(Signal::Terminate, Duration::from_secs(4_000_000));
    runner.stop(Signal::Terminate, Duration::ZERO);
    runner.until_ended();
    assert_eq!(runner.until_exited(), Exit::Signal(9));
}

#[test]
fn a_second_stop_cannot_put_force_off() {
    let mut runner = Runner::start(script("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
    runner.until_output("ready");
    runner.stop(Signal::Terminate, Duration::from_millis(50));
    runner.stop(Signal::Terminate, Duration::from_secs(4_000_000));
    runner.until_ended();
    assert_eq!(runner.until_exited(), Exit::Signal(9));
}

#[test]
fn a_stopped_process_is_woken_to_end() {
    let mut runner =
        Runner::start(script("trap 'echo bye; exit 5' TERM; echo ready; kill -STOP $$; sleep 1000"));
    runner.until_output("ready");
    runner.stop(Signal::Terminate, DEADLINE);
    runner.until_ended();
    assert_eq!(runner.written_to(Stream::Stdout), b"ready\nbye\n");
}

#[test]
fn processes_that_escaped_end_with_a_stop() {
    let marker = Marker::new("escapes");
    let mut runner = Runner::start(marker.on(script(&format!("{ESCAPE}; {ESCAPE}; echo ready; sleep 1000"))));
    runner.until_output("ready");
    marker.until_alive(7);
    runner.stop(Signal::Terminate, Duration::from_millis(50));
    assert_eq!(runner.until_ended(), []);
    marker.until_none_is_alive();
}

#[test]
fn processes_that_escaped_end_with_a_stop_after_the_exit() {
    let marker = Marker::new("escapes-after-exit");
    let start = Start { drain_ms: u32::MAX, ..script(&format!("{ESCAPE}; echo ready")) };
    let mut runner = Runner::start(marker.on(start));
    runner.until_exited();
    marker.until_alive(3);
    runner.stop(Signal::Terminate, Duration::ZERO);
    assert_eq!(runner.until_ended(), []);
    marker.until_none_is_alive();
}

#[test]
fn a_tree_that_keeps_growing_can_be_stopped() {
    let marker = Marker::new("bomb");
    // Every process starts the next in a session of its own and ends; bounded, should the runner fail.
    let bomb = "grow() { trap '' TERM INT HUP; [ $1 -gt 0 ] || exit; setsid sh -c \"$BOMB; grow $(($1 - 1))\" & }; true";
    let mut start =
        script("eval \"$BOMB\"; for seed in 1 2 3 4 5 6; do grow 3000; done; echo ready; sleep 1000");
    start.env.push(harness::variable("BOMB", bomb));
    let mut runner = Runner::start(marker.on(start));
    runner.until_output("ready");
    let first = marker.alive();
    eventually("the tree grew", || marker.alive().iter().any(|pid| !first.contains(pid)).then_some(()));
    runner.stop(Signal::Terminate, Duration::from_millis(100));
    assert_eq!(runner.until_ended(), []);
    marker.until_none_is_alive();
}

#[test]
fn an_engine_that_is_gone_takes_the_tree_with_it() {
    let marker = Marker::new("gone");
    let mut runner = Runner::start(marker.on(script(&format!("{ESCAPE}; echo ready; sleep 1000"))));
    runner.until_output("ready");
    marker.until_alive(4);
    runner.close_requests();
    assert_eq!(runner.finish().code(), Some(1));
    marker.until_none_is_alive();
}

#[test]
fn an_engine_that_stops_listening_is_gone() {
    let marker = Marker::new("deaf");
    let mut runner = Runner::start(marker.on(script("echo ready; sleep 1000")));
    runner.until_output("ready");
    runner.close_replies();
    assert_eq!(runner.wait().code(), Some(1));
    marker.until_none_is_alive();
}

#[test]
fn an_engine_that_leaves_before_it_asked_for_anything_is_gone() {
    let mut runner = Runner::idle();
    runner.close_requests();
    assert_eq!(runner.finish().code(), Some(1));
}

#[test]
fn a_killed_runner_takes_the_command_with_it() {
    let marker = Marker::new("killed-runner");
    let mut runner = Runner::start(marker.on(script("trap '' HUP TERM; echo ready; exec sleep 1000")));
    runner.until_output("ready");
    runner.child().kill().unwrap();
    marker.until_none_is_alive();
}

#[test]
fn a_runner_that_is_asked_to_end_asks_the_tree() {
    for signal in [OsSignal::SIGTERM, OsSignal::SIGINT, OsSignal::SIGHUP] {
        let mut runner =
            Runner::start(script("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done"));
        runner.until_output("ready");
        kill(Pid::from_raw(i32::try_from(runner.child().id()).unwrap()), signal).unwrap();
        runner.until_ended();
        assert!(runner.finish().success());
        assert_eq!(runner.written_to(Stream::Stdout), b"ready\nbye\n");
    }
}

#[test]
fn a_stop_is_heard_while_nobody_reads() {
    let marker = Marker::new("blocked-stop");
    let mut runner = Runner::start(marker.on(program(["yes"])));
    let command = runner.until_started();
    until_blocked(command);
    runner.stop(Signal::Terminate, Duration::ZERO);
    marker.until_none_is_alive();
    runner.until_ended();
    assert_eq!(runner.until_exited(), Exit::Signal(9));
}

#[test]
fn an_engine_that_is_gone_is_noticed_while_nobody_reads() {
    let marker = Marker::new("blocked-gone");
    let mut runner = Runner::start(marker.on(program(["yes"])));
    let command = runner.until_started();
    until_blocked(command);
    runner.close_requests();
    assert_eq!(runner.wait().code(), Some(1));
    marker.until_none_is_alive();
}

/// Waits until a command that writes all the time stands still, because nobody takes its output.
fn until_blocked(command: u32) {
    let written = || {
        let stat = std::fs::read_to_string(format!("/proc/{command}/io")).unwrap();
        stat.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok()).unwrap()
    };
    let mut before = 0;
    let mut same = 0;
    eventually("the command is blocked", || {
        let now = written();
        same = if now == before && now > 1 << 19 { same + 1 } else { 0 };
        before = now;
        (same > 20).then_some(())
    });
}

#[test]
fn garbage_ends_the_tree_and_the_conversation() {
    let marker = Marker::new("garbage");
    let mut runner = Runner::start(marker.on(script("echo ready; sleep 1000")));
    runner.until_output("ready");
    runner.send_raw(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(runner.finish().code(), Some(2));
    marker.until_none_is_alive();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_garbage_makes_the_runner_panic(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut runner = Runner::idle();
        runner.send_raw_unheard(&garbage);
        runner.close_requests();
        let code = runner.finish().code();
        prop_assert!(matches!(code, Some(1 | 2)), "{code:?}");
    }
}

#[test]
fn a_request_before_the_start_is_no_conversation() {
    let mut runner = Runner::idle();
    runner.send(&Request::EndInput);
    assert_eq!(runner.finish().code(), Some(2));
}

#[test]
fn a_second_start_is_no_conversation() {
    let marker = Marker::new("second-start");
    let mut runner = Runner::start(marker.on(script("echo ready; sleep 1000")));
    runner.until_output("ready");
    runner.send(&Request::Start(script("echo again")));
    assert_eq!(runner.finish().code(), Some(2));
    assert!(!runner.replies.iter().any(|reply| matches!(reply, Reply::Ended { .. })));
    marker.until_none_is_alive();
}
