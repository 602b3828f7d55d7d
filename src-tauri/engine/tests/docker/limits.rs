//! Limits hold, and a run that met one says so.

use std::time::Duration;

use stigmer_engine::live::Stop;
use stigmer_engine::spec::Sandbox;

use crate::common::{until, within};
use crate::desk::{end, start};
use crate::yard::{Yard, ran, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_processes_is_contained_and_ended() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let sandbox = Sandbox { pids: Some(200), ..Sandbox::default() };
    // A shell ends when it cannot fork, and the flood with it; what fills the room before stays.
    let bomb = "i=0; while [ $i -lt 190 ]; do sleep 1000 & i=$((i+1)); done; \
        (bomb() { bomb & bomb & wait; }; bomb) 2>/dev/null & exec sleep 1000";
    let id = start(&engine, yard.within(sandbox.clone(), bomb)).await;
    until("it is full", || (yard.marker.alive().len() > 150).then_some(())).await;
    assert!(yard.marker.alive().len() <= 200);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(end(&engine, id).await.state.word(), "cancelled");
    yard.marker.until_none_is_alive().await;
    // And there is room again.
    succeeds(&engine, yard.within(sandbox, "true")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_that_is_not_stopped_ends_with_its_command() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let sandbox = Sandbox { pids: Some(100), ..Sandbox::default() };
    let bomb = "bomb() { bomb & bomb & }; bomb 2>/dev/null & sleep 0.5; exit 7";
    let mut spec = yard.within(sandbox, bomb);
    spec.limits.timeout = Some(Duration::from_mins(1));
    let (record, _) = ran(&engine, spec).await;
    assert!(record.state.ending().is_some());
    yard.marker.until_none_is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_out_of_memory_says_so_also_a_child() {
    let yard = Yard::of("stigmer-sandbox-basic:local", "");
    let engine = yard.open().await;
    let sandbox = Sandbox { memory: Some(64 << 20), ..Sandbox::default() };
    let eat = "python3 -c 'a = bytearray(200 << 20)'";
    let (record, _) = ran(&engine, yard.within(sandbox.clone(), &format!("exec {eat}"))).await;
    assert_eq!(crate::desk::outcome(&record).exit_code(), Some(137));
    let ending = record.state.ending().unwrap();
    assert!(ending.ran_out_of_memory(), "{ending:?}");
    // The command lives on and ends well.
    let (record, said) = succeeds(&engine, yard.within(sandbox.clone(), &format!("{eat}; echo $?"))).await;
    assert!(said.contains("137"), "{said}");
    assert_eq!(record.state.ending().unwrap().usage.unwrap().oom_kills, 1);
    let (record, _) = succeeds(&engine, yard.within(sandbox, "true")).await;
    assert_eq!(record.state.ending().unwrap().usage.unwrap().oom_kills, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn processors_are_shared_out() {
    let yard = Yard::new();
    let engine = yard.open().await;
    // A tenth of a processor: so much work takes about ten times its time.
    let sandbox = Sandbox { cpus: Some(0.1), ..Sandbox::default() };
    let line = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let (record, _) = succeeds(&engine, yard.within(sandbox, line)).await;
    let usage = record.state.ending().unwrap().usage.unwrap();
    let used = Duration::from_micros(usage.user_us + usage.system_us);
    let took = record.duration().unwrap();
    assert!(took > used * 3, "it used {used:?} in {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_cannot_be_is_told() {
    let yard = Yard::new();
    let engine = yard.open().await;
    for sandbox in [
        Sandbox { memory: Some(1 << 20), ..Sandbox::default() },
        Sandbox { cpus: Some(1000.0), ..Sandbox::default() },
    ] {
        let error = crate::yard::refused(&engine, yard.within(sandbox, "true")).await;
        assert_eq!(error.code, "sandbox-refused");
        assert!(error.hint.unwrap().contains("--memory or --cpus"));
    }
}
