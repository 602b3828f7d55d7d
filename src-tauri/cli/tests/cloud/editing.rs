//! What is changed of sandboxes in the cloud, and what is done in those that are listed.

use std::fs;

use crate::harness::terminal::Terminal;
use crate::sky::Sky;

/// The name of the only sandbox.
#[track_caller]
fn name(sky: &Sky) -> String {
    let all = sky.double.sandboxes();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]["name"].as_str().unwrap().to_owned()
}

#[test]
fn a_sandbox_gets_another_size_as_far_as_its_state_allows() {
    let Some(sky) = Sky::that_runs("a_sandbox_gets_another_size_as_far_as_its_state_allows") else { return };
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = name(&sky);
    let line =
        sky.ends(["sandbox", "resize", &name, "--cpu", "2", "--memory", "4", "--json"]).json().remove(0);
    assert_eq!((&line["cpu"], &line["memory"], &line["state"]), (&2.into(), &4.into(), &"started".into()));
    sky.asked();
    let told = sky.refuses(["sandbox", "resize", &name, "--memory", "1"], "conflict").err();
    assert!(told.contains("only while it is stopped") && told.contains("stigmer sandbox stop"), "{told}");
    sky.refuses(["sandbox", "resize", &name, "--disk", "8"], "conflict");
    sky.refuses(["sandbox", "resize", &name, "--cpu", "2"], "invalid-spec");
    assert!(sky.asked().iter().all(|one| one.starts_with("GET ")), "what cannot be is not asked for");
    sky.ends(["sandbox", "stop", &name]);
    let told = sky.ends(["sandbox", "resize", &name, "--memory", "1", "--disk", "8"]).out();
    assert!(told.contains("2 CPU, 1 GiB of memory, 8 GiB of disk"), "{told}");
    sky.refuses(["sandbox", "resize", &name, "--disk", "3"], "conflict");
    // The most that an account may have is known to Daytona alone.
    let told = sky.refuses(["sandbox", "resize", &name, "--cpu", "500"], "daytona-quota").err();
    assert!(told.contains("500"), "{told}");
}

#[test]
fn timers_and_labels_are_changed_and_ours_stay() {
    let Some(sky) = Sky::that_runs("timers_and_labels_are_changed_and_ours_stay") else { return };
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = name(&sky);
    let set = ["sandbox", "timers", &name, "--stop", "1h", "--archive", "2d", "--delete", "7d", "--json"];
    let line = sky.ends(set).json().remove(0);
    let timers = |line: &serde_json::Value| {
        ["auto_stop", "auto_archive", "auto_delete"].map(|timer| line[timer].as_i64().unwrap())
    };
    assert_eq!(timers(&line), [60, 2880, 10080]);
    let line = sky
        .ends(["sandbox", "timers", &name, "--stop", "never", "--delete", "never", "--json"])
        .json()
        .remove(0);
    assert_eq!(timers(&line), [0, 2880, -1]);
    sky.call(["sandbox", "timers", &name]).ended().expect(125);

    let line = sky.ends(["sandbox", "label", &name, "team=ml", "empty=", "--json"]).json().remove(0);
    assert_eq!((&line["labels"]["team"], &line["labels"]["empty"]), (&"ml".into(), &"".into()));
    let line = sky.ends(["sandbox", "label", &name, "empty-", "--json"]).json().remove(0);
    assert!(line["labels"].get("empty").is_none() && line["labels"]["team"] == "ml", "{line}");
    assert!(line["labels"].get("stigmer.home").is_some(), "{line}");
    sky.refuses(["sandbox", "label", &name, "stigmer.home=other"], "invalid-spec");
    sky.refuses(["sandbox", "label", &name, "stigmer.home-"], "invalid-spec");
    sky.refuses(["sandbox", "label", &name, "team"], "usage");
    assert_eq!(sky.ends(["sandbox", "list", "--json"]).json().len(), 1, "it is still found");
}

#[test]
fn one_that_failed_is_recovered_and_others_are_not() {
    let Some(sky) = Sky::that_runs("one_that_failed_is_recovered_and_others_are_not") else { return };
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = name(&sky);
    let told = sky.refuses(["sandbox", "recover", &name], "conflict").err();
    assert!(told.contains("did not fail"), "{told}");
    sky.double.change_sandbox(&name, "error", Some("no space left on device"));
    let line = sky.ends(["sandbox", "inspect", &name, "--json"]).json().remove(0);
    assert_eq!(line["is_recoverable"], true);
    let line = sky.ends(["sandbox", "recover", &name, "--json"]).json().remove(0);
    assert_eq!((&line["is_recoverable"], line.get("error")), (&false.into(), None), "{line}");
    assert_eq!(line["state"], "stopped", "nobody said that it should cost");
    sky.double.change_sandbox(&name, "error-for-good", Some("no such base"));
    let told = sky.refuses(["sandbox", "recover", &name], "conflict").err();
    assert!(told.contains("cannot be recovered: no such base") && told.contains("sandbox rm"), "{told}");
}

#[test]
fn one_more_command_in_a_listed_sandbox_copies_nothing() {
    let Some(sky) = Sky::that_runs("one_more_command_in_a_listed_sandbox_copies_nothing") else { return };
    fs::write(sky.home.work().join("before.txt"), "old\n").unwrap();
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = name(&sky);
    fs::write(sky.home.work().join("before.txt"), "new\n").unwrap();
    fs::write(sky.home.work().join("after.txt"), "").unwrap();
    let said = sky.ends(["sandbox", "exec", &name, "cat before.txt; ls; echo made >there.txt"]).out();
    assert!(said.starts_with("old\n") && !said.contains("after.txt"), "{said}");
    assert!(!sky.home.work().join("there.txt").exists());
    let said = sky.ends(["sandbox", "exec", &name, "printf", "%s|", "a b", "$HOME"]).out();
    assert_eq!(said, "a b|$HOME|");
    sky.ends(["sandbox", "packages", &name]);
    assert_eq!(sky.ends(["sandbox", "logs", &name]).code(), 0);
    sky.refuses(["run", "-m", "daytona", "--within", "nobody-has-this", "true"], "daytona-not-found");
    sky.call(["run", "-m", "daytona", "--within", &name, "--bring-back", "true"]).ended().expect(125);
}

#[test]
fn one_that_does_not_run_is_started_only_where_that_was_said() {
    let Some(sky) = Sky::that_runs("one_that_does_not_run_is_started_only_where_that_was_said") else {
        return;
    };
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = name(&sky);
    sky.ends(["sandbox", "stop", &name]);
    let told = sky.refuses(["sandbox", "exec", &name, "true"], "usage").err();
    assert!(told.contains("--start") && told.contains("it costs"), "{told}");
    let told = sky.refuses(["run", "-m", "daytona", "--within", &name, "true"], "conflict").err();
    assert!(told.contains("stigmer sandbox start"), "{told}");
    assert_eq!(sky.double.sandboxes()[0]["state"], "stopped");
    assert_eq!(sky.ends(["sandbox", "exec", "--start", &name, "echo up"]).out(), "up\n");
    assert_eq!(sky.double.sandboxes()[0]["state"], "started");
}

#[test]
fn a_shell_on_a_terminal_asks_before_it_starts_a_sandbox() {
    let Some(sky) = Sky::that_runs("a_shell_on_a_terminal_asks_before_it_starts_a_sandbox") else { return };
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = name(&sky);
    sky.ends(["sandbox", "stop", &name]);
    let shell = || Terminal::start(sky.call(["sandbox", "shell", &name]), 90, 20);
    let mut terminal = shell();
    terminal.until_screen("Start it? It costs while it runs. [y/N]");
    terminal.press(b"n\r");
    assert_eq!(terminal.ended(), 1);
    assert_eq!(sky.double.sandboxes()[0]["state"], "stopped");
    let mut terminal = shell();
    terminal.until_screen("[y/N]");
    terminal.press(b"y\r");
    terminal.until_screen("starting ");
    terminal.press(b"stty size; exit 7\r");
    terminal.until_screen("20 90");
    assert_eq!(terminal.ended(), 7);
}

#[test]
fn a_port_has_an_address_while_the_sandbox_runs() {
    let Some(sky) = Sky::that_runs("a_port_has_an_address_while_the_sandbox_runs") else { return };
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = name(&sky);
    let url = sky.ends(["sandbox", "ports", &name, "3000"]).out();
    assert!(url.starts_with("http://3000-") && url.lines().count() == 1, "{url}");
    let line = sky.ends(["sandbox", "ports", &name, "3000", "--for", "10m", "--json"]).json().remove(0);
    assert_eq!(line["seconds"], 600);
    sky.refuses(["sandbox", "ports", &name], "invalid-spec");
    sky.ends(["sandbox", "stop", &name]);
    sky.refuses(["sandbox", "ports", &name, "3000"], "conflict");
}
