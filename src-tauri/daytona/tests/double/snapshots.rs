//! The lives of snapshots.

use std::time::Duration;

use daytona_double::{Effect, Options};
use stigmer_daytona::{Error, NewSnapshot, Resources, SnapshotFilter, SnapshotState};

use crate::ground::{LONG, ground, ground_with, kind};

#[tokio::test]
async fn a_snapshot_lives_from_its_creation_to_its_end() {
    let cooldown = Duration::from_secs(3);
    let ground = ground_with(Options { cooldown, ..Options::quick() }, |_| {});
    let snapshots = ground.client.snapshots();
    let resources = Resources { cpu: Some(2), memory: Some(4), disk: Some(5), ..Resources::default() };
    let new = NewSnapshot { resources, ..NewSnapshot::image("tools:v1", "python:3.12-slim") };
    let snapshot = snapshots.create(&new).await.unwrap();
    let snapshot = snapshots.wait_active(&snapshot.id, LONG).await.unwrap();
    assert_eq!((snapshot.cpu, snapshot.memory, snapshot.disk), (2, 4, 5));
    assert_eq!(snapshots.get("tools:v1").await.unwrap().id, snapshot.id);
    snapshots.deactivate(&snapshot.id).await.unwrap();
    assert_eq!(snapshots.get(&snapshot.id).await.unwrap().state, SnapshotState::Inactive);
    assert_eq!(kind(&snapshots.activate(&snapshot.id).await), "Invalid", "too soon");
    tokio::time::sleep(cooldown).await;
    snapshots.activate(&snapshot.id).await.unwrap();
    snapshots.wait_active(&snapshot.id, LONG).await.unwrap();
    assert_eq!(snapshots.activate(&snapshot.id).await.unwrap().state, SnapshotState::Active);
    assert!(snapshots.delete(&snapshot.id).await.unwrap());
}

#[tokio::test]
async fn what_cannot_become_a_snapshot_is_refused() {
    let ground = ground();
    let snapshots = ground.client.snapshots();
    assert_eq!(kind(&snapshots.create(&NewSnapshot::image("a", "python:latest")).await), "Invalid");
    snapshots.create(&NewSnapshot::image("b", "python:3.12")).await.unwrap();
    assert_eq!(kind(&snapshots.create(&NewSnapshot::image("b", "python:3.12")).await), "Conflict");
    let general = snapshots.list(SnapshotFilter::default()).all().await.unwrap();
    let general = general.iter().find(|snapshot| snapshot.general).unwrap();
    assert_eq!(kind(&snapshots.delete(&general.id).await), "Forbidden");
    assert_eq!(kind(&snapshots.delete("b").await), "Invalid");
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_found_by_its_name() {
    let ground = ground();
    ground.once("POST", "/api/snapshots", Effect::Lost);
    let snapshot = ground.client.snapshots().create(&NewSnapshot::image("s", "python:3.12")).await.unwrap();
    assert_eq!(snapshot.name, "s");
    assert_eq!(ground.asked("POST", "/api/snapshots"), 1);
    ground.once("POST", "/api/snapshots", Effect::Drop);
    ground.client.snapshots().create(&NewSnapshot::image("t", "python:3.12")).await.unwrap();
    assert_eq!(ground.asked("POST", "/api/snapshots"), 3);
}

#[tokio::test]
async fn a_build_is_followed_and_its_failure_told_with_the_reason() {
    let ground = ground_with(Options { delay: Duration::from_millis(300), ..Options::quick() }, |_| {});
    let snapshots = ground.client.snapshots();
    let new = NewSnapshot::dockerfile("built", "FROM python:3.12\nRUN exit 3\n");
    let snapshot = snapshots.create(&new).await.unwrap();
    let mut log = snapshots.build_log(&snapshot.id);
    let mut text = Vec::new();
    while let Some(piece) = log.next().await.unwrap() {
        text.extend_from_slice(&piece);
    }
    assert!(String::from_utf8_lossy(&text).contains("RUN exit 3"));
    let error = snapshots.wait_active(&snapshot.id, LONG).await.unwrap_err();
    assert!(matches!(&error, Error::Failed { reason: Some(_), .. }), "{error:?}");
}

#[tokio::test]
async fn a_log_that_breaks_is_read_on_without_repeating_anything() {
    let ground = ground_with(Options { delay: Duration::from_millis(900), ..Options::quick() }, |_| {});
    let snapshots = ground.client.snapshots();
    let new = NewSnapshot::dockerfile("cut", "FROM python:3.12\nRUN one\nRUN two\nRUN three\n");
    let snapshot = snapshots.create(&new).await.unwrap();
    ground.once("GET", "*/build-logs", Effect::Cut { bytes: 30 });
    let mut log = snapshots.build_log(&snapshot.id);
    let mut text = Vec::new();
    while let Some(piece) = log.next().await.unwrap() {
        text.extend_from_slice(&piece);
    }
    let text = String::from_utf8(text).unwrap();
    for line in ["FROM python:3.12", "RUN one", "RUN two", "RUN three", "Successfully tagged"] {
        assert_eq!(text.matches(line).count(), 1, "{line} in {text}");
    }
}

#[tokio::test]
async fn the_key_does_not_go_to_a_strange_place_for_a_log() {
    let ground = ground_with(Options { delay: Duration::from_millis(500), ..Options::quick() }, |_| {});
    let other = daytona_double::Double::start(Options::quick());
    let snapshots = ground.client.snapshots();
    let snapshot = snapshots.create(&NewSnapshot::dockerfile("x", "FROM a:1\n")).await.unwrap();
    let effect = Effect::Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body: serde_json::json!({"url": format!("{}/log", other.url())}),
        headers: std::collections::BTreeMap::new(),
    };
    ground.always("GET", "*/build-logs-url", effect);
    let mut log = snapshots.build_log(&snapshot.id);
    assert_eq!(kind(&log.next().await), "WrongAddress");
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_sandbox_becomes_a_snapshot() {
    let ground = ground();
    let sandbox = ground.started("source").await;
    let snapshots = ground.client.snapshots();
    snapshots.capture(&sandbox.id, "captured", false).await.unwrap();
    let snapshot = snapshots.wait_captured(&sandbox.id, "captured", LONG).await.unwrap();
    assert_eq!((snapshot.name.as_str(), &snapshot.state), ("captured", &SnapshotState::Active));
    assert_eq!(kind(&snapshots.capture(&sandbox.id, "captured", false).await), "Conflict");
    ground.once("POST", "*/snapshot", Effect::Lost);
    snapshots.capture(&sandbox.id, "again", false).await.unwrap();
    snapshots.wait_captured(&sandbox.id, "again", LONG).await.unwrap();
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let ground = ground();
    let snapshots = ground.client.snapshots();
    for number in 0..3 {
        let new = NewSnapshot::image(format!("mine-{number}"), "python:3.12");
        snapshots.create(&new).await.unwrap();
    }
    let filter =
        SnapshotFilter { name: Some("mine".to_owned()), limit: Some(2), ..SnapshotFilter::default() };
    let mut pages = snapshots.list(filter);
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
    assert!(pages.next().await.unwrap().is_none());
}
