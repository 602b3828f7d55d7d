//! `stigmer auth` where there is no keychain: the key of the environment or of the file, and what is said of it.

use daytona_double::{Effect, Fault, Options};

use crate::sky::{KEY, Sky, secretive};

#[test]
fn a_key_of_the_environment_is_shown_by_its_end_with_what_it_may_do() {
    let sky = Sky::new();
    let told = sky.ends(["auth", "status"]).out();
    for part in ["dtn_…sky7", "DAYTONA_API_KEY", "works     yes", "write:sandboxes", "double"] {
        assert!(told.contains(part), "no {part}: {told}");
    }
    let line = sky.ends(["auth", "status", "--json"]).json().remove(0);
    assert_eq!(line["source"], "environment");
    assert_eq!((&line["works"], &line["key"]), (&true.into(), &"dtn_…sky7".into()));
    assert_eq!(line["access"]["lacks"], serde_json::json!([]));
    sky.asked();
    let untested = sky.ends(["auth", "status", "--no-test", "--json"]).json().remove(0);
    assert!(untested["works"].is_null() && sky.asked().is_empty());
}

#[test]
fn what_a_key_lacks_is_said() {
    let permissions = vec!["write:sandboxes".to_owned()];
    let sky = Sky::with(Options { permissions, ..Options::quick() });
    let told = sky.ends(["auth", "status"]);
    assert!(
        told.out().contains("lacks     delete:sandboxes, write:snapshots, delete:snapshots"),
        "{}",
        told.out()
    );
    assert!(told.err().contains("warning: the key lacks"), "{}", told.err());
    let line = sky.ends(["auth", "status", "--json"]).json().remove(0);
    assert_eq!(line["access"]["lacks"][0], "delete:sandboxes");
}

#[test]
fn a_key_that_does_not_work_is_an_answer_with_words() {
    let sky = Sky::new();
    let other = "dtn_ffffffffffffffffffffffffffffffff";
    let told = sky.without_key(["auth", "status"]).env("DAYTONA_API_KEY", other).ended().expect(1);
    assert!(told.out().contains("no [daytona-key-refused]"), "{}", told.out());
    assert!(told.err().contains("hint: enter another key") && !told.err().contains(other), "{}", told.err());

    // The dashboard's address instead of the API's answers everything with a page.
    sky.double.fault(Fault::always("*", "*", Effect::html(200)));
    let told = secretive(sky.call(["auth", "status", "--json"]).ended().expect(1)).json().remove(0);
    assert_eq!(told["error"]["code"], "daytona-wrong-address");
    assert_eq!(told["works"], false);
    let requests = sky.double.requests();
    let page = requests.last().unwrap();
    assert!(page.path.ends_with("/config") && !page.headers.contains_key("authorization"), "{page:?}");

    let nowhere = sky.call(["auth", "status", "--json"]).env("DAYTONA_API_URL", "http://127.0.0.1:9/api");
    let told = secretive(nowhere.ended().expect(1)).json().remove(0);
    assert_eq!(told["error"]["code"], "daytona-unreachable");
}

#[test]
fn without_a_key_the_next_step_is_said_and_nobody_is_asked() {
    let sky = Sky::new();
    let told = sky.without_key(["auth", "status"]).ended().expect(1);
    assert!(told.out().contains("stigmer auth login"), "{}", told.out());
    let line = sky.without_key(["auth", "status", "--json"]).ended().expect(1).json().remove(0);
    assert_eq!(line, serde_json::json!({ "has_key": false }));
    sky.without_key(["snapshot", "list"]).ended().expect(125).expect_error("daytona-no-key");
    assert!(sky.asked().is_empty());
}

#[test]
fn without_a_keychain_nothing_is_kept_and_the_words_say_what_to_do() {
    let sky = Sky::new();
    for args in [&["auth", "login"][..], &["auth", "login", "--no-test"], &["auth", "login", "--from-config"]]
    {
        let told = sky.without_key(args.iter().copied()).stdin(KEY).ended().expect(125);
        let told = secretive(told.expect_error("keychain-absent"));
        assert!(told.err().contains("DAYTONA_API_KEY"), "{}", told.err());
    }
    sky.without_key(["auth", "logout"]).ended().expect(125).expect_error("keychain-absent");
    assert!(sky.asked().is_empty());
}
