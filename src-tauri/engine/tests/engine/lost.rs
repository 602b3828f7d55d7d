//! Engines that died: their runs are closed with the truth, and nothing of them is left alive.

use std::path::PathBuf;

use stigmer_engine::history::{Filter, What};
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::RunId;
use stigmer_engine::state::Outcome;

use crate::common::{Child, MARKER, Marker, assert_same, numbers, process, within};
use crate::desk::{Desk, bytes, drain, end, outcome, output, read_until};

const HOME: &str = "STIGMER_TEST_HOME";
const LINE: &str = "STIGMER_TEST_LINE";

/// A line whose processes try to get away, and which then waits for ever.
const TENACIOUS: &str =
    "seq 1 1000; setsid sleep 1000 & trap '' TERM HUP; echo ready; while :; do sleep 0.05; done";

/// Another process that hosts a run of this line.
fn host(desk: &Desk, line: &str) -> (Child, RunId) {
    let mut child = process("lost::child_hosts_a_run");
    child.env(HOME, desk.home.root()).env(LINE, line).env(MARKER, desk.marker.name());
    // A process that is killed leaves its temporary folders behind.
    child.env("TMPDIR", &desk.workspace);
    let mut child = Child::start(&mut child);
    let id = child.says("RUN").parse().unwrap();
    (child, id)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_hosts_a_run() {
    let Ok(line) = std::env::var(LINE) else { return };
    let mut desk = Desk::new();
    desk.home = Home::at(PathBuf::from(std::env::var_os(HOME).unwrap()));
    desk.marker = Marker::named(std::env::var(MARKER).unwrap());
    let engine = desk.open().await;
    let id = engine.start(desk.line(&line)).await.unwrap();
    println!("RUN {id}");
    // Whoever started this process ends it.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

/// Nothing but the process that hosts them carries the marker of a run's processes.
async fn until_its_processes_are_gone(desk: &Desk) {
    desk.marker.until_none_is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_engine_dies_is_lost_for_those_who_follow_it() {
    let desk = Desk::new();
    let guest = desk.open().await;
    let (mut child, id) = host(&desk, TENACIOUS);
    let mut tail = within(guest.tail(id, 0)).await.unwrap();
    let mut all = read_until(&mut tail, "ready\n").await;
    child.kill();
    all.extend(bytes(&drain(tail).await));
    assert_eq!(outcome(&end(&guest, id).await), &Outcome::Lost);
    let expected = [numbers(1, 1_000), b"ready\n".to_vec()].concat();
    assert_same(&all, &expected);
    assert_same(&output(&guest, id), &expected);
    until_its_processes_are_gone(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_engine_closes_what_a_dead_one_left() {
    let desk = Desk::new();
    let (mut child, id) = host(&desk, TENACIOUS);
    desk.marker.until_alive(4).await;
    child.kill();
    let engine = desk.open().await;
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record), &Outcome::Lost);
    assert_eq!(record.bytes, output(&engine, id).len() as u64);
    let (events, _) = engine.events(id, 0).unwrap();
    assert!(matches!(events.last().unwrap().what, What::Ended { .. }));
    until_its_processes_are_gone(&desk).await;
    let unended =
        Filter { states: vec!["queued".into(), "preparing".into(), "running".into()], ..Filter::default() };
    assert_eq!(within(engine.list(unended)).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_engine_is_dead_may_be_stopped_and_removed() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let (mut child, id) = host(&desk, TENACIOUS);
    child.kill();
    // It is over by the time that it is asked for, unless a process of it was just being started.
    let _ = within(engine.stop(id, Stop::Force)).await;
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Lost);
    until_its_processes_are_gone(&desk).await;
    within(engine.remove(vec![id])).await.unwrap();
    assert!(!desk.home.run(id).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_lives_keeps_its_runs_whoever_else_opens_the_home() {
    let desk = Desk::new();
    let (child, id) = host(&desk, TENACIOUS);
    for _ in 0..3 {
        let other = desk.open().await;
        assert!(within(other.get(id)).await.unwrap().state.ending().is_none());
        within(other.close(Stop::Force)).await;
    }
    let engine = desk.open().await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Cancelled { forced: true });
    drop(child);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_engines_run_with_damaged_files_does_not_keep_others_from_opening() {
    let desk = Desk::new();
    let (mut child, damaged) = host(&desk, TENACIOUS);
    let (mut other, gone) = host(&desk, TENACIOUS);
    child.kill();
    other.kill();
    let events = desk.home.run(damaged).join("events.jsonl");
    std::fs::remove_file(&events).unwrap();
    std::fs::create_dir(&events).unwrap();
    std::fs::remove_dir_all(desk.home.run(gone)).unwrap();
    let engine = desk.open().await;
    for id in [damaged, gone] {
        assert_eq!(outcome(&end(&engine, id).await), &Outcome::Lost);
    }
    until_its_processes_are_gone(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_open_sees_in_its_list_that_another_died() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let (mut child, id) = host(&desk, TENACIOUS);
    desk.marker.until_alive(4).await;
    let listed = within(engine.list(Filter::default())).await.unwrap();
    assert_eq!(listed[0].state.ending(), None);
    child.kill();
    desk.marker.until_none_is_alive().await;
    let listed = within(engine.list(Filter::default())).await.unwrap();
    assert_eq!((listed.len(), listed[0].id, outcome(&listed[0])), (1, id, &Outcome::Lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_follow_a_run_agree_that_it_is_lost() {
    let desk = Desk::new();
    let guests = [desk.open().await, desk.open().await, desk.open().await];
    let (mut child, id) = host(&desk, TENACIOUS);
    let waiting: Vec<_> =
        guests.iter().cloned().map(|guest| tokio::spawn(async move { end(&guest, id).await })).collect();
    child.kill();
    let mut records = Vec::new();
    for guest in waiting {
        records.push(within(guest).await.unwrap());
    }
    assert_eq!(outcome(&records[0]), &Outcome::Lost);
    assert!(records.iter().all(|record| record == &records[0]), "{records:?}");
}
