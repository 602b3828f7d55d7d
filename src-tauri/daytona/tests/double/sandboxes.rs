//! The lives of sandboxes.

use std::collections::BTreeMap;
use std::time::Duration;

use daytona_double::{Effect, Fault, Options};
use stigmer_daytona::{BuildInfo, Error, Filter, NewSandbox, Resize, Resources, Sandbox, State, Template};

use crate::ground::{LONG, ground, ground_with, impatient, kind};

fn labelled(name: &str, label: &str) -> NewSandbox {
    let labels = BTreeMap::from([("run".to_owned(), label.to_owned())]);
    NewSandbox { labels, ..NewSandbox::new(name, Template::Default) }
}

#[tokio::test]
async fn a_sandbox_lives_from_its_creation_to_its_end() {
    let ground = ground();
    let sandboxes = ground.sandboxes();
    let sandbox = ground.started("life").await;
    assert_eq!(sandboxes.get("life").await.unwrap().id, sandbox.id);
    sandboxes.stop(&sandbox.id, false).await.unwrap();
    sandboxes.wait(&sandbox.id, &State::Stopped, LONG).await.unwrap();
    sandboxes.archive(&sandbox.id).await.unwrap();
    sandboxes.wait(&sandbox.id, &State::Archived, LONG).await.unwrap();
    sandboxes.start(&sandbox.id).await.unwrap();
    sandboxes.wait(&sandbox.id, &State::Started, LONG).await.unwrap();
    assert!(sandboxes.delete(&sandbox.id).await.unwrap().is_some());
    sandboxes.wait_gone(&sandbox.id, LONG).await.unwrap();
    assert!(sandboxes.get(&sandbox.id).await.unwrap_err().is_not_found());
    assert!(sandboxes.delete(&sandbox.id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_asked_for_is_what_is_made() {
    let ground = ground();
    let resources = Resources { cpu: Some(2), memory: Some(3), disk: Some(4), ..Resources::default() };
    let new = NewSandbox {
        env: [("A".to_owned(), "1".to_owned())].into(),
        labels: [("k".to_owned(), "v".to_owned())].into(),
        target: Some("us".to_owned()),
        auto_stop: Some(7),
        auto_archive: Some(60),
        ttl_minutes: Some(90),
        ..NewSandbox::new("made", Template::image("python:3.12-slim", resources)).ephemeral()
    };
    let sandbox = ground.sandboxes().create(&new).await.unwrap();
    assert_eq!((sandbox.cpu, sandbox.memory, sandbox.disk), (2, 3, 4));
    assert_eq!((sandbox.env["A"].as_str(), sandbox.labels["k"].as_str()), ("1", "v"));
    assert_eq!((sandbox.auto_stop_interval, sandbox.auto_archive_interval), (Some(7), Some(60)));
    assert!(sandbox.is_ephemeral() && sandbox.auto_destroy_at.is_some());
    let BuildInfo { dockerfile_content, .. } = sandbox.build_info.unwrap();
    assert_eq!(dockerfile_content.unwrap(), "FROM python:3.12-slim\n");
}

#[tokio::test]
async fn the_log_of_a_build_is_followed_to_its_end() {
    let ground = ground_with(Options { delay: Duration::from_millis(400), ..Options::quick() }, |_| {});
    let dockerfile = "FROM python:3.12-slim\nENV A=1\nRUN true\n";
    let build = stigmer_daytona::Build::dockerfile(dockerfile);
    let template = Template::Build { build, resources: Resources::default() };
    let sandbox = ground.sandboxes().create(&NewSandbox::new("built", template)).await.unwrap();
    let mut log = ground.sandboxes().build_log(&sandbox.id);
    let mut text = Vec::new();
    while let Some(piece) = log.next().await.unwrap() {
        text.extend_from_slice(&piece);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("FROM python:3.12-slim") && text.contains("Successfully tagged"), "{text}");
    assert_eq!(text.matches("RUN true").count(), 1);
}

#[tokio::test]
async fn a_build_that_fails_ends_the_wait_with_its_reason() {
    let ground = ground();
    let build = stigmer_daytona::Build::dockerfile("FROM python:3.12-slim\nRUN false\n");
    let template = Template::Build { build, resources: Resources::default() };
    let sandbox = ground.sandboxes().create(&NewSandbox::new("bad", template)).await.unwrap();
    let error = ground.sandboxes().wait(&sandbox.id, &State::Started, LONG).await.unwrap_err();
    let Error::Failed { state, reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(state, "build_failed");
    assert!(reason.is_some(), "{error}");
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let ground = ground();
    for number in 0..5 {
        ground.sandboxes().create(&labelled(&format!("n{number}"), "list")).await.unwrap();
    }
    ground.sandboxes().create(&labelled("other", "no")).await.unwrap();
    let filter = Filter { limit: Some(2), ..Filter::label("run", "list") };
    let mut pages = ground.sandboxes().list(filter.clone());
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        sizes.push(page.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 5);
    assert!(sizes.len() >= 3 && sizes.iter().all(|size| *size <= 2), "{sizes:?}");
    let all: Vec<Sandbox> = ground.sandboxes().list(filter).all().await.unwrap();
    assert!(all.iter().all(|sandbox| sandbox.labels["run"] == "list"));
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again_from_where_it_was() {
    let ground = ground();
    for number in 0..3 {
        ground.sandboxes().create(&labelled(&format!("n{number}"), "list")).await.unwrap();
    }
    let mut pages = ground.sandboxes().list(Filter { limit: Some(2), ..Filter::label("run", "list") });
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    ground.once("GET", "/api/sandbox", Effect::status(403));
    assert_eq!(kind(&pages.next().await), "Forbidden");
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
    assert!(pages.next().await.unwrap().is_none());
}

#[tokio::test]
async fn labels_and_timers_are_changed() {
    let ground = ground();
    let sandboxes = ground.sandboxes();
    let id = ground.started("settings").await.id;
    let labels = BTreeMap::from([("a".to_owned(), "b & c".to_owned())]);
    assert_eq!(sandboxes.set_labels(&id, &labels).await.unwrap(), labels);
    assert_eq!(sandboxes.set_auto_stop(&id, 30).await.unwrap().auto_stop_interval, Some(30));
    assert_eq!(sandboxes.set_auto_archive(&id, 60).await.unwrap().auto_archive_interval, Some(60));
    assert_eq!(sandboxes.set_auto_delete(&id, -1).await.unwrap().auto_delete_interval, Some(-1));
    assert!(sandboxes.set_ttl(&id, 90).await.unwrap().auto_destroy_at.is_some());
    sandboxes.touch(&id).await.unwrap();
    let resize = Resize { cpu: Some(2), ..Resize::default() };
    sandboxes.resize(&id, resize).await.unwrap();
    let grown = sandboxes.wait_until(&id, LONG, |it| it.cpu == 2 && it.state == State::Started).await;
    assert_eq!(grown.unwrap().cpu, 2);
    let access = sandboxes.ssh_access(&id, 10).await.unwrap();
    assert!(!format!("{access:?}").contains(&access.token));
    let preview = sandboxes.preview_url(&id, 3000).await.unwrap();
    assert!(preview.url.contains("3000"));
}

#[tokio::test]
async fn a_sandbox_that_failed_is_told_with_its_reason_and_can_be_recovered() {
    let ground = ground();
    let id = ground.started("broken").await.id;
    let double = ground.double;
    let double = tokio::task::spawn_blocking(move || {
        double.change_sandbox("broken", "error", Some("disk on fire"));
        double
    });
    let double = double.await.unwrap();
    let sandboxes = ground.client.sandboxes();
    let error = sandboxes.wait(&id, &State::Started, LONG).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the sandbox `{id}` is `error`: disk on fire"));
    if sandboxes.get(&id).await.unwrap().recoverable == Some(true) {
        sandboxes.recover(&id, true).await.unwrap();
        sandboxes.wait(&id, &State::Started, LONG).await.unwrap();
    }
    drop(double);
}

#[tokio::test]
async fn waiting_ends_at_the_deadline_and_says_what_was_seen() {
    let ground = ground();
    let id = ground.started("still").await.id;
    let error = ground.sandboxes().wait(&id, &State::Stopped, Duration::from_millis(400)).await.unwrap_err();
    assert!(matches!(&error, Error::Deadline { last, .. } if last == "started"), "{error:?}");
}

#[tokio::test]
async fn waiting_sits_out_failures_of_the_network() {
    let ground = ground();
    let id = ground.started("outage").await.id;
    let path = format!("/api/sandbox/{id}");
    ground.double.fault(Fault::always("GET", &path, Effect::bad_gateway()).times(9));
    ground.sandboxes().wait(&id, &State::Started, LONG).await.unwrap();
    assert!(ground.asked("GET", &path) >= 10);
}

#[tokio::test]
async fn a_state_that_nobody_knows_is_waited_through() {
    let ground = ground();
    let id = ground.started("future").await.id;
    let mut strange = ground.double.sandboxes()[0].clone();
    strange["state"] = "teleporting".into();
    let effect = Effect::Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body: strange,
        headers: BTreeMap::new(),
    };
    ground.double.fault(Fault::always("GET", &format!("/api/sandbox/{id}"), effect).times(2));
    ground.sandboxes().wait(&id, &State::Started, LONG).await.unwrap();
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_found_by_its_name() {
    for effect in [Effect::Lost, Effect::Cut { bytes: 20 }] {
        let ground = ground();
        ground.once("POST", "/api/sandbox", effect);
        let sandbox = ground.sandboxes().create(&labelled("lost", "1")).await.unwrap();
        assert_eq!(sandbox.name, "lost");
        assert_eq!(ground.asked("POST", "/api/sandbox"), 1);
        assert_eq!(ground.double.sandboxes().len(), 1);
    }
}

#[tokio::test]
async fn a_creation_that_never_arrived_is_made_again() {
    let ground = ground();
    ground.once("POST", "/api/sandbox", Effect::Drop);
    ground.sandboxes().create(&labelled("dropped", "1")).await.unwrap();
    assert_eq!(ground.asked("POST", "/api/sandbox"), 2);
    assert_eq!(ground.double.sandboxes().len(), 1);
}

#[tokio::test]
async fn a_creation_that_takes_too_long_is_found_and_not_made_twice() {
    let options = Options { delay: Duration::from_millis(800), ..Options::quick() };
    let ground = ground_with(options, |config| config.limits = impatient());
    let sandbox = ground.sandboxes().create(&labelled("slow", "1")).await.unwrap();
    assert!(!sandbox.state.is_failed());
    assert_eq!(ground.double.sandboxes().len(), 1);
    ground.sandboxes().wait(&sandbox.id, &State::Started, LONG).await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_asks_twice_does_not_make_two() {
    let ground = ground();
    ground.once("POST", "/api/sandbox", Effect::Twice);
    let result = ground.sandboxes().create(&labelled("twice", "1")).await;
    // The second answer says that the name is taken; nothing here was lost, so that is what is told.
    assert!(matches!(result, Ok(_) | Err(Error::Conflict(_))), "{result:?}");
    assert_eq!(ground.double.sandboxes().len(), 1);
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_not_taken_for_ours() {
    let ground = ground();
    ground.sandboxes().create(&labelled("same", "theirs")).await.unwrap();
    assert_eq!(kind(&ground.sandboxes().create(&labelled("same", "ours")).await), "Conflict");
    ground.once("POST", "/api/sandbox", Effect::Drop);
    assert_eq!(kind(&ground.sandboxes().create(&labelled("same", "ours")).await), "Unreachable sent");
    assert_eq!(ground.double.sandboxes().len(), 1);
}

#[tokio::test]
async fn changes_whose_answers_are_lost_are_looked_after_and_not_made_twice() {
    let ground = ground();
    let sandboxes = ground.sandboxes();
    let id = ground.started("changes").await.id;
    ground.once("POST", "*/stop", Effect::Lost);
    sandboxes.stop(&id, true).await.unwrap();
    sandboxes.wait(&id, &State::Stopped, LONG).await.unwrap();
    ground.once("POST", "*/archive", Effect::Lost);
    sandboxes.archive(&id).await.unwrap();
    sandboxes.wait(&id, &State::Archived, LONG).await.unwrap();
    ground.once("POST", "*/start", Effect::Lost);
    sandboxes.start(&id).await.unwrap();
    sandboxes.wait(&id, &State::Started, LONG).await.unwrap();
    ground.once("DELETE", "/api/sandbox/*", Effect::Lost);
    sandboxes.delete(&id).await.unwrap();
    sandboxes.wait_gone(&id, LONG).await.unwrap();
}

#[tokio::test]
async fn a_change_under_way_is_waited_for() {
    let ground = ground();
    let id = ground.started("busy").await.id;
    let busy = Effect::refuse(409, "Sandbox state change in progress");
    ground.double.fault(Fault::always("POST", "*/stop", busy.clone()).times(2));
    ground.sandboxes().stop(&id, false).await.unwrap();
    assert_eq!(ground.asked("POST", "*/stop"), 3);
    ground.sandboxes().wait(&id, &State::Stopped, LONG).await.unwrap();
    ground.double.fault(Fault::always("DELETE", "/api/sandbox/*", busy).times(2));
    ground.sandboxes().delete(&id).await.unwrap();
}

#[tokio::test]
async fn a_refusal_of_a_state_is_told_at_once() {
    let ground = ground();
    let id = ground.started("running").await.id;
    assert_eq!(kind(&ground.sandboxes().archive(&id).await), "Invalid");
    assert_eq!(ground.asked("POST", "*/archive"), 1);
    assert_eq!(kind(&ground.sandboxes().pause(&id).await), "Invalid");
}

#[tokio::test]
async fn an_unknown_snapshot_and_a_full_quota_are_different_things() {
    let ground = ground();
    let unknown = NewSandbox::new("a", Template::snapshot("nothing"));
    assert_eq!(kind(&ground.sandboxes().create(&unknown).await), "Invalid");
    ground.once("POST", "/api/sandbox", Effect::quota());
    assert_eq!(kind(&ground.sandboxes().create(&labelled("b", "1")).await), "Quota");
    assert_eq!(ground.asked("POST", "/api/sandbox"), 2);
}

#[tokio::test]
async fn looking_at_a_sandbox_asks_the_control_plane_alone() {
    let ground = ground();
    let id = ground.started("looked").await.id;
    ground.double.clear_requests();
    ground.sandboxes().get(&id).await.unwrap();
    ground.sandboxes().list(Filter::default()).all().await.unwrap();
    assert!(ground.double.requests().iter().all(|request| request.path.starts_with("/api/")));
}

#[tokio::test]
async fn an_older_server_says_where_the_toolbox_is_when_it_is_asked() {
    let ground = ground();
    let mut sandbox = ground.started("old").await;
    sandbox.toolbox_proxy_url.clear();
    assert!(ground.client.toolbox(&sandbox).is_err());
    let toolbox = ground.sandboxes().toolbox(&sandbox).await.unwrap();
    assert!(format!("{toolbox:?}").contains(&sandbox.id));
}
