//! `--guard`: what a guarded run may do, and that nothing runs unguarded that should be guarded.
//!
//! Where the kernel has no Landlock the refusal itself is what is tested.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;
use std::path::{Path, PathBuf};

use harness::{Home, is_there};
use tempfile::TempDir;

/// A folder that is neither the workspace nor temporary to the guard: where cargo builds, or else at home.
fn elsewhere() -> TempDir {
    let home = std::env::home_dir().unwrap_or_default();
    let temporary = |root: &Path| ["/tmp", "/var/tmp", "/dev"].iter().any(|place| root.starts_with(place));
    let root = [PathBuf::from(env!("CARGO_TARGET_TMPDIR")), home].into_iter().find(|root| !temporary(root));
    tempfile::Builder::new()
        .prefix(".stigmer-guard-")
        .tempdir_in(root.expect("a place that is not temporary"))
        .unwrap()
}

fn kernel_can(test: &str) -> bool {
    let tried = Home::new().stigmer(["run", "--guard", "true"]).ended();
    if tried.code() != 0 {
        tried.expect_error("guard-unavailable");
        return is_there(test, "a kernel with Landlock", false);
    }
    true
}

#[test]
fn a_guarded_run_reads_everything_and_writes_only_to_the_workspace_and_temporary_folders() {
    if !kernel_can("a guarded run writes only to the workspace") {
        return;
    }
    let (home, outside, workspace) = (Home::new(), elsewhere(), elsewhere());
    let file = outside.path().join("file");
    fs::write(&file, "before").unwrap();
    let line = format!(
        "cat {file}; echo in >here && cat here; echo tmp >$TMPDIR/t && cat $TMPDIR/t; echo x >/dev/null; \
         echo after >{file}; rm {file}; mkdir {new}; sh -c 'echo child >{file}'",
        file = file.display(),
        new = outside.path().join("new").display(),
    );
    let call = home.stigmer(["run", "--guard", "--workspace"]).arg(workspace.path()).arg(line);
    let ended = call.env("TMPDIR", home.path()).ended();
    assert_eq!(ended.out(), "beforein\ntmp\n");
    assert_ne!(ended.code(), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    assert!(!outside.path().join("new").exists());
}

#[test]
fn without_network_a_guarded_run_reaches_nobody() {
    if !kernel_can("a guarded run without network") {
        return;
    }
    let home = Home::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!("import socket; socket.create_connection(('127.0.0.1', {port}))");
    let python = ["--", "python3", "-c", connect.as_str()];
    home.stigmer(["run", "--guard"]).args(python).ended().expect(0);
    let ended = home.stigmer(["run", "--guard", "--network", "none"]).args(python).ended().expect(1);
    assert!(ended.err().contains("PermissionError"), "{}", ended.err());
}

#[test]
fn the_setting_guards_every_run_and_its_repetition() {
    if !kernel_can("the setting guards every run") {
        return;
    }
    let (home, outside) = (Home::new(), elsewhere());
    home.stigmer(["config", "set", "local.guard", "workspace"]).ended().expect(0);
    let line = format!("touch {}", outside.path().join("file").display());
    assert_ne!(home.run(&line).ended().code(), 0);
    home.stigmer(["config", "unset", "local.guard"]).ended().expect(0);
    assert_ne!(home.stigmer(["runs", "rerun", "last"]).ended().code(), 0);
    assert!(!outside.path().join("file").exists());
    home.run(&line).ended().expect(0);
    assert!(outside.path().join("file").exists());
}

#[test]
fn no_network_without_guard_is_refused() {
    Home::new().stigmer(["run", "--network", "none", "true"]).ended().expect_error("invalid-spec");
}
