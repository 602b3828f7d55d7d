//! What a command reads, from a pipe and from a terminal.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

mod harness;

use std::time::Duration;

use harness::{Runner, numbers, on_terminal, program, run, script};
use stigmer_runner::protocol::{INPUT_CREDIT, MAX_INPUT};
use stigmer_runner::{Exit, Reply, Request, Signal, Size, Start};

fn reading(start: Start) -> Start {
    Start { input: true, ..start }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[test]
fn without_input_a_command_reads_the_end_at_once() {
    assert_eq!(run(program(["cat"])).text(), "");
}

#[test]
fn input_arrives_and_ends() {
    let mut runner = Runner::start(reading(program(["cat"])));
    runner.input("hello");
    runner.send(&Request::EndInput);
    runner.until_ended();
    assert_eq!(runner.text(), "hello");
    assert_eq!(runner.taken(), 5);
}

#[test]
fn a_command_reads_input_before_its_end_is_known() {
    let mut runner = Runner::start(reading(script("read line; echo got $line")));
    runner.input("one\n");
    runner.until_output("got one");
}

#[test]
fn input_beyond_the_credit_flows_as_it_is_taken() {
    let all = pattern(3 << 20);
    let mut runner = Runner::start(reading(program(["cat"])));
    let mut sent = 0;
    while sent < all.len() {
        let free = runner.until("input was taken", |runner| {
            let free = INPUT_CREDIT - (sent - runner.taken());
            (free > 0).then_some(free)
        });
        let next = (sent + free).min(all.len());
        runner.input(&all[sent..next]);
        sent = next;
    }
    runner.send(&Request::EndInput);
    runner.until_ended();
    assert_eq!(runner.taken(), all.len());
    assert!(runner.all() == all, "the bytes differ");
}

#[test]
fn more_input_than_the_credit_is_no_conversation() {
    let mut runner = Runner::start(reading(program(["sleep", "1000"])));
    // What the pipe holds is taken at once and gives credit back, so twice the credit is too much.
    for piece in pattern(2 * INPUT_CREDIT).chunks(MAX_INPUT) {
        runner.send_unheard(&Request::Input(piece.to_vec()));
    }
    assert_eq!(runner.finish().code(), Some(2));
}

#[test]
fn input_that_a_command_will_not_read_is_taken_all_the_same() {
    let mut runner =
        Runner::start(reading(script("exec <&-; echo closed; read line < /dev/tty; sleep 1000")));
    runner.until_output("closed");
    for round in 1..=4 {
        runner.input(pattern(INPUT_CREDIT));
        runner.until("input was discarded", |runner| (runner.taken() == round * INPUT_CREDIT).then_some(()));
    }
    runner.stop(Signal::Terminate, Duration::ZERO);
    runner.until_ended();
}

#[test]
fn input_after_its_end_is_discarded() {
    let mut runner = Runner::start(reading(script("cat; sleep 1000")));
    runner.input("one");
    runner.send(&Request::EndInput);
    runner.input("two");
    runner.until("all input was taken", |runner| (runner.taken() == 6).then_some(()));
    runner.until_output("one");
    runner.stop(Signal::Terminate, Duration::ZERO);
    runner.until_ended();
    assert_eq!(runner.text(), "one");
}

#[test]
fn a_command_on_a_terminal_sees_one_on_all_three_streams() {
    let runner = run(on_terminal("test -t 0 && test -t 1 && test -t 2 && test -e /dev/tty && stty size"));
    assert_eq!(runner.text(), "24 80\r\n");
}

#[test]
fn a_terminal_is_the_controlling_one() {
    assert_eq!(run(on_terminal("echo hi > /dev/tty")).text(), "hi\r\n");
}

#[test]
fn a_terminal_without_input_reads_the_end_at_once() {
    let runner = run(Start { input: false, ..on_terminal("cat; test -t 1 && echo done") });
    assert_eq!(runner.text(), "done\r\n");
}

#[test]
fn a_command_is_told_that_its_terminal_was_resized() {
    let resized = "trap 'stty size; exit 7' WINCH; echo ready; while :; do sleep 0.01; done";
    let mut runner = Runner::start(on_terminal(resized));
    runner.until_output("ready");
    runner.send(&Request::Resize(Size { cols: 132, rows: 50 }));
    runner.until_output("50 132");
    assert_eq!(runner.until_exited(), Exit::Code(7));
}

#[test]
fn typing_control_c_interrupts() {
    let mut runner = Runner::start(on_terminal(
        "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.01; done",
    ));
    runner.until_output("ready");
    runner.input([3]);
    assert_eq!(runner.until_exited(), Exit::Code(3));
}

#[test]
fn a_terminal_ends_after_a_whole_line() {
    let mut runner = Runner::start(on_terminal("stty -echo; echo ready; cat; echo over"));
    runner.until_output("ready");
    runner.input("line\n");
    runner.send(&Request::EndInput);
    runner.until_ended();
    assert_eq!(runner.text(), "ready\r\nline\r\nover\r\n");
    assert_eq!(runner.taken(), 5);
}

#[test]
fn a_terminal_ends_in_the_middle_of_a_line() {
    let mut runner = Runner::start(on_terminal("stty -echo; echo ready; cat; echo over"));
    runner.until_output("ready");
    runner.input("half");
    runner.send(&Request::EndInput);
    runner.until_ended();
    assert_eq!(runner.text(), "ready\r\nhalfover\r\n");
}

#[test]
fn a_terminal_ends_without_input() {
    let mut runner = Runner::start(on_terminal("cat; echo over"));
    runner.send(&Request::EndInput);
    runner.until_output("over");
    assert!(runner.replies.iter().all(|reply| !matches!(reply, Reply::InputTaken { .. })));
}

#[test]
fn everything_that_was_written_to_a_terminal_arrives() {
    let runner = run(on_terminal("stty -onlcr; seq 100000"));
    let expected = numbers(100_000);
    assert!(runner.text() == expected, "the text differs");
}
