//! What goes wrong in the cloud is told as what it is, and nothing is left behind.

use std::time::Duration;

use daytona_double::{Effect, Fault, Options};
use stigmer_engine::live::Stop;
use stigmer_engine::spec::Sandbox;
use stigmer_engine::state::Outcome;

use crate::common::{until, within};
use crate::desk::{end, outcome, output, read_until, start, start_attached};
use crate::sky::{Sky, facts, fresh, refused, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_or_missing_is_told_with_what_to_do() {
    let Some(sky) = Sky::new() else { return };
    let text = std::fs::read_to_string(sky.home.config()).unwrap();
    std::fs::write(sky.home.config(), text.replace(sky.double.key(), "dtn_wrong")).unwrap();
    let engine = sky.open().await;
    let error = refused(&engine, sky.line("true")).await;
    assert_eq!(error.code, "daytona-key-refused");
    assert!(error.hint.unwrap().contains("auth login") && !error.message.contains("dtn_wrong"));
    std::fs::write(sky.home.config(), "mode: daytona\n").unwrap();
    assert_eq!(refused(&engine, sky.line("true")).await.code, "daytona-no-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_is_stopped_or_deleted_under_a_run_is_told_and_what_was_printed_is_kept() {
    for (state, why) in
        [("stopped", "it is `stopped`"), ("error", "it is `error`: disk broke"), ("destroyed", "deleted")]
    {
        let Some(sky) = Sky::new() else { return };
        let engine = sky.open().await;
        let (id, mut tail) = start_attached(&engine, sky.line("echo began; sleep 1000")).await;
        read_until(&mut tail, "began\n").await;
        let name = sky.double.sandboxes()[0]["name"].as_str().unwrap().to_owned();
        sky.change(&name, state, (state == "error").then_some("disk broke"));
        drop(tail);
        let record = end(&engine, id).await;
        let Outcome::Error { error } = outcome(&record) else { panic!("{state}: {record:?}") };
        assert_eq!(error.code, "sandbox-lost", "{state}: {error:?}");
        assert!(error.message.contains(why), "{state}: {error:?}");
        assert_eq!(output(&engine, id), b"began\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_sleeps_is_woken_and_the_sandbox_made_all_the_same() {
    let options = Options { cooldown: Duration::ZERO, ..Options::default() };
    let Some(sky) = Sky::with(Options { delay: Duration::from_millis(20), ..options }) else { return };
    let engine = sky.open().await;
    let (daytona, account) = engine.daytona(None).unwrap();
    let client = within(daytona.client(&account)).await.unwrap();
    let snapshots = client.snapshots();
    let new = stigmer_daytona::NewSnapshot::image("tools", "registry.example.com/tools:1");
    let made = snapshots.create(&new).await.unwrap();
    snapshots.wait_active(&made.id, Duration::from_secs(20)).await.unwrap();
    snapshots.deactivate(&made.id).await.unwrap();
    let asked = Sandbox { snapshot: Some("tools".to_owned()), ..Sandbox::default() };
    let (record, said) = succeeds(&engine, sky.asking(asked, "echo hi")).await;
    assert_eq!((said.as_str(), facts(&record).snapshot.as_deref()), ("hi\n", Some("tools")));
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    assert!(told.contains("activate the snapshot tools"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_creation_got_no_answer_is_found_by_its_name_and_none_is_left_over() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    sky.double.fault(Fault::once("POST", "/api/sandbox", Effect::Lost));
    succeeds(&engine, sky.line("true")).await;
    assert_eq!(sky.sandboxes().len(), 1);
    for effect in [Effect::quota(), Effect::status(403), Effect::html(200)] {
        sky.double.fault(Fault::once("POST", "/api/sandbox", effect));
        let error = refused(&engine, sky.asking(fresh(), "true")).await;
        assert!(error.code.starts_with("daytona-") && error.hint.is_some(), "{error:?}");
    }
    assert_eq!(sky.sandboxes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_sandbox_is_made_leaves_none_behind() {
    let Some(sky) = Sky::with(Options { delay: Duration::from_millis(1500), ..Options::default() }) else {
        return;
    };
    let engine = sky.open().await;
    let id = start(&engine, sky.asking(fresh(), "true")).await;
    until("it is being made", || (!sky.sandboxes().is_empty()).then_some(())).await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    until("it is deleted", || sky.sandboxes().is_empty().then_some(())).await;
}
