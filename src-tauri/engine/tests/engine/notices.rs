//! What an engine tells whoever watches its runs, and those of other engines.

use bytes::Bytes;
use stigmer_engine::history::Filter;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::{Input, Mode, Origin, RunSpec};
use stigmer_engine::state::Outcome;

use crate::common::within;
use crate::desk::{Desk, end, happenings, outcome, output, run, start, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_any_engine_wake_whoever_watches_the_history() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let mut changes = [host.changes(), guest.changes()];
    let id = start(&host, desk.line(&wait_for("go"))).await;
    for changes in &mut changes {
        within(changes.changed()).await.unwrap();
        while within(guest.list(Filter::default())).await.unwrap()[0].state.word() != "running" {
            within(changes.changed()).await.unwrap();
        }
    }
    desk.say("go");
    for changes in &mut changes {
        while within(guest.list(Filter::default())).await.unwrap()[0].state.word() != "succeeded" {
            within(changes.changed()).await.unwrap();
        }
        changes.mark_unchanged();
    }
    within(guest.pin(id, true)).await.unwrap();
    within(changes[0].changed()).await.unwrap();
    within(guest.pin(id, false)).await.unwrap();
    within(guest.remove(vec![id])).await.unwrap();
    while !within(guest.list(Filter::default())).await.unwrap().is_empty() {
        within(changes[0].changed()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_again_after_nobody_did_is_woken_too() {
    let desk = Desk::new();
    let engine = desk.open().await;
    for _ in 0..20 {
        drop(engine.changes());
        let mut changes = engine.changes();
        run(&engine, desk.line("true")).await;
        within(changes.changed()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_and_happenings_are_told_of_the_runs_of_every_engine() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let line = format!("seq 1 1000; {}; seq 1 1000", wait_for("go"));
    let id = start(&host, desk.line(&line)).await;
    for engine in [&host, &guest] {
        let mut progress = within(engine.progress(id)).await.unwrap();
        let half = within(progress.wait_for(|progress| progress.bytes >= 3_893)).await.unwrap();
        assert_eq!((half.bytes, half.ended), (3_893, false));
        let mut happened = within(engine.happenings(id)).await.unwrap();
        within(happened.wait_for(|count| *count >= 3)).await.unwrap();
    }
    let mut following = Vec::new();
    for engine in [&host, &guest] {
        following
            .push((within(engine.progress(id)).await.unwrap(), within(engine.happenings(id)).await.unwrap()));
    }
    desk.say("go");
    for ((mut progress, mut happened), engine) in following.into_iter().zip([&host, &guest]) {
        let whole = within(progress.wait_for(|progress| progress.ended)).await.unwrap().bytes;
        assert_eq!(whole, 7_786);
        within(happened.wait_for(|count| *count == 4)).await.unwrap();
        assert_eq!(happenings(engine, id).last(), Some(&"ended"));
    }
    let over = *within(guest.progress(id)).await.unwrap().borrow();
    assert_eq!((over.bytes, over.ended), (7_786, true));
    assert_eq!(*within(guest.happenings(id)).await.unwrap().borrow(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_can_be_stopped_from_the_moment_that_it_is_in_the_list() {
    let desk = Desk::new();
    let engine = desk.open().await;
    for _ in 0..20 {
        let (starting, spec) = (engine.clone(), desk.line("sleep 1000"));
        let started = tokio::spawn(async move { starting.start(spec).await });
        let id = loop {
            let running = Filter { states: vec!["queued".into(), "running".into()], ..Filter::default() };
            if let Some(run) = engine.list(running).await.unwrap().first() {
                break run.id;
            }
        };
        within(engine.stop(id, Stop::Force)).await.unwrap();
        assert_eq!(within(started).await.unwrap().unwrap(), id);
        assert!(matches!(outcome(&end(&engine, id).await), Outcome::Cancelled { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_does_not_wait_for_a_change_that_waits_for_another_program() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = run(&engine, desk.line("true")).await.id;
    let other = rusqlite::Connection::open(desk.home.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (pinning, waits) = (engine.clone(), std::sync::Arc::new(tokio::sync::Notify::new()));
    let begun = std::sync::Arc::clone(&waits);
    let pinned = tokio::spawn(async move {
        let change = move |history: &stigmer_engine::history::History| {
            begun.notify_one();
            history.pin(id, true)
        };
        pinning.query(change).await
    });
    within(waits.notified()).await;
    for _ in 0..20 {
        assert_eq!(within(engine.list(Filter::default())).await.unwrap().len(), 1);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // Had a list waited for the change, that would have given up by now.
    other.execute_batch("ROLLBACK").unwrap();
    within(pinned).await.unwrap().unwrap();
    assert!(within(engine.get(id)).await.unwrap().pinned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_run_again_as_it_was_and_says_what_it_repeats() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let spec = RunSpec { labels: vec!["word".into()], input: Input::Piped, ..desk.line("cat; echo again") };
    let base = spec.env.base.clone();
    let id = start(&engine, spec).await;
    within(engine.input(id, Bytes::from_static(b"typed\n"))).await.unwrap();
    within(engine.end_input(id)).await.unwrap();
    end(&engine, id).await;
    let again = within(engine.rerun(id, None, Origin::Window, base.clone())).await.unwrap();
    let record = end(&engine, again).await;
    assert_eq!((record.spec.rerun_of, record.spec.origin), (Some(id), Origin::Window));
    assert_eq!(record.spec.labels, ["word"]);
    assert_eq!(output(&engine, again), b"again\n");
    let elsewhere = within(engine.again(again, Some(Mode::Daytona), Origin::Tray, base)).await.unwrap();
    assert_eq!((elsewhere.target.mode, elsewhere.rerun_of), (Some(Mode::Daytona), Some(again)));
}
