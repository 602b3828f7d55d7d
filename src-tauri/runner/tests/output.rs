//! Large output, and output that is kept until it is acknowledged.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

mod harness;

use std::process::{Command, Stdio};

use harness::{Runner, numbers, program, run, script};
use stigmer_runner::{Exit, Reply, Request, Start, Stream};

fn spooled(spool: u32, text: &str) -> Start {
    Start { spool, ..script(text) }
}

#[test]
fn huge_output_arrives_whole() {
    const LENGTH: usize = 64 << 20;
    // Writes that fill the pipe are passed on by reference; what is left of the last ones is copied.
    let count = LENGTH >> 20;
    let fill = format!("yes 0123456789abcde | dd bs=1M count={count} iflag=fullblock status=none");
    let mut runner = Runner::start(script(&fill));
    let (mut length, mut done) = (0, false);
    while !done {
        done = runner.replies.iter().any(|reply| matches!(reply, Reply::Ended { .. }));
        for piece in runner.output.drain(..) {
            assert_eq!(piece.offset, length);
            for byte in piece.bytes {
                let expected = b"0123456789abcde\n"[usize::try_from(length % 16).unwrap()];
                assert_eq!(byte, expected, "at {length}");
                length += 1;
            }
        }
        if !done {
            assert!(runner.read_more());
        }
    }
    assert_eq!(length, LENGTH as u64);
}

#[test]
fn both_streams_arrive_whole_when_both_are_busy() {
    let runner = run(script("seq 200000 & seq 200000 >&2 & wait"));
    let expected = numbers(200_000);
    assert!(runner.written_to(Stream::Stdout) == expected.as_bytes());
    assert!(runner.written_to(Stream::Stderr) == expected.as_bytes());
}

#[test]
fn times_never_go_back_much() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let text = format!("echo a; until [ -e {} ]; do sleep 0.01; done; echo b", go.display());
    let mut runner = Runner::start(script(&text));
    // What comes while nobody takes it would be one piece.
    runner.until_output("a\n");
    std::fs::write(&go, "").unwrap();
    runner.until_ended();
    let times: Vec<u64> = runner.output.iter().map(|piece| piece.at).collect();
    assert_eq!(times.len(), 2);
    assert!(times[0] > 1_700_000_000_000_000, "microseconds since 1970: {times:?}");
}

#[test]
fn no_more_than_the_spool_is_under_way() {
    let mut runner = Runner::start(spooled(1000, "seq 1000; echo done >&2"));
    let mut acknowledged = 0;
    let end = (1..=1000).map(|number| format!("{number}\n").len() as u64).sum::<u64>() + 5;
    while acknowledged < end {
        let sent = runner.until("there is more", |runner| {
            let last = runner.output.last()?;
            let sent = last.offset + last.bytes.len() as u64;
            (sent > acknowledged).then_some(sent)
        });
        assert!(sent - acknowledged <= 1000, "{sent} was sent, {acknowledged} acknowledged");
        acknowledged = sent;
        runner.send(&Request::Ack { offset: acknowledged });
    }
    runner.until_ended();
    assert_eq!(runner.written_to(Stream::Stdout).len() as u64 + 5, end);
}

#[test]
fn an_engine_that_comes_back_gets_the_same_pieces_again() {
    let mut runner =
        Runner::start(spooled(1 << 20, "echo one; sleep 0.02; echo two >&2; sleep 0.02; echo three; exit 3"));
    runner.until_ended();
    let first = std::mem::take(&mut runner.output);
    runner.replies.clear();
    runner.send(&Request::Resume { offset: 0 });
    assert_eq!(runner.until_ended(), []);
    assert_eq!(runner.output, first);
    assert_eq!(runner.until_exited(), Exit::Code(3));
    let [Reply::Started { .. }, Reply::Exited { .. }, Reply::Resumed(_), Reply::Ended { .. }] =
        runner.replies[..]
    else {
        panic!("{:?}", runner.replies)
    };
}

#[test]
fn an_engine_that_comes_back_goes_on_in_the_middle_of_a_piece() {
    let mut runner = Runner::start(spooled(1 << 20, "echo 0123456789"));
    runner.until_ended();
    runner.output.clear();
    runner.replies.clear();
    runner.send(&Request::Ack { offset: 2 });
    runner.send(&Request::Resume { offset: 4 });
    runner.until_ended();
    assert_eq!((runner.output[0].offset, runner.text().as_str()), (4, "456789\n"));
}

#[test]
fn a_runner_with_a_spool_stays_until_its_end_is_acknowledged() {
    let mut runner = Runner::start(spooled(1 << 20, "echo hi"));
    runner.until_ended();
    runner.send(&Request::Ack { offset: 3 });
    runner.replies.clear();
    runner.send(&Request::Resume { offset: 3 });
    runner.until_ended();
    runner.send(&Request::Ack { offset: u64::MAX });
    assert!(runner.finish().success());
    assert_eq!(runner.text(), "hi\n");
}

#[test]
fn a_runner_with_a_spool_ends_when_its_engine_leaves_after_the_end() {
    let mut runner = Runner::start(spooled(1 << 20, "echo hi"));
    runner.until_ended();
    runner.close_requests();
    assert!(runner.finish().success());
}

#[test]
fn output_can_go_to_a_file() {
    let mut request = Vec::new();
    stigmer_runner::protocol::encode(&Request::Start(program(["echo", "hi"])), &mut request);
    let replies = tempfile::NamedTempFile::new().unwrap();
    let mut runner = Command::new(env!("CARGO_BIN_EXE_stigmer-runner"))
        .stdin(Stdio::piped())
        .stdout(replies.reopen().unwrap())
        .spawn()
        .unwrap();
    let mut stdin = runner.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, &request).unwrap();
    assert!(runner.wait().unwrap().success());
    let replies = std::fs::read(replies.path()).unwrap();
    assert!(replies.windows(3).any(|window| window == b"hi\n"));
}

#[test]
fn called_by_hand_it_says_what_it_is() {
    for argument in ["--help", "--version"] {
        let said = Command::new(env!("CARGO_BIN_EXE_stigmer-runner")).arg(argument).output().unwrap();
        assert!(said.status.success());
        assert_eq!(String::from_utf8(said.stdout).unwrap().lines().count(), 2);
    }
    let said = Command::new(env!("CARGO_BIN_EXE_stigmer-runner")).arg("--fast").output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(said.stdout.is_empty());
}

#[test]
fn with_a_terminal_it_says_what_it_is() {
    let itself = Start { input: true, ..harness::on_terminal(env!("CARGO_BIN_EXE_stigmer-runner")) };
    let mut runner = run(itself);
    assert_eq!(runner.until_exited(), Exit::Code(2));
    assert_eq!(runner.text().lines().count(), 2);
}
