//! `stigmer run --tty`: the program has a terminal, and ours is as before afterwards.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use harness::terminal::Terminal;
use harness::{Call, Home};

#[test]
fn the_program_has_a_terminal_of_our_size_and_learns_of_changes() {
    let home = Home::new();
    let line = "test -t 0 && test -t 1 && test -t 2 && stty size; trap 'stty size' WINCH; \
                echo ready; while :; do sleep 0.05; done";
    let mut terminal = Terminal::start(home.stigmer(["run", "--tty", line]), 91, 17);
    terminal.until_screen("17 91");
    terminal.until_screen("ready");
    terminal.resize(120, 33);
    terminal.until_screen("33 120");
    terminal.press(b"\x03");
    assert_eq!(terminal.ended(), 130);
    home.until_nothing_runs();
}

#[test]
fn keys_reach_the_program_as_they_are_and_ctrl_c_is_its_own_affair() {
    let home = Home::new();
    let line = "trap 'echo interrupted' INT; stty -echo; echo ready; until read word; do :; done; echo got:$word; exit 9";
    let mut terminal = Terminal::start(home.stigmer(["run", "--tty", line]), 80, 24);
    terminal.until_screen("ready");
    terminal.press(b"\x03");
    terminal.until_screen("interrupted");
    terminal.press(b"typed\r");
    terminal.until_screen("got:typed");
    assert_eq!(terminal.ended(), 9);
}

#[test]
fn our_terminal_is_as_before_afterwards_however_the_run_ended() {
    let home = Home::new();
    let stigmer = env!("CARGO_BIN_EXE_stigmer");
    for (options, line) in [
        ("--tty", "true"),
        ("--tty", "stty raw -echo; exit 3"),
        ("", "true"),
        ("--tty --timeout 200ms", "sleep 1000"),
    ] {
        let script = format!(
            "before=$(stty -g); {stigmer} run {options} '{line}'; \
             if [ \"$before\" = \"$(stty -g)\" ]; then echo terminal: same; else echo terminal: changed; fi"
        );
        let mut terminal = Terminal::start(Call::of(&home, "sh").args(["-c", &script]), 80, 24);
        terminal.ended();
        terminal.until_screen("terminal: ");
        assert!(terminal.screen().contains("terminal: same"), "{options} {line}: {}", terminal.screen());
    }
}

#[test]
fn without_a_terminal_of_ours_the_program_still_gets_one() {
    let home = Home::new();
    let ended = home.stigmer(["run", "--tty", "test -t 1 && stty size"]).ended().expect(0);
    assert_eq!(ended.out(), "24 80\r\n");
}

#[test]
fn a_terminal_and_lines_for_programs_exclude_each_other() {
    let home = Home::new();
    home.stigmer(["run", "--tty", "--json", "true"]).ended().expect(125);
    home.stigmer(["run", "--tty", "--detach", "true"]).ended().expect(125);
}

#[test]
fn in_a_terminal_our_own_lines_are_shown_unless_they_are_unwanted() {
    let home = Home::new();
    let mut terminal = Terminal::start(home.run("echo out").env("TERM", "xterm"), 80, 24);
    assert_eq!(terminal.ended(), 0);
    terminal.until_screen("succeeded");
    assert!(terminal.screen().contains("\x1b["), "in colour");
    let mut plain = Terminal::start(home.run("echo out").env("TERM", "xterm").env("NO_COLOR", "1"), 80, 24);
    assert_eq!(plain.ended(), 0);
    plain.until_screen("succeeded");
    // A start that takes long says on a line of its own what it does, and takes the line away.
    assert!(!plain.screen().replace("\r\x1b[2K", "").contains('\x1b'));
    let mut quiet = Terminal::start(home.stigmer(["run", "--quiet", "echo out"]), 80, 24);
    assert_eq!(quiet.ended(), 0);
    quiet.until_screen("out");
    assert!(!quiet.screen().contains("succeeded"));
}

#[test]
fn a_terminal_that_goes_away_ends_the_run() {
    let home = Home::new();
    let mut terminal = Terminal::start(home.run("echo ready; sleep 1000"), 80, 24);
    terminal.until_screen("ready");
    terminal.unplug();
    home.until_nothing_runs();
    assert_eq!(home.last_ended()["state"], "cancelled");
}
