//! `stigmer run --mode daytona`.

use std::fs;

use crate::harness::terminal::Terminal;
use crate::sky::{Sky, secretive};

#[test]
fn a_run_in_the_cloud_prints_brings_back_and_is_shown_with_its_sandbox() {
    let test = "a_run_in_the_cloud_prints_brings_back_and_is_shown_with_its_sandbox";
    let Some(sky) = Sky::that_runs(test) else { return };
    sky.home.write("given", "here");
    let line = "cat given; echo ' there'; printf made >made; exit 3";
    let run = sky.call(["run", "--mode", "daytona", "--bring-back", line]);
    let ended = secretive(run.ended().expect(3));
    let note = "the first copy of this workspace goes to the cloud: 1 file, 4 B\n";
    assert_eq!((ended.out().as_str(), ended.err().as_str()), ("here there\n", note));
    assert_eq!(fs::read_to_string(sky.home.work().join("made")).unwrap(), "made");

    let shown = sky.ends(["runs", "show"]).out();
    for part in
        [", new", "snapshot ", "region     us", "1 CPU, 1 GiB of memory, 3 GiB of disk", "brought back"]
    {
        assert!(shown.contains(part), "no {part:?}: {shown}");
    }
    assert!(shown.contains("after 15 min without use"), "{shown}");
    let json = sky.ends(["runs", "show", "--json"]).json().remove(0);
    assert_eq!(json["place"]["cloud"]["cpu"], 1, "{json}");

    sky.ends(["run", "--mode", "daytona", "echo x >kept-there"]);
    assert!(sky.ends(["runs", "show"]).out().contains(", used before"));
    assert!(!sky.home.work().join("kept-there").exists());
}

#[test]
fn a_dry_run_says_which_sandbox_it_would_be_and_asks_nobody() {
    let sky = Sky::new();
    let dry = ["run", "--mode", "daytona", "--snapshot", "mine:1", "--fresh", "--bring-back", "--dry-run"];
    let told = sky.ends(dry.into_iter().chain(["make"])).out();
    for part in [
        "mode       daytona",
        "snapshot   mine:1",
        "region     the organization's",
        "one of its own, deleted",
    ] {
        assert!(told.contains(part), "no {part:?}: {told}");
    }
    assert!(told.contains("bring back what changed there") && told.contains("after 15 min"), "{told}");
    let line = sky.ends(dry.into_iter().chain(["--json", "make"])).json().remove(0);
    let target = &line["target"];
    assert_eq!((&target["snapshot"], &target["sandbox"]), (&"mine:1".into(), &"fresh".into()));
    assert_eq!((&target["auto_stop"], &target["bring_back"]), (&15.into(), &true.into()));
    let usual = sky.ends(["run", "--mode", "daytona", "--dry-run", "make"]).out();
    assert!(usual.contains("Daytona's own") && usual.contains("that of this workspace"), "{usual}");
    assert!(sky.asked().is_empty() && sky.home.history().is_empty());
}

#[test]
fn what_only_the_cloud_can_do_is_refused_elsewhere() {
    let sky = Sky::new();
    for option in [&["--snapshot", "x"][..], &["--bring-back"]] {
        let words = ["run", "--mode", "sandbox", "--dry-run"].into_iter();
        let told = sky.refuses(words.chain(option.iter().copied()).chain(["true"]), "invalid-spec");
        assert!(told.err().contains("--mode daytona"), "{}", told.err());
    }
    sky.refuses(["run", "--mode", "daytona", "--image", "x", "--dry-run", "true"], "invalid-spec");
}

#[test]
fn a_run_without_a_key_or_with_a_wrong_one_says_what_to_do() {
    let sky = Sky::new();
    let run = ["run", "--mode", "daytona", "touch ran"];
    let told = sky.without_key(run).ended().expect(125).err();
    assert!(told.contains("[daytona-no-key]") && told.contains("stigmer auth login"), "{told}");
    let wrong = sky.without_key(run).env("DAYTONA_API_KEY", "dtn_wrong").ended().expect(125).err();
    assert!(wrong.contains("[daytona-key-refused]") && !wrong.contains("dtn_wrong"), "{wrong}");
    assert!(!sky.home.work().join("ran").exists());
}

#[test]
fn a_dry_run_lists_what_would_leave_this_machine_until_the_workspace_was_copied() {
    let Some(sky) =
        Sky::that_runs("a_dry_run_lists_what_would_leave_this_machine_until_the_workspace_was_copied")
    else {
        return;
    };
    for (path, text) in [
        ("code.py", "print()"),
        (".env", "KEY=1"),
        ("a.log", "noise"),
        (".gitignore", "*.log\n"),
        ("bulk", "123456789"),
    ] {
        sky.home.write(path, text);
    }
    let dry = ["run", "--mode", "daytona", "--dry-run"];
    let told = sky.ends(dry.into_iter().chain(["true"])).out();
    for part in
        ["uploads    4 files, 27 B", "look at  .env", "largest  bulk (9 B)", "stays    1 entry by .gitignore"]
    {
        assert!(told.contains(part), "no {part:?}: {told}");
    }
    let target = sky.ends(dry.into_iter().chain(["--json", "true"])).json().remove(0)["target"].take();
    let upload = &target["upload"];
    assert_eq!((&upload["first"], &upload["files"], &upload["bytes"]), (&true.into(), &4.into(), &27.into()));
    assert_eq!(
        (&upload["unwanted"][0]["path"], &upload["unwanted"][0]["kind"]),
        (&".env".into(), &"secret".into())
    );
    assert_eq!(
        (&upload["left_out"][0]["by"], &upload["left_out"][0]["examples"][0]),
        (&".gitignore".into(), &"a.log".into())
    );
    assert!(sky.asked().is_empty());

    // Where nobody sits there it is not asked, and the log says it.
    let ended = secretive(sky.call(["run", "--mode", "daytona", "ls -A"]).ended().expect(0));
    assert_eq!(ended.out(), ".env\n.gitignore\nbulk\ncode.py\n");
    let log = sky.ends(["runs", "logs", "--stream", "system"]).out();
    assert!(
        log.contains("first copy of this workspace goes to the cloud: 4 files, 27 B; among them .env"),
        "{log}"
    );
    let told = sky.ends(dry.into_iter().chain(["true"])).out();
    assert!(told.contains("uploads    what changed since the last run"), "{told}");
    sky.ends(["run", "--mode", "daytona", "true"]);
    assert_eq!(sky.ends(["runs", "logs", "--stream", "system"]).out(), "");
}

#[test]
fn before_the_first_copy_whoever_sits_there_is_asked_and_nothing_goes_without_a_yes() {
    let test = "before_the_first_copy_whoever_sits_there_is_asked_and_nothing_goes_without_a_yes";
    let Some(sky) = Sky::that_runs(test) else { return };
    sky.home.write("id_rsa", "key");
    let run = ["run", "--mode", "daytona", "ls"];
    for answer in ["\r", "no\r"] {
        let mut terminal = Terminal::start(sky.call(run), 100, 24);
        terminal.until_screen("[a]lways for this folder: ");
        assert!(terminal.screen().contains("1 file, 3 B") && terminal.screen().contains("look at  id_rsa"));
        terminal.press(answer.as_bytes());
        assert_eq!(terminal.ended(), 130, "{}", terminal.screen());
    }
    assert!(sky.asked().is_empty() && sky.home.history().is_empty());
    let mut terminal = Terminal::start(sky.call(run), 100, 24);
    terminal.until_screen("[a]lways for this folder: ");
    terminal.press(b"y\r");
    assert_eq!(terminal.ended(), 0, "{}", terminal.screen());
    // From then on nobody is asked.
    let mut terminal = Terminal::start(sky.call(run), 100, 24);
    assert_eq!(terminal.ended(), 0, "{}", terminal.screen());
    assert!(!terminal.screen().contains("always"), "{}", terminal.screen());
}

#[test]
fn the_question_is_left_out_by_an_option_or_a_setting_and_always_is_remembered() {
    let sky = Sky::new();
    sky.home.write("a", "x");
    // What follows it says that it went on: there is nobody who would make a sandbox.
    let on = |call: crate::harness::Call| {
        let mut terminal = Terminal::start(call.env("DAYTONA_API_URL", "http://127.0.0.1:9/api"), 100, 24);
        assert_eq!(terminal.ended(), 125, "{}", terminal.screen());
        assert!(terminal.screen().contains("daytona-unreachable"), "{}", terminal.screen());
        assert!(!terminal.screen().contains("always"), "{}", terminal.screen());
    };
    on(sky.call(["run", "--mode", "daytona", "--yes", "true"]));
    let run = ["run", "--mode", "daytona", "true"];
    let mut terminal =
        Terminal::start(sky.call(run).env("DAYTONA_API_URL", "http://127.0.0.1:9/api"), 100, 24);
    terminal.until_screen("[a]lways for this folder: ");
    terminal.press(b"a\r");
    assert_eq!(terminal.ended(), 125);
    on(sky.call(run));
    let sky = Sky::new();
    sky.home.write("a", "x");
    sky.ends(["config", "set", "daytona.confirm_upload", "false"]);
    on(sky.call(run));
}
