//! A stop and a time limit end everything that a run started in its sandbox.

use std::time::Duration;

use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::state::Outcome;

use crate::common::{until, within};
use crate::desk::{STUBBORN, bytes, drain, end, outcome, output, read_until, start, start_attached};
use crate::yard::{Yard, facts, fresh, ran, refused, succeeds};

/// Processes that try to get away: of a session of their own, orphaned, deaf.
const ESCAPE: &str = "setsid sh -c 'trap \"\" HUP INT TERM; echo >escaped; while :; do sleep 1000; done' &
    (setsid sleep 1000 >/dev/null 2>&1 &)
    nohup sleep 1000 >/dev/null 2>&1 &
    while [ ! -e escaped ]; do sleep 0.01; done
    echo ready; wait";

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_whole_tree_after_its_grace() {
    let yard = Yard::new();
    let engine = yard.open().await;
    for sandbox in [fresh(), stigmer_engine::spec::Sandbox::default()] {
        let _ = std::fs::remove_file(yard.workspace.join("escaped"));
        let mut spec = yard.within(sandbox, ESCAPE);
        spec.limits.grace = Duration::from_millis(200);
        let (id, mut tail) = start_attached(&engine, spec).await;
        read_until(&mut tail, "ready\n").await;
        yard.marker.until_alive(4).await;
        within(engine.stop(id, Stop::Ask(Manner::Terminate))).await.unwrap();
        drop(tail);
        let record = end(&engine, id).await;
        assert_eq!(outcome(&record).word(), "cancelled");
        assert_eq!(yard.marker.alive(), [0_u32; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_limit_ends_one_that_does_not_listen() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let mut spec = yard.line(STUBBORN);
    spec.limits.timeout = Some(Duration::from_millis(300));
    spec.limits.grace = Duration::from_millis(100);
    let (record, _) = ran(&engine, spec).await;
    assert_eq!(outcome(&record), &Outcome::TimedOut { after: Duration::from_millis(300) });
    assert_eq!(yard.marker.alive(), [0_u32; 0]);
    // The sandbox serves on.
    let (next, _) = succeeds(&engine, yard.line("true")).await;
    assert_eq!((facts(&next).reused, &facts(&next).container), (true, &facts(&record).container));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_sandbox_is_made_leaves_none_behind() {
    let yard = Yard::new();
    let engine = yard.open().await;
    for delay in [0, 5, 20, 60, 120, 180] {
        let id = start(&engine, yard.within(fresh(), "sleep 1000")).await;
        tokio::time::sleep(Duration::from_millis(delay)).await; // the moment is what this test is about
        within(engine.stop(id, Stop::Force)).await.unwrap();
        assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    }
    until("no container is left", || yard.containers().is_empty().then_some(())).await;
    assert_eq!(yard.marker.alive(), [0_u32; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_the_exit_arrives_and_what_holds_the_pipe_does_not_hold_up_the_end() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let (record, said) = succeeds(&engine, yard.line("setsid sleep 1000 & seq 1 200000; echo last")).await;
    assert!(said.ends_with("\n200000\nlast\n") || said.contains("\n200000\nlast\n"), "{} bytes", said.len());
    assert!(record.duration().unwrap() < Duration::from_secs(10));
    let (id, tail) =
        start_attached(&engine, yard.within(fresh(), "echo first; sleep 0.2; echo second")).await;
    assert_eq!(bytes(&drain(tail).await), b"first\nsecond\n");
    assert_eq!(output(&engine, id), b"first\nsecond\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_stands_still_is_told_and_does_not_hold_up_a_stop() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let (first, _) = succeeds(&engine, yard.line("true")).await;
    let name = facts(&first).container.clone();
    crate::docker::docker(&["pause", &name]);
    let error = refused(&engine, yard.line("true")).await;
    assert!(error.message.contains("paused"), "{error:?}");
    let id = start(&engine, yard.line("true")).await;
    tokio::time::sleep(Duration::from_millis(300)).await; // so that it waits for the sandbox
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    crate::docker::docker(&["unpause", &name]);
    succeeds(&engine, yard.line("true")).await;
}
