//! Everything about runs once more, carried out by a server: the outcome is the same.
#![cfg(target_os = "linux")]
#![expect(clippy::duplicate_mod, reason = "each of these brings the harness along")]

#[path = "exit.rs"]
mod exit;
#[path = "json.rs"]
mod json;
#[path = "run.rs"]
mod run;
#[path = "scripts.rs"]
mod scripts;
#[path = "stdio.rs"]
mod stdio;
#[path = "stop.rs"]
mod stop;
#[path = "terminal.rs"]
mod terminal;
#[path = "watch.rs"]
mod watch;

use run::harness::Home;

#[test]
fn the_server_is_who_carries_these_runs_out() {
    let home = Home::new();
    // The parent of the shell is the runner; the fourth word is the runner's parent.
    let parent = home.run("cut -d ' ' -f 4 /proc/$PPID/stat").ended().expect(0).out();
    assert_eq!(parent.trim(), home.server().to_string());
}
