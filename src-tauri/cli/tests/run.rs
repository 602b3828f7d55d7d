//! `stigmer run`: what is run, with which arguments, in which environment and folder.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

pub(crate) mod harness;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use harness::Home;
use harness::call::Ended;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// A program that prints its arguments, each with a NUL behind it.
const PRINT: [&str; 5] = ["run", "--", "sh", "-c", r#"printf '%s\0' "$0" "$@""#];

#[test]
fn the_streams_stay_apart_and_the_exit_code_is_the_programs() {
    let ended = Home::new().run("echo out; echo err >&2; exit 3").ended().expect(3);
    assert_eq!((ended.out().as_str(), ended.err().as_str()), ("out\n", "err\n"));
}

#[test]
fn several_arguments_reach_the_program_as_they_are() {
    let home = Home::new();
    let hard = ["a b", "", "'\"`$HOME\\", "line\nend\n", "*", "--json", "-e", "--", "ß🦀"];
    let ended = home.stigmer(PRINT).args(hard).ended().expect(0);
    let expected = hard.map(|arg| [arg, "\0"].concat()).concat();
    assert_eq!(ended.out(), expected);
}

#[test]
fn arguments_of_any_bytes_reach_the_program() {
    let home = Home::new();
    let arg = prop::collection::vec(1_u8.., 0..40).prop_map(OsString::from_vec);
    let args = prop::collection::vec(arg, 1..6);
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    let same = |args: Vec<OsString>| {
        let expected: Vec<u8> =
            args.iter().cloned().flat_map(|arg| [arg.into_vec(), vec![0]].concat()).collect();
        let ended = home.stigmer(PRINT).args(args).ended();
        prop_assert_eq!((ended.code(), ended.stdout), (0, expected));
        Ok(())
    };
    runner.run(&args, same).unwrap();
}

#[test]
fn one_argument_is_a_line_for_the_shell_and_keeps_its_bytes() {
    let home = Home::new();
    let line = OsString::from_vec(b"printf '%s|' one \"t w o\" $((1+2)) '\xff'".to_vec());
    let ended = home.stigmer(["run"]).arg(line).ended().expect(0);
    assert_eq!(ended.stdout, b"one|t w o|3|\xff|");
}

#[test]
fn the_shell_of_a_line_is_the_one_asked_for_else_that_of_the_settings() {
    let home = Home::new();
    let own = home.write("own", "#!/bin/sh\necho \"own $@\"\n");
    std::process::Command::new("chmod").arg("+x").arg(&own).status().unwrap();
    home.stigmer(["config", "set", "local.shell"]).arg(&own).ended().expect(0);
    assert_eq!(home.run("echo hello").ended().expect(0).out(), "own -c echo hello\n");
    assert_eq!(home.stigmer(["run", "--shell", "sh", "echo hello"]).ended().expect(0).out(), "hello\n");
    home.stigmer(["run", "--shell", "sh", "echo", "hello"]).ended().expect(125).expect_error("usage");
}

#[test]
fn what_follows_the_command_is_the_commands_also_where_it_looks_like_an_option_of_ours() {
    let home = Home::new();
    let ended = home.stigmer(["run", "echo", "--json", "-e", "A=B", "--timeout", "-q"]).ended().expect(0);
    assert_eq!(ended.out(), "--json -e A=B --timeout -q\n");
}

#[test]
fn an_unknown_option_before_the_command_is_a_mistake_in_the_call() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--jsn", "echo", "ran"]).ended().expect(125);
    assert!(ended.err().contains("--jsn") && ended.err().contains("--json"), "{}", ended.err());
    assert_eq!(ended.out(), "");
    assert!(home.is_untouched(), "a mistake in the call leaves nothing");
}

#[test]
fn nothing_to_run_is_refused_before_there_is_a_run() {
    let home = Home::new();
    home.stigmer(["run"]).ended().expect(125).expect_error("usage");
    home.stigmer(["run", "--"]).ended().expect(125).expect_error("usage");
    home.run(" \n").ended().expect(125).expect_error("invalid-spec");
    home.stigmer(["run", "--", "", "a"]).ended().expect(125).expect_error("invalid-spec");
    home.stigmer(["run", "--lang", "bash"]).ended().expect(125).expect_error("invalid-spec");
    home.stigmer(["run", "--timeout", "0", "true"]).ended().expect(125).expect_error("invalid-spec");
    assert!(home.history().is_empty());
}

#[test]
fn variables_are_set_taken_over_and_read_from_files_the_later_ones_winning() {
    let home = Home::new();
    let file = home.write("vars", "# comment\nFILE=from_file\nBOTH=file\nQUOTED=\"a b\"\n\n");
    let ended = home
        .stigmer(["run", "-e", "SET=a=b c", "-e", "TAKEN", "-e", "EMPTY=", "-e", "BOTH=option", "--env-file"])
        .arg(&file)
        .arg(r#"printf '%s|' "$SET" "$TAKEN" "${EMPTY-unset}" "$FILE" "$QUOTED" "$BOTH" "$INHERITED""#)
        .env("TAKEN", OsString::from_vec(b"bytes \xff".to_vec()))
        .env("INHERITED", "too")
        .ended()
        .expect(0);
    assert_eq!(ended.stdout, b"a=b c|bytes \xff||from_file|a b|option|too|");
}

#[test]
fn a_variable_that_is_no_variable_is_refused() {
    let home = Home::new();
    let refused = |option: &str| home.stigmer(["run", "-e", option, "true"]).ended().expect(125);
    assert!(refused("NOT_SET_HERE").expect_error("usage").err().contains("NOT_SET_HERE"));
    refused("=value").expect_error("invalid-spec");
}

#[test]
fn a_broken_file_of_variables_is_named_and_its_content_is_not_shown() {
    let home = Home::new();
    let file = home.write("vars", "GOOD=1\nhunter2 is the password\n");
    let ended = home.stigmer(["run", "--env-file"]).arg(&file).arg("true").ended().expect(125);
    let ended = ended.expect_error("file-unreadable");
    assert!(ended.err().contains("vars") && !ended.err().contains("hunter2"), "{}", ended.err());
    let missing = home.stigmer(["run", "--env-file", "no-such-file", "true"]).ended().expect(125);
    missing.expect_error("file-unreadable");
}

#[test]
fn the_apps_own_key_is_not_inherited_unless_it_is_asked_for() {
    let home = Home::new();
    let print = "echo ${DAYTONA_API_KEY-none}";
    assert_eq!(home.run(print).env("DAYTONA_API_KEY", "key").ended().expect(0).out(), "none\n");
    let asked = home.stigmer(["run", "-e", "DAYTONA_API_KEY", print]).env("DAYTONA_API_KEY", "key").ended();
    assert_eq!(asked.expect(0).out(), "key\n");
}

#[test]
fn a_run_is_in_the_workspace_or_in_the_folder_that_was_asked_for() {
    let home = Home::new();
    home.write("sub/deep/file", "");
    let sub = home.work().join("sub");
    let at = |call: harness::Call| call.arg("pwd; echo $PWD").ended().expect(0).out();
    let twice = |path: &std::path::Path| format!("{0}\n{0}\n", path.display());
    assert_eq!(at(home.stigmer(["run"])), twice(&home.work()));
    assert_eq!(at(home.stigmer(["run", "--workspace", "sub"])), twice(&sub));
    assert_eq!(at(home.stigmer(["run", "--workdir", "sub/deep"])), twice(&sub.join("deep")));
    let elsewhere = home.stigmer(["run", "--workspace"]).arg(&sub).args(["--workdir"]).arg("/");
    assert_eq!(at(elsewhere), "/\n/\n");
}

#[test]
fn the_runner_is_found_beside_the_program() {
    let home = Home::new();
    assert_eq!(home.run("echo ran").without("STIGMER_RUNNER").ended().expect(0).out(), "ran\n");
}

#[test]
fn our_own_lines_go_to_stderr_and_only_when_they_are_asked_for() {
    let home = Home::new();
    assert_eq!(home.run("true").ended().expect(0).err(), "");
    let told = home.stigmer(["run", "--verbose", "echo out"]).ended().expect(0);
    assert_eq!(told.out(), "out\n");
    assert!(told.err().contains("succeeded") && told.err().contains("local"), "{}", told.err());
    let quiet = home.stigmer(["run", "--quiet", "exit 7"]).ended().expect(7);
    assert_eq!((quiet.out(), quiet.err()), (String::new(), String::new()));
    // An error is no chatter.
    home.stigmer(["run", "--quiet", "--", "no-such-program", "a"]).ended().expect(127);
}

#[test]
fn a_dry_run_says_where_and_why_and_runs_nothing() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--dry-run", "touch ran"]).ended().expect(0);
    assert!(ended.out().contains("local") && ended.out().contains("touch ran"), "{}", ended.out());
    let dry = |args: &[&str]| -> Ended { home.stigmer(["run", "--dry-run", "--json"]).args(args).ended() };
    let told = dry(&["touch ran"]).expect(0).json().remove(0);
    assert_eq!((&told["mode"], &told["rule"]), (&"local".into(), &"default".into()));
    assert_eq!(told["target"]["workspace"], home.work().to_str().unwrap());
    assert!(told["reason"].is_string());
    assert_eq!(dry(&["--mode", "local", "touch ran"]).expect(0).json()[0]["rule"], "option");
    home.write(".stigmer.yaml", "mode: local\n");
    assert_eq!(dry(&["touch ran"]).expect(0).json()[0]["rule"], "project");
    dry(&["--mode", "auto", "true"]).expect(125).expect_error("backend-unavailable");
    assert!(home.history().is_empty() && !home.work().join("ran").exists());
}
