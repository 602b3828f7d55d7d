//! Runs that go on without their engine, and engines that come back.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

mod harness;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use harness::{Runner, eventually, script};
use stigmer_runner::{Exit, Keep, Reply, Request, Start};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("run")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A run that is kept for so many milliseconds, with a spool of `spool` bytes.
    fn start(&self, linger_ms: u32, spool: u32, text: &str) -> Runner {
        let socket = serde_bytes::ByteBuf::from(self.socket().as_os_str().as_bytes());
        let text = text.replace("$D", self.0.path().to_str().unwrap());
        let keep = Some(Keep { socket, linger_ms, silence_ms: 0 });
        Runner::start(Start { spool, keep, ..script(&text) })
    }

    fn comes_back(&self, offset: u64) -> Runner {
        let mut runner = Runner::at(&self.socket());
        runner.send(&Request::Resume { offset });
        runner
    }
}

/// What `seq` prints up to a number.
fn numbers(last: u32) -> String {
    (1..=last).fold(String::new(), |text, number| text + &number.to_string() + "\n")
}

/// The engine is gone, and the runner is not waited for.
fn leave(mut runner: Runner) {
    runner.leave();
}

#[test]
fn an_engine_that_comes_back_gets_every_byte_once_and_the_end() {
    let place = Place::new();
    let mut runner = place.start(
        60_000,
        1 << 20,
        "echo one; until [ -e $D/go ]; do sleep 0.01; done; seq 1 20000; exit 3",
    );
    runner.until_output("one\n");
    leave(runner);
    std::fs::write(place.file("go"), "").unwrap();
    let mut back = place.comes_back(4);
    back.until_ended();
    let expected = numbers(20_000);
    assert_eq!(back.text(), expected);
    assert_eq!((back.output[0].offset, back.until_exited()), (4, Exit::Code(3)));
    // It came back once more, before it said that it has it all.
    leave(back);
    let mut again = place.comes_back(expected.len() as u64);
    again.until_ended();
    assert_eq!(again.text(), expected[expected.len() - 4..]);
    again.send(&Request::Ack { offset: u64::MAX });
    eventually("it is gone", || (!place.socket().exists()).then_some(()));
}

#[test]
fn a_program_waits_when_the_spool_is_full_and_loses_nothing() {
    let place = Place::new();
    let mut runner = place.start(60_000, 100_000, "echo x; seq 1 200000; touch $D/done");
    runner.until_output("x\n");
    leave(runner);
    let mut back = place.comes_back(2);
    assert!(!place.file("done").exists());
    let mut acknowledged = 2;
    while !back.replies.iter().any(|reply| matches!(reply, Reply::Ended { .. })) {
        assert!(back.read_more());
        let end = back.output.last().map_or(2, |piece| piece.offset + piece.bytes.len() as u64);
        if end > acknowledged {
            acknowledged = end;
            back.send(&Request::Ack { offset: end });
        }
    }
    let expected = numbers(200_000);
    assert_eq!(back.text(), expected);
    back.send(&Request::Ack { offset: u64::MAX });
}

#[test]
fn an_engine_that_comes_back_is_told_what_of_its_input_arrived() {
    let place = Place::new();
    let mut start = script("echo ready; wc -c");
    start.input = true;
    start.spool = 1 << 20;
    let socket = serde_bytes::ByteBuf::from(place.socket().as_os_str().as_bytes());
    start.keep = Some(Keep { socket, linger_ms: 60_000, silence_ms: 0 });
    let mut runner = Runner::start(start);
    runner.until_output("ready\n");
    runner.input(vec![b'a'; 1000]);
    leave(runner);
    let mut back = place.comes_back(6);
    let heard = back.until_resumed();
    assert_eq!((heard.input, heard.end_of_input, heard.stops), (1000, false, 0));
    assert!(heard.taken <= 1000);
    back.input(vec![b'b'; 1000]);
    back.send(&Request::EndInput);
    back.until_ended();
    assert_eq!(back.text().trim(), "2000");
    leave(back);
    let mut again = place.comes_back(0);
    let heard = again.until_resumed();
    assert_eq!((heard.input, heard.taken, heard.end_of_input), (2000, 2000, true));
    again.until_ended();
    again.send(&Request::Ack { offset: u64::MAX });
}

#[test]
fn of_two_that_come_back_the_later_has_the_run_and_a_stop_still_ends_it() {
    let place = Place::new();
    let mut runner = place.start(
        60_000,
        1 << 20,
        "echo one; trap 'echo asked; exit 9' TERM; while :; do sleep 0.01; done",
    );
    runner.until_output("one\n");
    // It does not even know that the first one is gone.
    let mut second = place.comes_back(4);
    second.until_started();
    let mut third = place.comes_back(4);
    third.until_started();
    eventually("the second one is told", || (!second.read_more()).then_some(()));
    third.stop(stigmer_runner::Signal::Terminate, harness::DEADLINE);
    third.until_ended();
    assert!(third.text().contains("asked\n"), "{}", third.text());
    assert_eq!(third.until_exited(), Exit::Code(9));
    third.send(&Request::Ack { offset: u64::MAX });
}

#[test]
fn one_to_which_nobody_comes_back_ends_with_all_that_it_started() {
    let place = Place::new();
    let mut runner = place.start(300, 1 << 20, "echo $$; setsid sleep 1000 & wait");
    runner.until("its number", |runner| runner.text().ends_with('\n').then_some(()));
    let pid: i32 = runner.text().trim().parse().unwrap();
    leave(runner);
    eventually("it is ended", || (!Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
    eventually("its door is gone", || (!place.socket().exists()).then_some(()));
}

#[test]
fn a_run_that_cannot_be_kept_is_not_started() {
    let mut start = script("touch /tmp/never-made");
    let socket = serde_bytes::ByteBuf::from("/no/such/folder/run");
    start.keep = Some(Keep { socket, linger_ms: 1000, silence_ms: 0 });
    start.spool = 1 << 20;
    let mut runner = Runner::start(start);
    runner.until("it was refused", |runner| {
        matches!(runner.replies.last(), Some(Reply::NotStarted { .. })).then_some(())
    });
}

#[test]
fn nothing_is_skipped_for_an_engine_that_comes_back_while_more_is_printed() {
    let place = Place::new();
    let mut runner = place.start(60_000, 1 << 20, "n=0; while :; do n=$((n+1)); echo $n; done");
    runner.until_output("\n");
    leave(runner);
    let mut have = 0;
    for _ in 0..30 {
        let mut back = place.comes_back(have);
        let want = have + 50_000;
        let mut from = have;
        while have < want {
            assert!(back.read_more());
            for piece in back.output.drain(..) {
                assert_eq!(piece.offset, from, "nothing is skipped");
                from += piece.bytes.len() as u64;
            }
            have = from;
        }
        leave(back);
    }
    let mut last = place.comes_back(have);
    last.until_started();
    last.stop(stigmer_runner::Signal::Terminate, std::time::Duration::ZERO);
    last.until_ended();
    last.send(&Request::Ack { offset: u64::MAX });
}

#[test]
fn half_a_request_was_not_heard_and_a_stop_is_counted() {
    let place = Place::new();
    let mut start = script("trap 'echo asked' TERM; echo ready; while ! read line; do :; done; echo $line");
    start.input = true;
    start.spool = 1 << 20;
    let socket = serde_bytes::ByteBuf::from(place.socket().as_os_str().as_bytes());
    start.keep = Some(Keep { socket, linger_ms: 60_000, silence_ms: 0 });
    let mut runner = Runner::start(start);
    runner.until_output("ready\n");
    runner.stop(stigmer_runner::Signal::Terminate, harness::DEADLINE);
    runner.until_output("asked\n");
    let mut whole = Vec::new();
    stigmer_runner::protocol::encode(&Request::Input(b"a line\n".to_vec()), &mut whole);
    runner.send_raw(&whole[..whole.len() - 3]);
    leave(runner);
    let mut back = place.comes_back(0);
    let heard = back.until_resumed();
    assert_eq!((heard.input, heard.stops), (0, 1));
    back.input("a line\n");
    back.until_ended();
    assert!(back.text().ends_with("a line\n"), "{}", back.text());
    back.send(&Request::Ack { offset: u64::MAX });
}

#[test]
fn an_engine_that_says_nothing_counts_as_gone_where_silence_has_a_limit() {
    let place = Place::new();
    let socket = serde_bytes::ByteBuf::from(place.socket().as_os_str().as_bytes());
    let keep = Some(Keep { socket, linger_ms: 60_000, silence_ms: 3_000 });
    let text = "echo one; while :; do sleep 0.01; done";
    let mut runner = Runner::start(Start { spool: 1 << 20, keep, ..script(text) });
    runner.until_output("one\n");
    // Its stream stands, and yet it is told that nobody is there any more.
    eventually("its stream ends", || (!runner.read_more()).then_some(()));
    let mut back = place.comes_back(4);
    back.until_started();
    back.stop(stigmer_runner::Signal::Terminate, std::time::Duration::ZERO);
    back.until_ended();
    back.send(&Request::Ack { offset: u64::MAX });
}

#[test]
fn an_exit_that_nobody_was_there_to_hear_is_told_to_the_next_engine() {
    let place = Place::new();
    let mut runner = place.start(60_000, 1 << 20, "echo $$; until [ -e $D/go ]; do sleep 0.01; done; exit 3");
    runner.until("its number", |runner| runner.text().ends_with('\n').then_some(()));
    let stat = format!("/proc/{}/stat", runner.text().trim());
    let pid = nix::unistd::Pid::from_raw(i32::try_from(runner.child().id()).unwrap());
    let printed = runner.all().len() as u64;
    // It finds both at once: that the command exited, and that its engine is gone.
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    std::fs::write(place.file("go"), "").unwrap();
    let has_exited = || std::fs::read_to_string(&stat).unwrap_or_default().contains(") Z ");
    eventually("the command exits", || has_exited().then_some(()));
    leave(runner);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    let mut back = place.comes_back(printed);
    back.until_ended();
    assert_eq!(back.until_exited(), Exit::Code(3));
    back.send(&Request::Ack { offset: u64::MAX });
}
