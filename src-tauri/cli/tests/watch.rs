//! `stigmer run --watch`: the same run again at each change of a file that counts.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;

use harness::call::Running;
use harness::{Home, freeze, until};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Watches, with our own lines on, and waits until the first run is through.
fn watching(home: &Home, options: &[&str], line: &str) -> Running {
    let running = home.stigmer(["run", "--verbose"]).args(options).arg(line).started();
    running.until_stderr("waiting for a change");
    running
}

/// Puts another file in the place of one: nobody sees it empty or half written.
fn replace(home: &Home, name: &str, content: &str) {
    let new = home.path().join("new");
    fs::write(&new, content).unwrap();
    fs::rename(&new, home.work().join(name)).unwrap();
}

/// Waits until so many runs are over.
fn until_runs(home: &Home, count: usize) {
    let over = || home.history().iter().filter(|run| run["ended"].is_string()).count();
    until(&format!("{count} runs are over"), || over() == count, || over().to_string());
}

#[test]
fn a_change_runs_it_again_and_ctrl_c_ends_it() {
    let home = Home::new();
    home.write("file", "one");
    let running = watching(&home, &["--watch"], "cat file; echo .");
    replace(&home, "file", "two");
    running.until_stdout("two.\n");
    until_runs(&home, 2);
    running.signal(Signal::SIGINT);
    let ended = running.ended().expect(130);
    assert_eq!(ended.out(), "one.\ntwo.\n");
    assert!(ended.err().contains("file changed"), "{}", ended.err());
}

#[test]
fn other_signals_end_it_too() {
    let home = Home::new();
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let running = watching(&home, &["--watch"], "true");
        running.signal(signal);
        running.ended().expect(code);
    }
}

#[test]
fn a_burst_of_changes_is_one_change() {
    let home = Home::new();
    let running = watching(&home, &["--watch"], "ls | wc -l");
    // Written while the watcher stands still: a pause of the machine between two files must not end the burst.
    freeze(Pid::from_raw(running.pid()));
    for number in 0..200 {
        fs::write(home.work().join(format!("file{number}")), "").unwrap();
    }
    running.signal(Signal::SIGCONT);
    running.until_stdout("200\n");
    until_runs(&home, 2);
    drop(running);
}

#[test]
fn a_run_that_goes_on_makes_way_for_the_next() {
    let home = Home::new();
    home.write("file", "one");
    let call = home.stigmer(["run", "--watch", "cat file; echo .; setsid sleep 1001 & sleep 1002"]);
    let running = call.started();
    running.until_stdout("one.");
    replace(&home, "file", "two");
    running.until_stdout("two.");
    assert_eq!(home.history()[1]["state"], "cancelled");
    let sleepers = || home.processes().values().filter(|line| line.starts_with("sleep 1002")).count();
    until("one sleeps, and it is the second", || sleepers() == 1, || format!("{:#?}", home.processes()));
    running.signal(Signal::SIGINT);
    running.ended().expect(130);
    home.until_nothing_runs();
    assert_eq!(home.history().len(), 2);
}

#[test]
fn ctrl_c_counts_also_while_a_run_makes_way_for_the_next() {
    let home = Home::new();
    let line = "trap 'echo asked' TERM INT; echo ready; while :; do sleep 0.02; done";
    let running = home.stigmer(["run", "--watch", "--grace", "1h", line]).started();
    running.until_stdout("ready");
    home.write("file", "");
    running.until_stdout("asked");
    running.signal(Signal::SIGINT);
    running.ended().expect(130);
    home.until_nothing_runs();
    assert_eq!(home.history().len(), 1, "no other run was started");
}

#[test]
fn only_files_that_match_and_are_not_ignored_count() {
    let home = Home::new();
    home.write(".gitignore", "*.tmp\nbuild/\n");
    home.write("build/out", "");
    let running = watching(&home, &["--watch=*.py", "--watch=src/"], "echo run");
    for ignored in ["a.tmp", "build/out.py", "notes.txt", ".git/index.py"] {
        home.write(ignored, "changed");
    }
    home.write("src/notes.txt", "counts");
    running.until_stderr("src/notes.txt changed");
    until_runs(&home, 2);
    home.write("deep/down/a.py", "counts");
    running.until_stderr("deep/down/a.py changed");
    until_runs(&home, 3);
    running.signal(Signal::SIGTERM);
    let told = running.ended().expect(143).err();
    assert!(!told.contains("tmp") && !told.contains("build") && !told.contains("index"), "{told}");
}

#[test]
fn what_the_run_itself_writes_into_the_log_is_no_change() {
    let home = Home::new();
    // The history lies inside the workspace.
    let data = home.work().join(".stigmer");
    let call = home.stigmer(["run", "--verbose", "--watch", "echo out"]).env("STIGMER_HOME", &data);
    let running = call.started();
    running.until_stderr("waiting for a change");
    home.write("file", "");
    running.until_stderr("file changed");
    until("the second run is over", || count(&running, "succeeded") == 2, String::new);
    running.signal(Signal::SIGTERM);
    let told = running.ended().expect(143).err();
    assert_eq!(told.matches("changed").count(), 1, "{told}");
}

fn count(running: &Running, word: &str) -> usize {
    running.stderr_so_far().matches(word).count()
}

#[test]
fn a_run_that_fails_or_cannot_start_is_tried_again() {
    let home = Home::new();
    let running = home.stigmer(["run", "--verbose", "--watch", "--", "./tool", "a"]).started();
    running.until_stderr("was not found");
    let tool = home.path().join("tool");
    fs::write(&tool, "#!/bin/sh\necho works\n").unwrap();
    std::process::Command::new("chmod").arg("+x").arg(&tool).status().unwrap();
    fs::rename(&tool, home.work().join("tool")).unwrap();
    running.until_stdout("works\n");
}

#[test]
fn a_watch_says_what_it_cannot_do() {
    let home = Home::new();
    home.stigmer(["run", "--watch=[", "true"]).ended().expect(125).expect_error("pattern");
    let ended = home.stigmer(["run", "--watch", "--workspace", "missing", "true"]).ended().expect(125);
    ended.expect_error("folder-unusable");
    home.stigmer(["run", "--watch", "--detach", "true"]).ended().expect(125);
}
