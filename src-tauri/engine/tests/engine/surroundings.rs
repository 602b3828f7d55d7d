//! What a local run starts from: the caller's variables or those of the login shell, and its interpreter.

use std::os::unix::fs::PermissionsExt as _;

use stigmer_engine::live::Stop;
use stigmer_engine::spec::{Base, Code, Language, RunSpec, Text, Work};
use stigmer_engine::state::Outcome;

use crate::common::{Child, assert_same, process, within};
use crate::desk::{Desk, end, outcome, output, run, start};

/// Runs one of the ignored tests below in a process whose login shell is this script.
fn with_login_shell(script: &str, test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let shell = folder.path().join("shell");
    std::fs::write(&shell, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    Child::start(process(test).env("SHELL", shell).env("DAYTONA_API_KEY", "dtn_not_for_runs")).succeed();
}

fn as_at_login(desk: &Desk, line: &str) -> RunSpec {
    let mut spec = desk.line(line);
    spec.env.base = Base::LoginShell;
    spec
}

#[test]
fn a_run_may_start_from_the_variables_of_the_login_shell() {
    let script = "echo welcome; export FROM_PROFILE='a\nb'; export DAYTONA_API_KEY; eval \"$4\"";
    with_login_shell(script, "surroundings::child_runs_as_at_login");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_runs_as_at_login() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut spec = as_at_login(&desk, "printf '%s|%s|%s' \"$FROM_PROFILE\" \"$MINE\" \"$DAYTONA_API_KEY\"");
    spec.env.set.insert("MINE".into(), Some("set".into()));
    let record = run(&engine, spec).await;
    assert_same(&output(&engine, record.id), b"a\nb|set|");
}

#[test]
fn a_run_that_waits_for_the_login_shell_is_stopped_at_once() {
    with_login_shell("exec sleep 1000", "surroundings::child_is_stopped_while_it_is_prepared");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_is_stopped_while_it_is_prepared() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, as_at_login(&desk, "echo >ran")).await;
    within(engine.stop(id, Stop::Ask(stigmer_engine::live::Manner::Terminate))).await.unwrap();
    let record = end(&engine, id).await;
    assert_eq!((outcome(&record), record.started), (&Outcome::Cancelled { forced: false }, None));
    assert!(!desk.workspace.join("ran").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_variables_are_all_that_a_run_has() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut spec = desk.program(["env"]);
    let path = Text::from(crate::common::PATH);
    spec.env.base = Base::Caller(vec![
        ("PATH".into(), path),
        ("KEPT".into(), "1".into()),
        ("DAYTONA_API_KEY".into(), "dtn".into()),
    ]);
    spec.env.set.insert("SET".into(), Some("2".into()));
    let record = run(&engine, spec).await;
    let text = String::from_utf8(output(&engine, record.id)).unwrap();
    let mut names: Vec<_> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["KEPT", "PATH", "PWD", "SET", "STIGMER_RUN_ID"]);
    assert!(text.contains(&format!("PWD={}\n", desk.workspace.display())));
    assert!(text.contains(&format!("STIGMER_RUN_ID={}\n", record.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_runs_in_its_interpreter_with_its_arguments() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let code = Code::Inline { text: "[[ $0 == */script.sh ]] && printf '%s\\n' \"${@:1}\"\nexit 4".into() };
    let args = vec!["a b".into(), "$c".into()];
    let record = run(&engine, desk.work(Work::Script { language: Language::Bash, code, args })).await;
    assert_eq!(outcome(&record).exit_code(), Some(4));
    assert_same(&output(&engine, record.id), b"a b\n$c\n");
}
