//! Exit codes of `stigmer run`: the program's own, and those that are ours.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::{Home, is_there};

#[test]
fn the_programs_code_is_passed_on() {
    let home = Home::new();
    for code in [0, 1, 2, 3, 125, 127, 255] {
        home.run(&format!("exit {code}")).ended().expect(code);
    }
    let newest: Vec<_> = home.history().iter().map(|run| run["exit_code"].clone()).collect();
    assert_eq!(newest, [255, 127, 125, 3, 2, 1, 0]);
}

#[test]
fn a_signal_that_ends_the_program_counts_128_more() {
    let home = Home::new();
    for (signal, code) in [("TERM", 143), ("KILL", 137), ("SEGV", 139), ("INT", 130), ("PIPE", 141)] {
        home.run(&format!("kill -{signal} $$")).ended().expect(code);
        assert_eq!((&home.last()["state"], &home.last()["exit_code"]), (&"failed".into(), &code.into()));
    }
}

#[test]
fn a_program_that_is_not_there_is_127() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--", "no-such-program", "a"]).ended().expect(127);
    let ended = ended.expect_error("program-not-found");
    assert!(ended.err().contains("`no-such-program` was not found"), "{}", ended.err());
    home.stigmer(["run", "--", "./missing", "a"]).ended().expect(127).expect_error("program-not-found");
    home.run("no-such-program a").ended().expect(127);
    home.stigmer(["run", "--shell", "/no/shell", "true"])
        .ended()
        .expect(127)
        .expect_error("program-not-found");
    assert_eq!(home.last()["state"], "error");
}

#[test]
fn a_program_that_cannot_be_executed_is_126() {
    let home = Home::new();
    home.write("plain", "#!/bin/sh\n");
    home.write("folder/file", "");
    fs::set_permissions(home.write("garbage", [0x7f, b'E']), fs::Permissions::from_mode(0o755)).unwrap();
    for program in ["./plain", "./folder", "./garbage"] {
        let ended = home.stigmer(["run", "--", program, "a"]).ended().expect(126);
        ended.expect_error("program-not-executable");
    }
    home.run("./plain a").ended().expect(126);
}

#[test]
fn a_time_limit_that_is_over_is_124_and_keeps_what_was_printed() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--timeout", "3s", "echo before; sleep 1000"]).ended().expect(124);
    assert_eq!(ended.out(), "before\n");
    assert_eq!((home.last()["state"].as_str(), home.last_log()), (Some("timed_out"), b"before\n".to_vec()));
    home.until_nothing_runs();
}

#[test]
fn a_time_limit_forces_what_ignores_it() {
    let home = Home::new();
    let line = "trap '' TERM INT; echo before; while :; do sleep 1; done";
    home.stigmer(["run", "--timeout", "300ms", "--grace", "200ms", line]).ended().expect(124);
    home.until_nothing_runs();
}

#[test]
fn a_workspace_that_cannot_be_used_is_125() {
    let home = Home::new();
    home.write("file", "");
    home.write("folder/file", "");
    for options in [["--workspace", "missing"], ["--workspace", "file"], ["--workdir", "missing"]] {
        let ended = home.stigmer(["run"]).args(options).args(["echo", "ran"]).ended().expect(125);
        let ended = ended.expect_error("folder-unusable");
        assert!(ended.err().contains(options[1]), "{}", ended.err());
    }
    let gone = home.work().join("gone");
    let script = format!("mkdir {0} && cd {0} && rmdir {0} && exec \"$@\"", gone.display());
    let stigmer = [env!("CARGO_BIN_EXE_stigmer"), "run", "true"];
    let ended = harness::Call::of(&home, "sh").args(["-c", &script, "sh"]).args(stigmer).ended().expect(125);
    ended.expect_error("folder-unusable");
}

#[test]
fn a_workspace_that_may_not_be_read_is_125() {
    // Another user, who tries below, could not use a home that is there already.
    let home = Home::without_server();
    let closed = home.work().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let test = "a_workspace_that_may_not_be_read_is_125";
    let is_root = fs::read_dir(&closed).is_ok();
    if !is_root {
        let ended = home.stigmer(["run", "--workspace", "closed", "true"]).ended().expect(125);
        ended.expect_error("folder-unusable");
        return;
    }
    // Root may read everything, so somebody else tries, who must be able to reach the program.
    let program = Path::new(env!("CARGO_BIN_EXE_stigmer"));
    let as_nobody = |program: &Path| {
        let call = harness::Call::of(&home, "setpriv").args(["--reuid=65534", "--clear-groups"]);
        call.arg(program)
    };
    let reachable =
        harness::is_installed("setpriv") && as_nobody(program).arg("--version").ended().code() == 0;
    if is_there(test, "a build that other users can reach, or not to be root", reachable) {
        for folder in [home.path(), &home.work()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let ended = as_nobody(program).args(["run", "--workspace", "closed", "true"]).ended().expect(125);
        ended.expect_error("folder-unusable");
    }
}

#[test]
fn a_mode_that_this_version_does_not_have_says_so() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--mode", "auto", "true"]).ended().expect(125);
    ended.expect_error("backend-unavailable");
    assert!(home.history().is_empty());
    home.stigmer(["run", "--mode", "mars", "true"]).ended().expect(125);
}
