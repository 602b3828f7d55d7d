//! Sandboxes and snapshots in every state, before a run and under it.

use std::time::Duration;

use daytona_double::{Effect, Ending, Fault, Options};
use serde_json::json;
use stigmer_daytona::NewSnapshot;
use stigmer_engine::spec::{Input, Sandbox};
use stigmer_engine::state::Outcome;

use crate::common::{assert_same, numbers, until, within};
use crate::desk::{end, outcome, output, read_until, start, start_attached};
use crate::sky::{Sky, facts, refused, succeeds};

fn within_one(name: &str) -> Sandbox {
    Sandbox { within: Some(name.to_owned()), ..Sandbox::default() }
}

fn of_snapshot(name: &str) -> Sandbox {
    Sandbox { snapshot: Some(name.to_owned()), ..Sandbox::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_sleeps_is_woken_and_one_that_is_broken_replaced() {
    for (state, is_same) in [("stopped", true), ("archived", true), ("error", false), ("destroyed", false)] {
        let Some(sky) = Sky::new() else { return };
        let engine = sky.open().await;
        let (record, _) = succeeds(&engine, sky.line("echo x >kept-there")).await;
        let before = facts(&record).id.clone();
        sky.change(&sky.only(), state, None);
        let (record, said) = succeeds(&engine, sky.line("ls")).await;
        assert_eq!(facts(&record).id == before, is_same, "{state}");
        assert_eq!(said.contains("kept-there"), is_same, "{state}: its files are those of before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_asked_for_by_name_is_never_replaced() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    succeeds(&engine, sky.line("true")).await;
    let name = sky.only();
    for state in ["stopped", "error"] {
        sky.change(&name, state, None);
        let error = refused(&engine, sky.asking(within_one(&name), "true")).await;
        assert_eq!(error.code, "conflict");
        assert!(error.message.contains(&format!("`{state}`")) && error.hint.is_some(), "{error:?}");
    }
    sky.change(&name, "destroyed", None);
    assert_eq!(refused(&engine, sky.asking(within_one(&name), "true")).await.code, "daytona-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_come_up_is_told_with_its_reason_and_deleted() {
    let Some(sky) = Sky::with(Options { delay: Duration::from_millis(1500), ..Options::default() }) else {
        return;
    };
    let engine = sky.open().await;
    let id = start(&engine, sky.line("true")).await;
    until("it is being made", || (!sky.sandboxes().is_empty()).then_some(())).await;
    sky.change(&sky.only(), "error", Some("no machine has room"));
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert!(error.message.contains("no machine has room"), "{error:?}");
    until("it is deleted", || sky.sandboxes().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_archived_under_a_run_is_told_and_nothing_is_left_of_the_run() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let (id, mut tail) = start_attached(&engine, sky.line("echo began; sleep 1000")).await;
    read_until(&mut tail, "began\n").await;
    drop(tail);
    sky.change(&sky.only(), "archived", None);
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "sandbox-lost");
    assert!(error.message.contains("`archived`"), "{error:?}");
    assert_eq!(output(&engine, id), b"began\n");
    assert!(sky.notes().is_empty() && engine.going_on().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_and_fields_that_nobody_knows_are_no_end_of_anything() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    succeeds(&engine, sky.line("true")).await;
    let mut body = sky.double.sandboxes().remove(0);
    body["state"] = json!("hibernating");
    body["mood"] = json!({ "of": ["things", 7, null] });
    body["cpu"] = json!(1.0);
    let answer = Effect::Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body,
        headers: std::collections::BTreeMap::new(),
    };
    // While it starts, and while a broken connection is looked for.
    sky.change(&sky.only(), "stopped", None);
    sky.double.fault(Fault::always("GET", "/api/sandbox/*", answer.clone()).after(1).times(2));
    sky.double.fault(Fault::once(
        "GET",
        "*/create-connect",
        Effect::Socket { after: 2_000, then: Ending::Drop },
    ));
    let (record, _) = succeeds(&engine, sky.line("seq 1 10000")).await;
    assert_same(&output(&engine, record.id), &numbers(1, 10_000));
    assert_eq!(sky.sandboxes().len(), 1);
    sky.double.fault(Fault::once(
        "GET",
        "*/create-connect",
        Effect::Socket { after: 2_000, then: Ending::Drop },
    ));
    sky.double.fault(Fault::once("GET", "*/create-connect", Effect::bad_gateway()));
    sky.double.fault(Fault::always("GET", "/api/sandbox/*", answer).after(1).times(1));
    let (record, _) = succeeds(&engine, sky.line("seq 1 10000")).await;
    assert_same(&output(&engine, record.id), &numbers(1, 10_000));
    assert!(sky.double.faults().is_empty(), "{:?}", sky.double.faults());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_in_a_state_that_nobody_knows_is_waited_for_and_not_replaced() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let (first, _) = succeeds(&engine, sky.line("echo kept > ~/file")).await;
    for stops in [false, true] {
        let mut body = sky.double.sandboxes().remove(0);
        body["state"] = json!("hibernating");
        let (content_type, headers) = ("application/json".to_owned(), std::collections::BTreeMap::new());
        let answer = Effect::Answer { status: 200, content_type, body, headers };
        sky.double.fault(Fault::always("GET", "/api/sandbox/*", answer).times(3));
        if stops {
            sky.change(&sky.only(), "stopped", None);
        }
        let (record, said) = succeeds(&engine, sky.line("cat ~/file")).await;
        assert_eq!((said.as_str(), &facts(&record).id), ("kept\n", &facts(&first).id));
        assert!(sky.double.faults().is_empty(), "it was seen in that state: {:?}", sky.double.faults());
    }
    assert_eq!(sky.sandboxes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_not_there_or_not_good_is_told_with_what_to_do() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let (daytona, account) = engine.daytona(None).unwrap();
    let client = within(daytona.client(&account)).await.unwrap();
    let snapshots = client.snapshots();
    let error = refused(&engine, sky.asking(of_snapshot("never-made"), "true")).await;
    assert_eq!(error.code, "daytona-invalid");
    assert!(error.message.contains("never-made not found"), "{error:?}");
    let broken = NewSnapshot::image("broken", "registry.example.com/missing:1");
    let made = snapshots.create(&broken).await.unwrap();
    assert!(snapshots.wait_active(&made.id, Duration::from_secs(20)).await.is_err());
    let error = refused(&engine, sky.asking(of_snapshot("broken"), "true")).await;
    assert!(error.message.contains("broken is error"), "{error:?}");
    let good = NewSnapshot::image("good", "registry.example.com/tools:1");
    let made = snapshots.create(&good).await.unwrap();
    snapshots.wait_active(&made.id, Duration::from_secs(20)).await.unwrap();
    succeeds(&engine, sky.asking(of_snapshot("good"), "true")).await;
    snapshots.delete(&made.id).await.unwrap();
    within(async { while snapshots.get(&made.id).await.is_ok() {} }).await;
    // A sandbox that was made from it goes on without it; another is refused.
    succeeds(&engine, sky.asking(of_snapshot("good"), "true")).await;
    let asked = Sandbox { fresh: true, ..of_snapshot("good") };
    assert!(refused(&engine, sky.asking(asked, "true")).await.message.contains("good not found"));
    assert_eq!(sky.sandboxes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_is_deleted_under_a_run_ends_nothing_and_is_told_where_it_was_to_come_back() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    for bring_back in [false, true] {
        std::fs::create_dir_all(&sky.workspace).unwrap();
        let asked = Sandbox { bring_back, ..Sandbox::default() };
        let mut spec = sky.asking(asked, "echo began; read line; echo made >made; echo over");
        spec.input = Input::Piped;
        let (id, mut tail) = start_attached(&engine, spec).await;
        read_until(&mut tail, "began\n").await;
        drop(tail);
        std::fs::remove_dir_all(&sky.workspace).unwrap();
        within(engine.input(id, "go\n".into())).await.unwrap();
        let record = end(&engine, id).await;
        assert_eq!(output(&engine, id), b"began\nover\n");
        match outcome(&record) {
            Outcome::Succeeded => assert!(!bring_back),
            Outcome::Error { error } => {
                assert!(bring_back && error.code == "folder-unusable" && error.hint.is_some(), "{error:?}");
            }
            other => panic!("{other:?}"),
        }
        assert!(sky.notes().is_empty() && engine.going_on().is_empty());
    }
    // What it made is still there.
    std::fs::create_dir_all(&sky.workspace).unwrap();
    let asked = Sandbox { within: Some(sky.only()), ..Sandbox::default() };
    assert_eq!(succeeds(&engine, sky.asking(asked, "ls made")).await.1, "made\n");
}
