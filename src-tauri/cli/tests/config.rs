//! `stigmer config`, and what settings mean for runs.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;

use harness::Home;
use serde_json::json;

/// Writes the user's settings.
fn settings(home: &Home, text: &str) {
    fs::create_dir_all(home.data()).unwrap();
    fs::write(home.data().join("config.yaml"), text).unwrap();
}

#[test]
fn a_setting_is_set_read_and_unset_in_the_users_file() {
    let home = Home::new();
    let get = |key: &str| home.stigmer(["config", "get", key]).ended().expect(0).out();
    assert_eq!(get("sandbox.ttl"), "3600\n");
    home.stigmer(["config", "set", "sandbox.ttl", "7"]).ended().expect(0);
    assert_eq!(get("sandbox.ttl"), "7\n");
    let path = home.stigmer(["config", "path"]).ended().expect(0).out();
    assert_eq!(path.trim(), home.data().join("config.yaml").to_str().unwrap());
    assert_eq!(fs::read_to_string(path.trim()).unwrap(), "sandbox:\n  ttl: 7\n");
    home.stigmer(["config", "unset", "sandbox.ttl"]).ended().expect(0);
    assert_eq!(get("sandbox.ttl"), "3600\n");
    home.stigmer(["config", "unset", "sandbox.ttl"]).ended().expect(0);
}

#[test]
fn a_value_or_name_that_is_none_is_refused_and_changes_nothing() {
    let home = Home::new();
    settings(&home, "mode: local\n");
    let refused =
        |args: &[&str]| home.stigmer(["config"]).args(args).ended().expect(125).expect_error("config").err();
    assert!(refused(&["set", "sandbox.ttl", "soon"]).contains("sandbox.ttl"));
    assert!(refused(&["set", "sandbox.tll", "7"]).contains("sandbox.ttl"), "the nearest name is offered");
    assert!(refused(&["get", "nothing.like.it"]).contains("nothing.like.it"));
    assert_eq!(fs::read_to_string(home.data().join("config.yaml")).unwrap(), "mode: local\n");
}

#[test]
fn each_value_says_where_it_came_from() {
    let home = Home::new();
    settings(&home, "sandbox:\n  ttl: 7\n");
    home.write(".stigmer.yaml", "sandbox:\n  cleanup: false\n");
    let list = || home.stigmer(["config", "list"]).env("STIGMER_SANDBOX_IMAGE", "mine");
    let lines = list().arg("--json").ended().expect(0).json();
    let setting = |key: &str| {
        lines.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("{key}: {lines:#?}"))
    };
    assert_eq!(setting("sandbox.ttl")["value"], json!(7));
    assert_eq!(setting("sandbox.cleanup")["value"], json!(false));
    assert_eq!(setting("sandbox.image")["value"], json!("mine"));
    let table = list().ended().expect(0).out();
    let origin = |key: &str| table.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(origin("sandbox.ttl").contains("config.yaml"), "{table}");
    assert!(origin("sandbox.cleanup").contains(".stigmer.yaml"), "{table}");
    assert!(origin("sandbox.image").contains("STIGMER_SANDBOX_IMAGE"), "{table}");
    assert!(origin("mode").contains("default"), "{table}");
}

#[test]
fn a_project_has_settings_of_its_own_below_its_folder() {
    let home = Home::new();
    home.write("sub/file", "");
    home.stigmer(["config", "set", "--project", "sandbox.ttl", "7"]).ended().expect(0);
    assert_eq!(fs::read_to_string(home.work().join(".stigmer.yaml")).unwrap(), "sandbox:\n  ttl: 7\n");
    let get = |folder: &str| {
        let call = home.stigmer(["config", "get", "sandbox.ttl"]).in_folder(home.path().join(folder));
        call.ended().expect(0).out()
    };
    assert_eq!((get("work/sub").as_str(), get("home").as_str()), ("7\n", "3600\n"));
    home.stigmer(["config", "unset", "--project", "sandbox.ttl"]).ended().expect(0);
    assert_eq!(get("work/sub"), "3600\n");
}

#[test]
fn a_project_does_not_choose_the_users_shell() {
    let home = Home::new();
    let refused = home.stigmer(["config", "set", "--project", "local.shell", "bash"]).ended().expect(125);
    refused.expect_error("config");
    home.write(".stigmer.yaml", "local:\n  shell: ./evil\n");
    let ended = home.run("echo ran").ended().expect(0);
    assert_eq!(ended.out(), "ran\n");
    assert!(ended.err().starts_with("warning: ") && ended.err().contains("local.shell"), "{}", ended.err());
    assert_eq!(home.stigmer(["run", "--quiet", "true"]).ended().expect(0).err(), "");
}

#[test]
fn a_broken_file_is_named_with_its_line_and_nothing_runs() {
    let home = Home::new();
    for (text, line) in [
        ("mode: local\nsandbox:\n  ttl: soon\n", ":3"),
        ("mode: local\nsandbox: [1\n", ":"),
        ("mode: mars\n", ":1"),
    ] {
        settings(&home, text);
        let err = home.run("touch ran").ended().expect(125).expect_error("config").err();
        assert!(err.contains(&format!("config.yaml{line}")), "{text}: {err}");
        assert!(err.contains("hint: "), "{err}");
    }
    assert!(!home.work().join("ran").exists());
    // What must work to mend it, works.
    home.stigmer(["runs"]).ended().expect(0);
    home.stigmer(["config", "path"]).ended().expect(0);
}

#[test]
fn an_unknown_key_is_a_warning_with_the_nearest_name() {
    let home = Home::new();
    settings(&home, "sandbox:\n  tll: 7\n");
    let ended = home.stigmer(["config", "list"]).ended().expect(0);
    assert!(ended.err().starts_with("warning: ") && ended.err().contains("sandbox.ttl"), "{}", ended.err());
    let ended = home.run("echo ran").ended().expect(0);
    assert_eq!(ended.out(), "ran\n");
    assert!(ended.err().contains("warning: ") && ended.err().contains("ttl"), "{}", ended.err());
}

#[test]
fn a_check_finds_every_mistake_at_once() {
    let home = Home::new();
    let check = || home.stigmer(["config", "check", "--json"]);
    assert_eq!(check().ended().expect(0).json()[0], json!({ "ok": true, "problems": [], "warnings": [] }));
    settings(&home, "sandbox:\n  ttl: soon\n  tll: 7\nmode: mars\n");
    let told = check().ended().expect(1).json().remove(0);
    assert_eq!(told["ok"], false);
    assert_eq!(told["warnings"].as_array().unwrap().len(), 1, "{told}");
    assert!(told["problems"].as_array().unwrap().iter().all(|problem| problem["code"] == "config"));
    let shown = home.stigmer(["config", "check"]).ended().expect(1).err();
    assert!(shown.contains("soon") && shown.contains("tll"), "{shown}");
    settings(&home, "");
    check().env("STIGMER_SANDBOX_TTL", "soon").ended().expect(1);
}

#[test]
fn another_file_takes_the_place_of_the_users() {
    let home = Home::new();
    settings(&home, "sandbox:\n  ttl: 7\n");
    home.write("other.yaml", "local:\n  shell: bash\n");
    let get =
        |key: &str| home.stigmer(["config", "get", key, "--config", "other.yaml"]).ended().expect(0).out();
    assert_eq!((get("sandbox.ttl").as_str(), get("local.shell").as_str()), ("3600\n", "bash\n"));
    let shell = "echo ${BASH_VERSION:+bash}";
    let run = home.stigmer(["--config", "other.yaml", "run", shell]).ended().expect(0);
    assert_eq!(run.out(), "bash\n");
    let detached = home.stigmer(["--config", "other.yaml", "run", "--detach", shell]).ended().expect(0);
    let log = home.stigmer(["runs", "logs", "-f"]).arg(detached.out().trim()).ended().expect(0);
    assert_eq!(log.out(), "bash\n");
}

#[test]
fn another_file_that_is_missing_is_an_error() {
    let home = Home::new();
    let ended = home.stigmer(["--config", "missing.yaml", "run", "touch ran"]).ended().expect(125);
    assert!(ended.err().contains("missing.yaml"), "{}", ended.err());
    assert!(!home.work().join("ran").exists());
}

#[test]
fn the_editor_is_the_users_and_what_it_wrote_is_checked() {
    let home = Home::new();
    let edit = |editor: &str| home.stigmer(["config", "edit", "--verbose"]).env("EDITOR", editor);
    edit("sh -c 'echo \"mode: local\" >\"$1\"' editor").ended().expect(0);
    assert_eq!(fs::read_to_string(home.data().join("config.yaml")).unwrap(), "mode: local\n");
    edit("sh -c 'echo \"mode: mars\" >\"$1\"' editor").ended().expect(1);
    assert!(edit("false").ended().expect(125).err().contains("`false` failed"));
}
