//! The standard streams of `stigmer run`: every byte through, in both directions, and ends that are seen.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs::File;
use std::path::Path;

use harness::{Call, Home};
use nix::sys::signal::Signal;

/// Bytes that repeat late and contain every value.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

#[test]
fn without_input_a_program_finds_the_end_at_once() {
    let home = Home::new();
    assert_eq!(home.run("wc -c").ended().expect(0).out().trim(), "0");
    assert_eq!(home.run("wc -c").stdin("").ended().expect(0).out().trim(), "0");
}

#[test]
fn a_parent_that_closed_our_input_is_no_trouble() {
    let home = Home::new();
    let stigmer = [env!("CARGO_BIN_EXE_stigmer"), "run", "wc -c"];
    let call = Call::of(&home, "sh").args(["-c", "exec \"$@\" <&-", "sh"]).args(stigmer);
    assert_eq!(call.ended().expect(0).out().trim(), "0");
}

#[test]
fn megabytes_of_input_arrive_byte_for_byte() {
    let input = noise(5 << 20);
    let ended = Home::new().run("cat").stdin(input.clone()).ended().expect(0);
    assert!(ended.stdout == input);
}

#[test]
fn a_program_that_reads_nothing_of_its_input_ends_the_run_all_the_same() {
    let home = Home::new();
    home.run("exit 4").stdin(noise(5 << 20)).ended().expect(4);
    assert_eq!(home.run("head -c 3").stdin(noise(5 << 20)).ended().expect(0).stdout, noise(3));
}

#[test]
fn an_input_that_nobody_closes_does_not_keep_the_run_alive() {
    let home = Home::new();
    let ended = home.run("echo done").open_stdin().ended().expect(0);
    assert_eq!(ended.out(), "done\n");
    home.until_nothing_runs();
}

#[test]
fn input_arrives_as_it_is_written_not_when_it_ends() {
    let home = Home::new();
    let mut running = home.run("while read line; do echo got $line; done").open_stdin().started();
    for word in ["one", "two"] {
        running.write(format!("{word}\n").as_bytes());
        running.until_stdout(&format!("got {word}\n"));
    }
}

#[test]
fn output_of_any_bytes_comes_out_and_is_kept() {
    let home = Home::new();
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.extend(noise(300_000));
    bytes.extend(b"no end of line");
    home.write("bytes", &bytes);
    let ended = home.run("cat bytes; cat bytes >&2").ended().expect(0);
    assert!(ended.stdout == bytes && ended.stderr == bytes);
    assert!(home.stigmer(["runs", "logs", "--stream", "stdout"]).ended().expect(0).stdout == bytes);
    assert!(home.stigmer(["runs", "logs", "--stream", "stderr"]).ended().expect(0).stdout == bytes);
}

#[test]
fn a_quarter_of_a_gigabyte_is_the_same_on_stdout_in_the_log_and_on_disk() {
    let home = Home::new();
    let file = |name: &str| File::create(home.work().join(name)).unwrap();
    let make = home.run("head -c 268435456 /dev/urandom | tee original");
    assert_eq!(make.stdout(file("stdout")).ended().expect(0).err(), "");
    home.stigmer(["runs", "logs"]).stdout(file("logs")).ended().expect(0);
    let on_disk = Call::of(&home, "sh").args(["-c", "cat \"$1\"/*.log", "sh"]).arg(home.last_folder());
    on_disk.stdout(file("disk")).ended().expect(0);
    let sums =
        Call::of(&home, "sha256sum").args(["original", "stdout", "logs", "disk"]).ended().expect(0).out();
    let sums: Vec<_> = sums.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(sums, [sums[0]; 4]);
    assert_eq!(home.last()["bytes"], 268_435_456);
}

#[test]
fn a_reader_that_has_enough_ends_the_run_quietly() {
    let home = Home::new();
    let script = "\"$@\" | head -n 1";
    let stigmer = [env!("CARGO_BIN_EXE_stigmer"), "run", "yes"];
    let ended = Call::of(&home, "sh").args(["-c", script, "sh"]).args(stigmer).ended().expect(0);
    assert_eq!((ended.out(), ended.err()), ("y\n".to_owned(), String::new()));
    home.until_nothing_runs();
    assert_eq!(home.last()["state"], "cancelled");
}

#[test]
fn a_closed_stdout_counts_as_the_signal_that_a_pipe_sends() {
    let home = Home::new();
    for command in
        [["run", "yes"].as_slice(), &["run", "--json", "yes"], &["runs", "list"], &["config", "list"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = home.stigmer(command.iter().copied()).stdout(writer).ended().expect(141);
        assert_eq!(ended.err(), "", "{command:?}");
    }
    home.until_nothing_runs();
}

#[test]
fn a_reader_that_has_enough_does_not_make_ctrl_c_deaf() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    let line = "trap '' TERM INT; echo out; while :; do sleep 1000; done";
    let call = home.stigmer(["run", "--grace", "10m", line]).stdout(writer).started();
    drop(reader);
    home.until_runs("sleep 1000");
    call.signal(Signal::SIGINT);
    call.signal(Signal::SIGINT);
    call.ended();
    home.until_nothing_runs();
}

#[test]
fn a_reader_that_reads_nothing_does_not_make_ctrl_c_deaf() {
    let home = Home::new();
    let (_reader, writer) = std::io::pipe().unwrap();
    let call = home.run("yes").stdout(writer).started();
    let yes = home.until_runs("yes");
    let log = home.last_folder();
    harness::until(
        "more is written than a pipe holds",
        || harness::log_of(&log).len() > 1 << 20,
        String::new,
    );
    call.signal(Signal::SIGINT);
    assert_eq!(call.ended().code(), 130);
    home.until_nothing_runs();
    assert!(!Path::new("/proc").join(yes.to_string()).join("environ").exists());
}

#[test]
fn output_that_cannot_be_written_says_so_and_ends_the_run() {
    let home = Home::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = home.run("yes").stdout(full).ended().expect(125);
    assert!(ended.err().contains("No space left on device"), "{}", ended.err());
    home.until_nothing_runs();
}

#[test]
fn output_comes_as_it_is_written_not_when_the_program_ends() {
    let home = Home::new();
    let mut running = home.run("printf 'no line end'; read line; echo $line").open_stdin().started();
    running.until_stdout("no line end");
    running.write(b"typed\n");
    running.until_stdout("typed\n");
    running.ended().expect(0);
}

#[test]
fn a_grandchild_that_keeps_the_output_open_does_not_keep_the_run() {
    let home = Home::new();
    let ended = home.run("echo done; setsid sleep 1000 & exit 0").ended();
    assert_eq!((ended.code(), ended.out().as_str()), (0, "done\n"));
}

#[test]
fn the_streams_of_a_run_are_not_those_of_the_caller() {
    let home = Home::new();
    let seen = home.run("for fd in 0 1 2; do readlink /proc/self/fd/$fd; done; ls /proc/self/fd | wc -l");
    let out = seen.ended().expect(0).out();
    // Three streams, and the folder that `ls` itself opened.
    assert_eq!(out.lines().nth(3).map(str::trim), Some("4"), "{out}");
}
