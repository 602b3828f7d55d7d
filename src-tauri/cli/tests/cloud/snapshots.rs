//! `stigmer snapshot`.

use std::time::Duration;

use daytona_double::{Effect, Fault, Options};
use nix::sys::signal::Signal;

use crate::harness::terminal::Terminal;
use crate::sky::Sky;

#[test]
fn a_snapshot_of_an_image_is_made_used_put_to_sleep_woken_and_deleted() {
    let sky = Sky::new();
    let create =
        ["snapshot", "create", "mine:1", "--image", "python:3.13-slim", "--cpu", "2", "--memory", "4"];
    let made = sky.ends(create.into_iter().chain(["--verbose"]));
    assert!(made.out().is_empty() && made.err().contains("mine:1 is ready"), "{}", made.err());
    assert!(made.err().contains("next: stigmer snapshot use mine:1"), "{}", made.err());
    sky.refuses(create, "daytona-conflict");

    let list = sky.ends(["snapshot"]).out();
    let row = list.lines().find(|line| line.starts_with("mine:1")).unwrap();
    assert!(row.contains("active") && row.contains("4 GiB") && row.contains("python:3.13-slim"), "{list}");
    let shown = sky.ends(["snapshot", "show", "mine:1", "--json"]).json().remove(0);
    assert_eq!((&shown["cpu"], &shown["state"]), (&2.into(), &"active".into()));

    sky.ends(["snapshot", "use", "mine:1"]);
    assert_eq!(sky.ends(["config", "get", "sandbox.snapshot_id"]).out().trim(), "mine:1");
    assert!(sky.ends(["snapshot", "list"]).out().contains("in use"));
    let other = sky
        .call(["snapshot", "use", "mine:1"])
        .env("DAYTONA_DEV_TOOLS_SNAPSHOT_ID", "other")
        .ended()
        .expect(0);
    assert!(other.err().contains("DAYTONA_DEV_TOOLS_SNAPSHOT_ID says otherwise"), "{}", other.err());

    sky.ends(["snapshot", "deactivate", "mine:1"]);
    let asleep = sky.ends(["snapshot", "show", "mine:1"]).out();
    assert!(asleep.contains("next      stigmer snapshot activate mine:1"), "{asleep}");
    std::thread::sleep(Options::quick().cooldown);
    let awake = sky.ends(["snapshot", "activate", "mine:1", "--json"]).json();
    assert_eq!((awake.len(), &awake[0]["state"]), (1, &"active".into()));

    let asked = sky.refuses(["snapshot", "rm", "mine:1"], "usage");
    assert!(asked.err().contains("--yes"), "{}", asked.err());
    let gone = sky.ends(["snapshot", "rm", "mine:1", "--yes", "--verbose"]).err();
    assert!(gone.contains("deleted mine:1") && gone.contains("stigmer config unset"), "{gone}");
    sky.refuses(["snapshot", "show", "mine:1"], "daytona-not-found");
}

#[test]
fn deleting_asks_who_sits_there() {
    let sky = Sky::new();
    sky.ends(["snapshot", "create", "mine", "--image", "a:1"]);
    let mut terminal = Terminal::start(sky.call(["snapshot", "rm", "mine"]), 80, 24);
    terminal.until_screen("Delete mine?");
    terminal.press(b"\r");
    assert_eq!(terminal.ended(), 1);
    let mut terminal = Terminal::start(sky.call(["snapshot", "rm", "mine"]), 80, 24);
    terminal.until_screen("Delete mine?");
    terminal.press(b"y\r");
    assert_eq!(terminal.ended(), 0);
    sky.refuses(["snapshot", "show", "mine"], "daytona-not-found");
}

#[test]
fn a_build_prints_its_log_and_one_that_fails_says_why_and_what_next() {
    let sky = Sky::new();
    let create = |name, file| ["snapshot", "create", name, "--dockerfile", file];
    sky.home.write("Dockerfile", "FROM python:3.13\nRUN echo one\nRUN echo two\n");
    let built = sky.ends(create("built", "Dockerfile"));
    assert!(built.out().contains("RUN echo one") && built.out().contains("RUN echo two"), "{}", built.out());
    let shown = sky.ends(["snapshot", "show", "built"]).out();
    assert!(shown.contains("from      a Dockerfile") && shown.ends_with("RUN echo two\n"), "{shown}");

    sky.home.write("Broken", "FROM python:3.13\nRUN exit 7\n");
    let failed = sky.refuses(create("broken", "Broken"), "daytona-state");
    assert!(failed.err().contains("could not be built"), "{}", failed.err());
    assert!(failed.err().contains("stigmer snapshot rm broken"), "{}", failed.err());
    sky.refuses(["snapshot", "use", "broken"], "daytona-state");
    sky.refuses(create("other", "missing"), "file-unreadable");
    let json = sky.ends(create("again", "Dockerfile").into_iter().chain(["--json"])).json();
    assert_eq!((json.len(), &json[0]["state"]), (1, &"active".into()));
}

#[test]
fn whoever_stops_waiting_is_told_that_it_goes_on() {
    let sky = Sky::with(Options { delay: Duration::from_secs(2), ..Options::quick() });
    let create = |name| ["snapshot", "create", name, "--image", "a:1", "--verbose"];
    let waiting = sky.call(create("one")).started();
    waiting.until_stderr("one: ");
    waiting.signal(Signal::SIGINT);
    let told = waiting.ended().expect(130).err();
    assert!(told.contains("Daytona goes on") && told.contains("stigmer snapshot show one"), "{told}");

    let late = sky.refuses(create("two").into_iter().chain(["--timeout", "500ms"]), "daytona-state").err();
    assert!(late.contains("not ready after") && late.contains("it goes on"), "{late}");
    let left = sky.ends(create("three").into_iter().chain(["--detach", "--json"])).json();
    assert_eq!(left[0]["name"], "three");
    for name in ["one", "two", "three"] {
        sky.ends(["snapshot", "show", name]);
    }
}

#[test]
fn what_the_cloud_refuses_is_said_with_what_to_do() {
    let sky = Sky::new();
    let create = ["snapshot", "create", "mine", "--image", "a:1"];
    sky.refuses(["snapshot", "create", "mine", "--image", "a"], "daytona-invalid");
    sky.double.fault(Fault::once("POST", "/api/snapshots", Effect::status(403)));
    let told = sky.refuses(create, "daytona-forbidden").err();
    assert!(told.contains("dashboard/keys"), "{told}");
    sky.double.fault(Fault::once("GET", "/api/snapshots", Effect::html(200)));
    let told = sky.refuses(["snapshot", "list"], "daytona-wrong-address").err();
    assert!(!told.contains("<html"), "{told}");
    let wrong = sky.call(["snapshot", "list"]).env("DAYTONA_API_KEY", "dtn_wrong").ended().expect(125);
    wrong.expect_error("daytona-key-refused");
    let nowhere = sky.call(["snapshot", "list"]).env("DAYTONA_API_URL", "http://127.0.0.1:9/api");
    nowhere.ended().expect(125).expect_error("daytona-unreachable");
    sky.refuses(["snapshot", "rm", "--yes", "daytona-small"], "daytona-forbidden");
}

#[test]
fn what_cannot_be_a_snapshot_is_refused_before_anybody_is_asked() {
    let sky = Sky::new();
    sky.home.write("Dockerfile", "FROM a:1\n");
    for more in
        [&[][..], &["--image", "a:1", "--dockerfile", "Dockerfile"], &["--image", "a:1", "--cpu", "0"]]
    {
        sky.call(["snapshot", "create", "x"].into_iter().chain(more.iter().copied())).ended().expect(125);
    }
    assert!(sky.asked().is_empty());
}
