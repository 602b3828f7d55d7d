//! What a command is started with, and what is said when it cannot be.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

mod harness;

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use harness::{Runner, executable, program, run, script, variable};
use proptest::prelude::*;
use stigmer_runner::{Exit, Refusal, Reply, Request, Script, Start, Stream};

fn refusal(start: Start) -> (Refusal, String) {
    let mut runner = Runner::start(start);
    assert!(runner.finish().success());
    match &runner.replies[..] {
        [Reply::Hello { .. }, Reply::NotStarted { refusal, message }] => (*refusal, message.clone()),
        other => panic!("expected a refusal: {other:?}"),
    }
}

fn in_folder(folder: &tempfile::TempDir, start: Start) -> Start {
    Start { dir: folder.path().as_os_str().as_bytes().to_vec().into(), ..start }
}

fn exit_of(start: Start) -> Exit {
    run(start).until_exited()
}

#[test]
fn every_byte_arrives_on_both_streams() {
    let all: Vec<u8> = (0..=255).collect();
    let octal = all.iter().map(|byte| format!("\\{byte:03o}")).collect::<Vec<_>>().concat();
    let runner = run(script(&format!("printf '{octal}'; printf '{octal}' >&2")));
    assert_eq!(runner.written_to(Stream::Stdout), all);
    assert_eq!(runner.written_to(Stream::Stderr), all);
}

#[test]
fn offsets_count_both_streams_together() {
    let runner = run(script("echo one; echo two >&2; echo three"));
    let mut expected = 0;
    for piece in &runner.output {
        assert_eq!(piece.offset, expected);
        expected += piece.bytes.len() as u64;
    }
    assert_eq!(expected, 14);
}

#[test]
fn a_run_is_told_in_order() {
    let runner = run(script("echo hi"));
    let kinds: Vec<&str> = runner
        .replies
        .iter()
        .map(|reply| match reply {
            Reply::Hello { .. } => "hello",
            Reply::Started { .. } => "started",
            Reply::Exited { .. } => "exited",
            Reply::Ended { .. } => "ended",
            other => panic!("unexpected {other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["hello", "started", "exited", "ended"]);
    assert_eq!(runner.all(), b"hi\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arguments_arrive_as_they_are(arguments in proptest::collection::vec(hostile(), 1..8)) {
        let mut argv = vec![b"printf".to_vec(), b"%s\\0".to_vec()];
        argv.extend(arguments.iter().cloned());
        let expected: Vec<u8> = arguments.iter().flat_map(|argument| [argument.as_slice(), b"\0"].concat()).collect();
        prop_assert_eq!(run(program(argv)).written_to(Stream::Stdout), expected);
    }

    #[test]
    fn the_environment_arrives_as_it_is(values in proptest::collection::vec(hostile(), 0..8)) {
        let env = values.iter().enumerate().map(|(at, value)| variable(format!("NAME{at}"), value));
        let env: Vec<_> = env.collect();
        let expected: Vec<u8> = env.iter().flat_map(|(name, value)| [name.as_slice(), b"=", value, b"\0"].concat()).collect();
        let start = Start { env, ..program(["/usr/bin/env", "-0"]) };
        prop_assert_eq!(run(start).written_to(Stream::Stdout), expected);
    }
}

/// An argument that has broken something before: any bytes but NUL, and the favourites of shells.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let favourites =
        ["", " ", "\n", "'", "\"", "\\", "$HOME", "$(id)", "`id`", "*", "~", ";", "-n", "--", "a b", "ü"];
    prop_oneof![
        proptest::sample::select(favourites.map(|text| text.as_bytes().to_vec()).to_vec()),
        proptest::collection::vec(1_u8..=255, 0..200),
    ]
}

#[test]
fn exit_codes_are_kept() {
    assert_eq!(exit_of(script("exit 0")), Exit::Code(0));
    assert_eq!(exit_of(script("exit 255")), Exit::Code(255));
}

#[test]
fn the_signal_that_ended_a_command_is_named() {
    assert_eq!(exit_of(script("kill -TERM $$")), Exit::Signal(15));
    assert_eq!(exit_of(script("kill -SEGV $$")), Exit::Signal(11));
    assert_eq!(exit_of(script("kill -40 $$")), Exit::Signal(40));
}

#[test]
fn a_program_is_looked_up_in_the_path_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    executable(&folder.path().join("only-here"), b"#!/bin/sh\necho found\n");
    let path = [b"/nonexistent:", folder.path().as_os_str().as_bytes()].concat();
    let start = Start { env: vec![variable("PATH", path)], ..program(["only-here"]) };
    assert_eq!(run(start).text(), "found\n");
    assert_eq!(refusal(program(["only-here"])).0, Refusal::NotFound);
}

#[test]
fn what_the_place_has_is_below_what_the_command_is_given() {
    let mut runner = Runner::in_place(&[("PATH", "/usr/bin:/bin"), ("PLACE", "place"), ("BOTH", "place")]);
    let env = vec![variable("BOTH", "command"), variable("COMMAND", "command")];
    runner.send(&Request::Start(Start { env, ..program(["env"]) }));
    runner.finish();
    let mut lines: Vec<_> = runner.text().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["BOTH=command", "COMMAND=command", "PATH=/usr/bin:/bin", "PLACE=place"]);
}

#[test]
fn a_script_is_there_while_its_command_runs_and_for_nobody_else() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("script");
    let path = folder.join("code.sh");
    let code = b"ls -ld \"${0%/*}\" \"$0\" | cut -c1-10; exit 3".to_vec();
    let script = Script { path: path.as_os_str().as_bytes().to_vec().into(), code: code.into() };
    let mut started = program([b"sh", path.as_os_str().as_bytes()]);
    started.script = Some(script);
    let runner = run(started.clone());
    assert_eq!((runner.text().as_str(), folder.exists()), ("drwx------\n-rw-------\n", false));
    // Whoever prepared the folder may read what is written there.
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(refusal(started).0, Refusal::Other);
    assert!(!path.exists());
}

#[test]
fn a_program_is_found_without_a_path() {
    assert_eq!(run(Start { env: Vec::new(), ..program(["echo", "found"]) }).text(), "found\n");
}

#[test]
fn a_program_that_is_not_there_is_not_found() {
    assert_eq!(refusal(program(["/nonexistent/program"])).0, Refusal::NotFound);
    assert_eq!(refusal(program([""])).0, Refusal::NotFound);
}

#[test]
fn a_file_that_may_not_be_executed_is_not_executable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(refusal(in_folder(&folder, program(["./plain"]))).0, Refusal::NotExecutable);
    assert_eq!(refusal(program(["/usr"])).0, Refusal::NotExecutable);
}

#[test]
fn a_script_without_a_first_line_that_names_its_interpreter_is_not_executable() {
    let folder = tempfile::tempdir().unwrap();
    executable(&folder.path().join("bare"), b"echo hi\n");
    assert_eq!(refusal(in_folder(&folder, program(["./bare"]))).0, Refusal::NotExecutable);
}

#[test]
fn a_script_whose_interpreter_is_missing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    executable(&folder.path().join("lost"), b"#!/nonexistent/interpreter\n");
    let (refusal, message) = refusal(in_folder(&folder, program(["./lost"])));
    assert_eq!(refusal, Refusal::NotExecutable);
    assert!(message.contains("interpreter"), "{message}");
}

#[test]
fn a_command_runs_in_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let expected = folder.path().canonicalize().unwrap();
    assert_eq!(run(in_folder(&folder, script("pwd -P"))).text().trim_end(), expected.to_str().unwrap());
}

#[test]
fn a_directory_that_cannot_be_entered_is_told_from_a_missing_program() {
    let start = Start { dir: b"/nonexistent".to_vec().into(), ..program(["/nonexistent/program"]) };
    assert_eq!(refusal(start).0, Refusal::Directory);
}

#[test]
fn what_cannot_be_passed_to_a_program_is_refused_with_a_reason() {
    let zero = |start| assert!(refusal(start).1.contains("zero byte"));
    zero(program(["echo", "a\0b"]));
    zero(program(["ec\0ho"]));
    zero(Start { env: vec![variable("A\0", "b")], ..program(["true"]) });
    zero(Start { env: vec![variable("A", "\0b")], ..program(["true"]) });
    let named = Start { env: vec![variable("A=B", "c")], ..program(["true"]) };
    assert_eq!(refusal(named).0, Refusal::Other);
    assert_eq!(refusal(program::<&str>([])).0, Refusal::Other);
}

#[test]
fn arguments_that_are_too_long_are_not_the_fault_of_the_program() {
    assert_eq!(refusal(program(["true".to_owned(), "x".repeat(1 << 20)])).0, Refusal::Other);
}

#[test]
fn a_command_gets_no_file_of_the_runner() {
    let runner = run(program(["sh", "-c", "exec ls /proc/self/fd"]));
    // The fourth is the folder that `ls` lists.
    assert_eq!(runner.text(), "0\n1\n2\n3\n");
}

#[test]
fn a_command_gets_no_blocked_or_ignored_signal() {
    // Signals 32 and 33 belong to the C library, which lets nobody change them.
    const OF_THE_LIBRARY: u64 = 0b11 << 31;
    let runner = run(program(["sed", "-nE", "s/^Sig(Blk|Ign):\t//p", "/proc/self/status"]));
    let masks = runner.text();
    let masks: Vec<u64> = masks.lines().map(|mask| u64::from_str_radix(mask, 16).unwrap()).collect();
    assert_eq!(masks.len(), 2);
    assert!(masks.iter().all(|mask| mask & !OF_THE_LIBRARY == 0), "{masks:x?}");
}

#[test]
fn a_command_leads_a_session_of_its_own() {
    let mut runner = run(script("cut -d' ' -f6 /proc/$$/stat"));
    assert_eq!(runner.text().trim_end(), runner.until_started().to_string());
}

#[test]
fn what_a_command_used_is_counted() {
    let runner = run(script("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"));
    let Some(Reply::Ended { usage, .. }) = runner.replies.last() else { panic!("ended") };
    assert!(usage.user_us > 0 && usage.max_rss_kib > 0, "{usage:?}");
}
