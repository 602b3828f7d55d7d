//! `stigmer run --mode daytona`.

use std::fs;

use crate::sky::{Sky, secretive};

#[test]
fn a_run_in_the_cloud_prints_brings_back_and_is_shown_with_its_sandbox() {
    let test = "a_run_in_the_cloud_prints_brings_back_and_is_shown_with_its_sandbox";
    let Some(sky) = Sky::that_runs(test) else { return };
    sky.home.write("given", "here");
    let line = "cat given; echo ' there'; printf made >made; exit 3";
    let run = sky.call(["run", "--mode", "daytona", "--bring-back", line]);
    let ended = secretive(run.ended().expect(3));
    assert_eq!((ended.out().as_str(), ended.err().as_str()), ("here there\n", ""));
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
