//! Stops, time limits and the end of the engine itself: the tree is gone, what was written is kept.

use std::time::Duration;

use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Limits, RunId};
use stigmer_engine::state::Outcome;

use crate::common::{assert_same, within};
use crate::desk::{Desk, STUBBORN, end, happenings, outcome, output, start, start_attached, wait_for};

const LONG: Duration = Duration::from_hours(1);
const TERMINATE: Stop = Stop::Ask(Manner::Terminate);
const INTERRUPT: Stop = Stop::Ask(Manner::Interrupt);

fn cancelled(forced: bool) -> Outcome {
    Outcome::Cancelled { forced }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polite_stop_lets_a_program_finish_its_sentence() {
    for (stop, signal) in [(INTERRUPT, "INT"), (TERMINATE, "TERM")].repeat(10) {
        let desk = Desk::new();
        let engine = desk.open().await;
        let never = wait_for("never");
        // The shell would tell how its own child ended.
        let quiet = "exec 2>&-; echo before; echo >ready";
        let line = format!("trap 'echo {signal}; exit' {signal}; {quiet}; {never}");
        let id = start(&engine, desk.line(&line)).await;
        // The program may be quicker than the engine's notice of it: it must be asked all the same.
        desk.until_said("ready").await;
        within(engine.stop(id, stop)).await.unwrap();
        assert_eq!(outcome(&end(&engine, id).await), &cancelled(false));
        assert_same(&output(&engine, id), format!("before\n{signal}\n").as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_listen_is_forced_after_the_grace_period() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut spec = desk.line(STUBBORN);
    spec.limits.grace = Duration::from_millis(100);
    let id = start(&engine, spec).await;
    desk.until_said("ready").await;
    within(engine.stop(id, TERMINATE)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &cancelled(true));
    assert!(desk.marker.alive().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stop_forces_at_once() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut spec = desk.line(STUBBORN);
    spec.limits.grace = LONG;
    let id = start(&engine, spec).await;
    desk.until_said("ready").await;
    for stop in [INTERRUPT, INTERRUPT, Stop::Force] {
        within(engine.stop(id, stop)).await.unwrap();
    }
    assert_eq!(outcome(&end(&engine, id).await), &cancelled(true));
    assert!(desk.marker.alive().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_any_moment_of_a_start_leaves_nothing() {
    let desk = Desk::new();
    let engine = desk.open().await;
    for micros in (0..40).map(|n| n * 200) {
        let id = start(&engine, desk.line("setsid sleep 1000 & sleep 1000")).await;
        // Anywhere between queued and running, which is what this test is about.
        tokio::time::sleep(Duration::from_micros(micros)).await;
        within(engine.stop(id, Stop::Force)).await.unwrap();
        let record = end(&engine, id).await;
        assert!(matches!(outcome(&record), Outcome::Cancelled { .. }), "{record:?}");
        assert_eq!(*happenings(&engine, id).last().unwrap(), "ended");
    }
    desk.marker.until_none_is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_over_or_unknown_cannot_be_stopped() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line("true")).await;
    let record = end(&engine, id).await;
    assert_eq!(within(engine.stop(id, Stop::Force)).await.unwrap_err().code(), "conflict");
    assert_eq!(within(engine.get(id)).await.unwrap(), record);
    let unknown = within(engine.stop(RunId::new(), Stop::Force)).await;
    assert_eq!(unknown.unwrap_err().code(), "run-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_time_is_over_is_ended_with_all_that_belongs_to_it() {
    let after = Duration::from_millis(300);
    for line in ["setsid sleep 1000 & sleep 1000", STUBBORN] {
        let desk = Desk::new();
        let engine = desk.open().await;
        let mut spec = desk.line(line);
        spec.limits = Limits { timeout: Some(after), grace: Duration::from_millis(200) };
        let id = start(&engine, spec).await;
        assert_eq!(outcome(&end(&engine, id).await), &Outcome::TimedOut { after });
        assert!(desk.marker.alive().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_after_the_time_was_over_only_makes_it_quicker() {
    let desk = Desk::new();
    let engine = desk.open().await;
    // By then it listens.
    let after = Duration::from_secs(2);
    let mut spec = desk.line("trap 'echo >asked' TERM; echo >ready; while :; do sleep 0.05; done");
    spec.limits = Limits { timeout: Some(after), grace: LONG };
    let id = start(&engine, spec).await;
    desk.until_said("asked").await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::TimedOut { after });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_does_not_hold_up_a_stop() {
    let desk = Desk::with("logs: { max_run_size: 64KiB }");
    let engine = desk.open().await;
    let mut spec =
        desk.line("exec 2>&-; trap 'echo end; exit' TERM; echo >ready; while :; do seq 1 1000; done");
    spec.limits.grace = LONG;
    let (id, reader) = start_attached(&engine, spec).await;
    desk.until_said("ready").await;
    within(engine.stop(id, TERMINATE)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &cancelled(false));
    assert!(output(&engine, id).ends_with(b"end\n"));
    drop(reader);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_closes_ends_all_of_its_runs() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(start(&engine, desk.line("setsid sleep 1000 & sleep 1000")).await);
    }
    desk.marker.until_alive(8).await;
    within(engine.close(TERMINATE)).await;
    assert!(desk.marker.alive().is_empty());
    let later = desk.open().await;
    for id in ids {
        let record = within(later.get(id)).await.unwrap();
        assert!(matches!(outcome(&record), Outcome::Cancelled { .. }), "{record:?}");
    }
}
