//! Runs of another engine: read, waited for and stopped from here. Two engines on one home are two hosts, even
//! in one process.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use notify::Watcher as _;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::state::Outcome;

use crate::common::{assert_same, at_rest, numbers, within};
use crate::desk::{Desk, STUBBORN, bytes, drain, end, happenings, outcome, read_until, run, start, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_engine_is_read_while_it_goes_on() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let line = format!("seq 1 1000; echo ready; {}; seq 1001 90000", wait_for("go"));
    let id = start(&host, desk.line(&line)).await;
    let mut tail = within(guest.tail(id, 0)).await.unwrap();
    let mut all = read_until(&mut tail, "ready\n").await;
    let late = within(guest.tail(id, 0)).await.unwrap();
    desk.say("go");
    all.extend(bytes(&drain(tail).await));
    let expected = [numbers(1, 1_000), b"ready\n".to_vec(), numbers(1_001, 90_000)].concat();
    assert_same(&all, &expected);
    assert_same(&bytes(&drain(late).await), &expected);
    assert_eq!(end(&guest, id).await, end(&host, id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_engine_that_is_over_is_read_and_told_the_same() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let record = run(&host, desk.line("seq 1 5000; exit 3")).await;
    assert_eq!(end(&guest, record.id).await, record);
    let tail = within(guest.tail(record.id, 0)).await.unwrap();
    assert_same(&bytes(&drain(tail).await), &numbers(1, 5_000));
    assert_eq!(happenings(&guest, record.id), ["created", "preparing", "running", "ended"]);
    let (events, more) = guest.events(record.id, 3).unwrap();
    assert_eq!((events.len(), more.is_some()), (1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_engine_is_stopped_politely_and_by_force() {
    for (stop, line, forced) in [
        (Stop::Ask(Manner::Interrupt), "trap 'exit 3' INT; echo >ready; while :; do sleep 0.05; done", false),
        (
            Stop::Ask(Manner::Terminate),
            "trap 'exit 3' TERM; echo >ready; while :; do sleep 0.05; done",
            false,
        ),
        (Stop::Force, STUBBORN, true),
    ] {
        let desk = Desk::new();
        let (host, guest) = (desk.open().await, desk.open().await);
        let id = start(&host, desk.line(line)).await;
        desk.until_said("ready").await;
        within(guest.stop(id, stop)).await.unwrap();
        assert_eq!(outcome(&end(&guest, id).await), &Outcome::Cancelled { forced });
        assert!(desk.marker.alive().is_empty());
        assert_eq!(within(guest.stop(id, stop)).await.unwrap_err().code(), "conflict");
        drop(host);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_another_engine_is_heard_at_once_after_the_start() {
    let desk = Desk::new();
    let guest = desk.open().await;
    for _ in 0..10 {
        let host = desk.open().await;
        let id = start(&host, desk.line("sleep 1000")).await;
        within(guest.stop(id, Stop::Force)).await.unwrap();
        assert!(matches!(outcome(&end(&guest, id).await), Outcome::Cancelled { .. }));
        within(host.close(Stop::Force)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_request_does_not_outlive_its_run() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let id = start(&host, desk.line("sleep 1000")).await;
    within(guest.stop(id, Stop::Force)).await.unwrap();
    end(&guest, id).await;
    let files = std::fs::read_dir(desk.home.hosts()).unwrap().map(|entry| entry.unwrap().path());
    let requests: Vec<_> = files.filter(|path| path.extension().is_none_or(|it| it != "lock")).collect();
    assert_eq!(requests, [""; 0].map(PathBuf::from));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_no_input_from_another_engine() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let id = start(&host, desk.line("sleep 1000")).await;
    let refused = within(guest.input(id, Bytes::from_static(b"x"))).await;
    assert_eq!(refused.unwrap_err().code(), "conflict");
    within(host.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_silent_is_not_looked_at() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let id = start(&host, desk.line("echo ready; sleep 1000")).await;
    let mut tail = within(guest.tail(id, 0)).await.unwrap();
    read_until(&mut tail, "ready\n").await;
    let looks = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&looks);
    let mut watcher = notify::recommended_watcher(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    })
    .unwrap();
    watcher.watch(&desk.home.run(id), notify::RecursiveMode::NonRecursive).unwrap();
    at_rest(|| looks.load(Ordering::Relaxed)).await;
    within(host.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_leave_take_their_threads_with_them() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let id = start(&host, desk.line("sleep 1000")).await;
    // More than there are threads for work that blocks.
    for _ in 0..600 {
        drop(within(guest.tail(id, 0)).await.unwrap());
    }
    assert_eq!(within(guest.get(id)).await.unwrap().id, id);
    within(host.close(Stop::Force)).await;
}

#[test]
fn a_program_that_reads_the_run_of_another_can_end_before_it() {
    let desk = Desk::new();
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (theirs, ours) = (runtime(), runtime());
    let (host, id) = theirs.block_on(async {
        let host = desk.open().await;
        let id = start(&host, desk.line("sleep 1000")).await;
        (host, id)
    });
    let tail = ours.block_on(async { desk.open().await.tail(id, 0).await.unwrap() });
    drop(ours); // waits for all that blocks
    drop(tail);
    theirs.block_on(within(host.close(Stop::Force)));
}
