//! Help, completions and `stigmer doctor`: what a person meets first.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use harness::{Call, Home, is_installed, is_there};

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("    "));
    let names = listed.map(|line| line.split_whitespace().next().unwrap().to_owned());
    // `help` takes the name of a command and no options.
    names.filter(|name| name != "help").collect()
}

fn check_help(home: &Home, path: &[String]) -> usize {
    let ended = home.stigmer(path.iter().map(String::as_str)).arg("--help").ended().expect(0);
    assert!(ended.err().is_empty() && ended.out().contains("Usage: stigmer"), "{path:?}");
    let below = commands(&ended.out());
    1 + below.into_iter().map(|name| check_help(home, &[path, &[name]].concat())).sum::<usize>()
}

#[test]
fn every_command_has_help() {
    let home = Home::new();
    let checked = check_help(&home, &[]);
    assert!(checked > 20, "{checked}");
    assert!(!home.data().exists(), "help leaves nothing");
}

#[test]
fn without_arguments_the_help_is_printed() {
    let home = Home::new();
    let ended = home.stigmer([]).ended();
    assert!(format!("{}{}", ended.out(), ended.err()).contains("Usage: stigmer"));
    let version = home.stigmer(["--version"]).ended().expect(0).out();
    assert_eq!(version.trim(), format!("stigmer {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_unknown_command_offers_the_nearest() {
    let ended = Home::new().stigmer(["rnu", "true"]).ended().expect(125);
    assert!(ended.err().contains("'runs'"), "{}", ended.err());
}

#[test]
fn completions_are_scripts_that_their_shells_accept() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.stigmer(["completions", shell]).ended().expect(0).out();
        assert!(script.contains("stigmer") && script.contains("dry-run"), "{shell}");
        let file = home.write(shell, script);
        let test = format!("the completions of {shell}");
        if ["bash", "zsh", "fish"].contains(&shell) && is_there(&test, shell, is_installed(shell)) {
            Call::of(&home, shell).arg("-n").arg(file).ended().expect(0);
        }
    }
    home.stigmer(["completions", "tcsh"]).ended().expect(125);
}

#[test]
fn completions_work_without_a_home() {
    let home = Home::new();
    let call = home.stigmer(["completions", "bash"]).without("STIGMER_HOME").env("HOME", "relative");
    call.ended().expect(0);
}

#[test]
fn the_doctor_really_runs_something_and_names_every_check() {
    let home = Home::new();
    let checks = home.stigmer(["doctor", "--json"]).ended().expect(0).json();
    let verdict = |name: &str| {
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        assert!(check["took_ms"].is_u64() && check["found"].is_string());
        check["verdict"].as_str().unwrap()
    };
    for name in ["run", "home", "history", "config", "languages"] {
        assert_eq!(verdict(name), "ok", "{checks:#?}");
    }
    assert_eq!(verdict("keychain"), "limited", "there is none here");
    let shown = home.stigmer(["doctor"]).ended().expect(0).out();
    assert!(shown.lines().next().unwrap().starts_with("ok      run"), "{shown}");
    assert!(shown.contains("hint: "));
    assert!(home.history().is_empty(), "the trial is not in the user's history");
    home.until_nothing_runs();
}

#[test]
fn the_doctor_finds_what_is_broken() {
    let home = Home::new();
    home.write(".stigmer.yaml", "mode: mars\n");
    let shown = home.stigmer(["doctor"]).env("STIGMER_RUNNER", "/no/such/runner").ended().expect(1).out();
    let broken: Vec<_> = shown.lines().filter(|line| line.starts_with("broken")).collect();
    assert_eq!(broken.len(), 2, "{shown}");
    assert!(broken[0].contains("/no/such/runner") && broken[1].contains("mars"), "{shown}");
}
