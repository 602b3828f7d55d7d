//! A real engine, asked by its own client.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Leaves a test out where there is no engine, and says so; nothing may be left out where everything is required.
pub(crate) fn require(image: &str) {
    let mut asked = Command::new("docker");
    asked.args(["image", "inspect", image]).stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return;
    }
    let why =
        format!("no Docker engine with the image `{image}`; scripts/engine.sh up && scripts/engine.sh base");
    assert!(std::env::var_os("STIGMER_TEST_REQUIRE_ALL").is_none(), "{why}");
    // Not `eprintln!`, which the test harness would keep to itself; in one piece, as tests run side by side.
    std::io::stderr().write_all(format!("SKIPPED: sandboxes: {why}\n").as_bytes()).unwrap();
    // All tests of such a program need the engine.
    std::process::exit(0);
}

/// The ids of this user, as containers are given them.
pub(crate) fn own_ids() -> String {
    format!("{}:{}", nix::unistd::getuid(), nix::unistd::getgid())
}

/// Asks the engine something; what it answered.
pub(crate) fn docker(words: &[&str]) -> String {
    let asked = Command::new("docker").args(words).output().expect("a Docker client");
    String::from_utf8_lossy(&asked.stdout).trim().to_owned()
}
