//! What is wrong around `stigmer`: no home, no space, no permission, a damaged or locked history, a missing runner.
//! Each is an error in words with its own code, and no run is left half done.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;
use std::process::Command;

use harness::{Call, Home, is_there};

const STIGMER: &str = env!("CARGO_BIN_EXE_stigmer");

/// Runs a shell script in which mounts are possible and seen by nobody else. `$1` is the program.
fn with_mounts(home: &Home, script: &str) -> Call {
    let unshare = Call::of(home, "unshare").args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
    unshare.arg(script).arg("sh").arg(STIGMER).env("STIGMER_RUNNER", home.path().join("bin/stigmer-runner"))
}

fn can_mount(test: &str, home: &Home) -> bool {
    let tried = harness::is_installed("unshare")
        && with_mounts(home, "mount -t tmpfs -o size=1m none \"$HOME\"").ended().code() == 0;
    is_there(test, "to mount in a namespace of its own (unshare --user --mount)", tried)
}

#[test]
fn without_any_home_folder_the_remedy_is_named() {
    let home = Home::new();
    // Without HOME the system's own record of the user counts; where that is missing too there is none.
    let ended = home.run("true").env("HOME", "relative").without("STIGMER_HOME").ended().expect(125);
    assert!(ended.expect_error("no-home").err().contains("STIGMER_HOME"));
}

#[test]
fn without_a_home_of_ours_runs_are_kept_in_the_users() {
    let home = Home::new();
    home.run("true").without("STIGMER_HOME").ended().expect(0);
    home.run("true").env("STIGMER_HOME", "").ended().expect(0);
    let runs = home.path().join("home/.stigmer/runs");
    assert_eq!(fs::read_dir(runs).unwrap().count(), 2);
    assert!(!home.data().exists());
}

#[test]
fn what_is_kept_is_private_to_the_user() {
    let home = Home::new();
    home.run("true").ended().expect(0);
    home.stigmer(["config", "set", "local.shell", "bash"]).ended().expect(0);
    let open = Call::of(&home, "find").arg(home.data()).args(["-perm", "/077", "!", "-type", "l"]).ended();
    assert_eq!(open.expect(0).out(), "");
}

#[test]
fn a_home_that_is_a_file_is_named() {
    let home = Home::new();
    fs::write(home.data(), "").unwrap();
    let ended = home.run("touch ran").ended().expect(125).expect_error("storage");
    assert!(ended.err().contains(home.data().to_str().unwrap()), "{}", ended.err());
    home.stigmer(["runs"]).ended().expect(125).expect_error("storage");
    assert!(!home.work().join("ran").exists());
}

#[test]
fn a_home_that_cannot_be_written_says_what_to_do() {
    let home = Home::new();
    if !can_mount("a_home_that_cannot_be_written_says_what_to_do", &home) {
        return;
    }
    let script =
        "mkdir \"$STIGMER_HOME\"; mount -t tmpfs -o ro none \"$STIGMER_HOME\"; \"$1\" run 'touch ran'";
    let ended = with_mounts(&home, script).ended().expect(125).expect_error("storage");
    assert!(ended.err().contains("Read-only file system"), "{}", ended.err());
    assert!(ended.err().contains("make `") && ended.err().contains("writable"), "{}", ended.err());
    assert!(!home.work().join("ran").exists());
}

#[test]
fn a_home_that_became_read_only_says_so_and_is_left_as_it_was() {
    let home = Home::new();
    if !can_mount("a_home_that_became_read_only_says_so_and_is_left_as_it_was", &home) {
        return;
    }
    home.run("echo before").ended().expect(0);
    let script = "mount --bind \"$STIGMER_HOME\" \"$STIGMER_HOME\"
        mount -o remount,bind,ro \"$STIGMER_HOME\"; \"$1\" run 'touch ran'";
    with_mounts(&home, script).ended().expect(125).expect_error("storage");
    assert!(!home.work().join("ran").exists());
    assert_eq!(home.history().len(), 1);
}

#[test]
fn a_full_disk_ends_the_run_in_words_keeps_what_fits_and_is_forgiven_when_there_is_space() {
    let home = Home::new();
    if !can_mount("a_full_disk_ends_the_run_in_words", &home) {
        return;
    }
    let script = r#"
        mkdir "$STIGMER_HOME"; mount -t tmpfs -o size=2m none "$STIGMER_HOME"
        "$1" run 'echo the first line; yes; touch survived' >out 2>err || echo $? >code
        mount -o remount,size=64m "$STIGMER_HOME"
        "$1" runs --json >history
        "$1" runs logs >log
        "$1" run 'echo again' >again"#;
    let ended = with_mounts(&home, script).ended().expect(0);
    let read = |name: &str| fs::read_to_string(home.work().join(name)).unwrap_or_default();
    assert_eq!(read("code").trim(), "125", "{} {}", read("err"), ended.err());
    assert!(read("err").contains("[storage-full]") && !read("err").contains("panic"), "{}", read("err"));
    assert!(read("err").contains("No space left on device"), "{}", read("err"));
    home.until_nothing_runs();
    assert!(!home.work().join("survived").exists());
    let run: serde_json::Value = serde_json::from_str(&read("history")).unwrap();
    assert_eq!(run["state"], "error", "{run}");
    assert!(read("log").starts_with("the first line\ny\n") && read("log").len() > 500_000);
    assert!(read("out").starts_with(&read("log")), "what is kept was also shown");
    assert_eq!(read("again"), "again\n");
}

#[test]
fn a_disk_that_is_full_from_the_beginning_runs_nothing() {
    let home = Home::new();
    if !can_mount("a_disk_that_is_full_from_the_beginning_runs_nothing", &home) {
        return;
    }
    let script = r#"
        mkdir "$STIGMER_HOME"; mount -t tmpfs -o size=1m none "$STIGMER_HOME"
        "$1" run true
        head -c 2000000 /dev/zero >"$STIGMER_HOME/filler" || true
        "$1" run 'touch ran'"#;
    let ended = with_mounts(&home, script).ended().expect(125);
    assert!(ended.err().contains("[storage-full]"), "{}", ended.err());
    assert!(!home.work().join("ran").exists());
}

#[test]
fn a_damaged_history_is_rebuilt_from_the_runs_with_a_warning() {
    let home = Home::new();
    home.stigmer(["run", "--label", "word", "echo kept; exit 3"]).ended().expect(3);
    let before = home.last();
    for file in ["stigmer.db-wal", "stigmer.db-shm"] {
        let _ = fs::remove_file(home.data().join(file));
    }
    fs::write(
        home.data().join("stigmer.db"),
        "this is no database, but it is long enough to be one".repeat(99),
    )
    .unwrap();
    let ended = home.stigmer(["runs", "--json"]).ended().expect(0);
    assert!(ended.err().starts_with("warning: the history was damaged"), "{}", ended.err());
    assert_eq!(ended.json(), [before]);
    assert_eq!(home.stigmer(["runs"]).ended().expect(0).err(), "", "once is enough");
    assert_eq!(home.stigmer(["runs", "logs"]).ended().expect(0).out(), "kept\n");
}

#[test]
fn a_history_that_another_program_holds_is_an_error_in_time_and_leaves_nothing() {
    let home = Home::new();
    home.run("true").ended().expect(0);
    let holder = rusqlite::Connection::open(home.data().join("stigmer.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    home.run("touch ran").ended().expect(125).expect_error("history-locked");
    drop(holder);
    assert!(!home.work().join("ran").exists());
    assert_eq!(home.history().len(), 1);
    assert_eq!(fs::read_dir(home.data().join("runs")).unwrap().count(), 1);
}

#[test]
fn a_history_that_is_held_while_a_run_goes_on_does_not_hurt_the_run() {
    let home = Home::new();
    let mut running = home.run("echo ready; read line; echo end").open_stdin().started();
    running.until_stdout("ready");
    harness::until("the start is written down", || home.last()["started"].is_string(), String::new);
    let holder = rusqlite::Connection::open(home.data().join("stigmer.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    running.close_stdin();
    assert_eq!(running.ended().expect(0).out(), "ready\nend\n");
    drop(holder);
    assert_eq!(home.last()["state"], "succeeded", "its folder knew the end");
}

#[test]
fn a_history_of_a_later_version_is_left_alone() {
    let home = Home::new();
    home.run("true").ended().expect(0);
    let later = rusqlite::Connection::open(home.data().join("stigmer.db")).unwrap();
    let now: i64 = later.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    later.pragma_update(None, "user_version", 1000).unwrap();
    home.run("touch ran").ended().expect(125).expect_error("history-newer");
    later.pragma_update(None, "user_version", now).unwrap();
    drop(later);
    assert_eq!(home.history().len(), 1);
}

#[test]
fn a_missing_runner_is_named() {
    let home = Home::new();
    let ended = home.run("touch ran").env("STIGMER_RUNNER", "/no/such/runner").ended().expect(125);
    assert!(ended.err().contains("/no/such/runner"), "{}", ended.err());
    assert!(ended.err().contains("[backend-unavailable]"), "{}", ended.err());
    assert_eq!(home.last()["state"], "error");
    // A program that is copied without it.
    let alone = home.path().join("alone");
    fs::create_dir(&alone).unwrap();
    fs::copy(STIGMER, alone.join("stigmer")).unwrap();
    let ended = Call::of(&home, alone.join("stigmer")).args(["run", "true"]).ended().expect(125);
    assert!(ended.err().contains("stigmer-runner") && ended.err().contains("hint: "), "{}", ended.err());
}

#[test]
fn a_program_that_is_no_runner_is_found_out() {
    let home = Home::new();
    for impostor in ["true", "yes"] {
        let path =
            Command::new("sh").args(["-c", &format!("command -v {impostor}")]).output().unwrap().stdout;
        let ended =
            home.run("touch ran").env("STIGMER_RUNNER", String::from_utf8(path).unwrap().trim()).ended();
        assert!(ended.expect(125).err().contains("[connection-lost]"));
        home.until_nothing_runs();
    }
}

#[test]
fn a_run_whose_folder_was_removed_by_hand_is_still_a_run() {
    let home = Home::new();
    home.run("echo out").ended().expect(0);
    fs::remove_dir_all(home.last_folder()).unwrap();
    assert_eq!(home.last()["state"], "succeeded");
    assert_eq!(home.stigmer(["runs", "logs"]).ended().expect(0).out(), "");
    home.stigmer(["runs", "show"]).ended().expect(0);
    home.stigmer(["runs", "rm", "last"]).ended().expect(0);
}

#[test]
fn a_workspace_that_vanishes_under_a_run_does_not_hurt_its_log() {
    let home = Home::new();
    home.write("sub/file", "");
    let line = "rm -r \"$PWD\"; echo still here";
    assert_eq!(home.stigmer(["run", "--workspace", "sub", line]).ended().expect(0).out(), "still here\n");
    assert_eq!(home.last_log(), b"still here\n");
}
