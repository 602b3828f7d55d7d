//! A run goes on, is stopped and ends as it would have, whatever happens around it.

use std::process::{Command, Stdio};

use rusqlite::Connection;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::{Filter, History};
use stigmer_engine::live::Stop;
use stigmer_engine::state::{Outcome, RunState};

use crate::common::{Child, assert_same, numbers, process, until, within};
use crate::desk::{Desk, drain, end, happenings, outcome, output, read_until, run, start, wait_for};

/// Holds the database for itself until it is dropped.
struct Lock(Connection);

impl Lock {
    fn take(desk: &Desk) -> Self {
        let connection = Connection::open(desk.home.database()).unwrap();
        connection.busy_timeout(crate::common::DEADLINE).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        Self(connection)
    }

    fn release(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_delays_neither_output_nor_end() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id =
        start(&engine, desk.line(&format!("echo >ready; {}; seq 1 100000; exit 3", wait_for("go")))).await;
    desk.until_said("ready").await;
    let lock = Lock::take(&desk);
    desk.say("go");
    let tail = engine.tail(id, 0).await.unwrap();
    assert_same(&crate::desk::bytes(&drain(tail).await), &numbers(1, 100_000));
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record).exit_code(), Some(3));
    assert_eq!(record.bytes, numbers(1, 100_000).len() as u64);
    assert!(within(engine.get(id)).await.unwrap().state.ending().is_some());
    lock.release();
    // The engine that is still there sees to it that everybody else learns of the end, too.
    let history = History::open(&desk.home).unwrap().history;
    until("the history has the end", || history.get(id).unwrap().state.ending().map(drop)).await;
    let told = history.get(id).unwrap();
    assert_eq!((told.state, told.bytes), (record.state, record.bytes));
    assert!(told.started.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_does_not_hold_up_a_stop() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line("echo >ready; sleep 1000")).await;
    desk.until_said("ready").await;
    let lock = Lock::take(&desk);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    desk.marker.until_none_is_alive().await;
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Cancelled { forced: true });
    within(engine.close(Stop::Force)).await;
    lock.release();
    drop(engine);
    // What this engine could not tell any more, the next one finds in the run's folder.
    let next = desk.open().await;
    assert_eq!(outcome(&within(next.get(id)).await.unwrap()), &Outcome::Cancelled { forced: true });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_written_down_is_refused_and_leaves_nothing() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let lock = Lock::take(&desk);
    let refused = within(engine.start(desk.line("echo >ran"))).await.unwrap_err();
    assert_eq!(refused.code(), "history-locked");
    lock.release();
    assert_eq!(std::fs::read_dir(desk.home.runs()).unwrap().count(), 0);
    assert_eq!(within(engine.list(Filter::default())).await.unwrap(), []);
    assert!(!desk.workspace.join("ran").exists());
    assert_eq!(outcome(&run(&engine, desk.line("true")).await), &Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_is_killed_ends_its_run_as_an_error_and_leaves_nothing() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line("echo $PPID; setsid sleep 1000 & sleep 1000")).await;
    let mut tail = engine.tail(id, 0).await.unwrap();
    let runner = String::from_utf8(read_until(&mut tail, "\n").await).unwrap();
    desk.marker.until_alive(3).await;
    assert!(Command::new("kill").args(["-9", runner.trim()]).status().unwrap().success());
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "connection-lost");
    assert_same(&output(&engine, id), runner.as_bytes());
    desk.marker.until_none_is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_is_deleted_does_not_disturb_its_run() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id =
        start(&engine, desk.line("echo >ready; while [ -e ready ]; do sleep 0.01; done; echo end")).await;
    desk.until_said("ready").await;
    std::fs::remove_dir_all(&desk.workspace).unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    assert_same(&output(&engine, id), b"end\n");
    let next = run(&engine, desk.line("true")).await;
    let Outcome::Error { error } = outcome(&next) else { panic!("{next:?}") };
    assert_eq!(error.code, "folder-unusable");
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_that_open_a_fresh_home_at_once_all_work() {
    for _ in 0..10 {
        let desk = Desk::new();
        let open = || tokio::spawn(Engine::open(desk.home.clone(), desk.sources()));
        let opening: Vec<_> = (0..8).map(|_| open()).collect();
        for engine in opening {
            let engine = within(engine).await.unwrap().unwrap();
            assert_eq!(outcome(&run(&engine, desk.line("true")).await), &Outcome::Succeeded);
            within(engine.close(Stop::Force)).await;
        }
    }
}

/// Makes a small disk in a namespace of its own, and runs the rest of its arguments there.
const ON_A_SMALL_DISK: &str = "mount -t tmpfs -o size=6m none \"$0\" && exec \"$@\"";

#[test]
fn a_full_disk_ends_a_run_with_an_error_and_the_next_one_works_again() {
    let folder = tempfile::tempdir().unwrap();
    let namespace = ["unshare", "-Urm", "sh", "-c"];
    let mut probe = Command::new(namespace[0]);
    let probe = probe.args(&namespace[1..]).arg(ON_A_SMALL_DISK).arg(folder.path()).arg("true").output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        use std::io::Write as _;
        std::io::stderr().write_all(b"SKIPPED: a full disk: this machine allows no namespaces\n").unwrap();
        assert_ne!(std::env::var("STIGMER_TEST_REQUIRE_ALL").as_deref(), Ok("1"), "no namespaces");
        return;
    }
    let child = process("adversity::child_fills_its_disk");
    let mut inside = Command::new(namespace[0]);
    inside.args(&namespace[1..]).arg(ON_A_SMALL_DISK).arg(folder.path());
    inside.arg(child.get_program()).args(child.get_args()).env("TMPDIR", folder.path());
    Child::start(inside.stdin(Stdio::piped()).stdout(Stdio::piped())).succeed();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_fills_its_disk() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line("while :; do seq 1 10000; done")).await;
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "storage-full");
    desk.marker.until_none_is_alive().await;
    let kept = output(&engine, id);
    assert_same(&kept, &numbers(1, 10_000).repeat(kept.len() / 48_000)[..kept.len()]);
    assert!(matches!(within(engine.get(id)).await.unwrap().state, RunState::Ended(_)));
    assert_eq!(happenings(&engine, id)[..3], ["created", "preparing", "running"]);
    std::fs::remove_dir_all(desk.home.run(id)).unwrap();
    let next = run(&engine, desk.line("echo works")).await;
    assert_same(&output(&engine, next.id), b"works\n");
}
