//! An engine that stays is killed while runs go on, and the next one takes them up: with every byte, and their end.

use std::time::Duration;

use stigmer_engine::engine::Engine;
use stigmer_engine::history::{What, events};
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::log::LogReader;
use stigmer_engine::spec::{Input, RunId};
use stigmer_engine::state::Outcome;

use crate::common::{Child, MARKER, Marker, numbers, process, until, within};
use crate::desk::{end, outcome, output};
use crate::line::Line;
use crate::yard::{Yard, fresh};

const HOME: &str = "STIGMER_TEST_HOME";
const FRESH: &str = "STIGMER_TEST_FRESH";

/// Prints numbers until the workspace says that it is enough, then some more.
const LINE: &str =
    "n=0; while [ ! -e enough ]; do n=$((n+1)); echo $n; done; echo $n >last; echo end >&2; exit 7";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_stays_and_runs() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let yard = Yard::at(Home::at(home), Marker::named(std::env::var(MARKER).unwrap()));
    let engine = yard.open().await;
    within(engine.stay()).await;
    let workspace = std::env::current_dir().unwrap();
    let mut spec =
        if std::env::var_os(FRESH).is_some() { yard.within(fresh(), LINE) } else { yard.line(LINE) };
    spec.workspace = workspace;
    spec.input = Input::Piped;
    spec.limits.timeout = Some(Duration::from_mins(2));
    let id = engine.start(spec).await.unwrap();
    until("it has printed much", || (length(&yard, id) > 300_000).then_some(())).await;
    println!("RUNS {id}");
    std::future::pending::<()>().await;
}

/// Bytes of output in the log.
fn length(yard: &Yard, id: RunId) -> u64 {
    LogReader::open(yard.home.run(id)).length().unwrap_or_default()
}

/// A run whose engine was killed.
fn orphan(yard: &Yard, is_fresh: bool) -> RunId {
    let mut child = process("kept::child_stays_and_runs");
    child.env(HOME, yard.home.root()).env(MARKER, yard.marker.name()).current_dir(&yard.workspace);
    child.env("TMPDIR", yard.home.root());
    if is_fresh {
        child.env(FRESH, "1");
    }
    let mut child = Child::start(&mut child);
    let id = child.says("RUNS").parse().unwrap();
    child.kill();
    id
}

async fn taken_up(yard: &Yard, id: RunId) -> Engine {
    let engine = yard.open().await;
    within(engine.stay()).await;
    let told = events::read(&yard.home.run(id)).unwrap();
    assert!(
        told.iter().any(|event| matches!(event.what, What::Adopted { host } if host == engine.id())),
        "{told:?}"
    );
    engine
}

/// Whether the log has every number once.
fn is_complete(yard: &Yard, engine: &Engine, id: RunId) {
    let last: u64 = std::fs::read_to_string(yard.workspace.join("last")).unwrap().trim().parse().unwrap();
    let mut expected = numbers(1, last);
    expected.extend(b"end\n");
    assert!(output(engine, id) == expected, "every number up to {last} once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_without_its_engine_and_the_next_one_has_all_of_it() {
    for is_fresh in [false, true] {
        let yard = Yard::with("ttl: 60");
        let id = tokio::task::block_in_place(|| orphan(&yard, is_fresh));
        assert_ne!(yard.marker.alive().len(), 0);
        // Whoever only passes by leaves it alone.
        let guest = yard.open().await;
        assert_eq!(within(guest.get(id)).await.unwrap().state.word(), "running");
        within(guest.close(Stop::Force)).await;
        let engine = taken_up(&yard, id).await;
        yard.say("enough");
        let record = end(&engine, id).await;
        assert_eq!(outcome(&record), &Outcome::Failed { exit: stigmer_engine::backend::Exit::Code(7) });
        is_complete(&yard, &engine, id);
        within(engine.close(Stop::Force)).await;
        until("no container is left", || yard.containers().is_empty().then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ended_meanwhile_is_told_as_it_ended() {
    let yard = Yard::with("ttl: 60");
    let id = tokio::task::block_in_place(|| orphan(&yard, false));
    yard.say("enough");
    until("it ended", || yard.workspace.join("last").exists().then_some(())).await;
    yard.marker.until_none_is_alive().await;
    let engine = taken_up(&yard, id).await;
    assert_eq!(outcome(&end(&engine, id).await).word(), "failed");
    is_complete(&yard, &engine, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_taken_up_can_be_stopped_and_one_that_was_not_too() {
    let yard = Yard::with("ttl: 60");
    let id = tokio::task::block_in_place(|| orphan(&yard, false));
    let engine = taken_up(&yard, id).await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    assert!(yard.marker.alive().is_empty());
    within(engine.close(Stop::Force)).await;
    let id = tokio::task::block_in_place(|| orphan(&yard, true));
    let guest = yard.open().await;
    within(guest.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(within(guest.get(id)).await.unwrap().state.word(), "lost");
    yard.marker.until_none_is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_same_far_away() {
    let line = Line::tcp().await;
    let yard = Yard::with(&format!("ttl: 60, {}", line.setting()));
    let id = tokio::task::block_in_place(|| orphan(&yard, false));
    let engine = taken_up(&yard, id).await;
    // The workspace there is a copy, so it cannot be told that it is enough.
    let before = length(&yard, id);
    until("more came", || (length(&yard, id) > before + 100_000).then_some(())).await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    let kept = output(&engine, id);
    let whole = kept.iter().rposition(|&byte| byte == b'\n').unwrap();
    let text = String::from_utf8_lossy(&kept[..whole]);
    assert!(text.lines().zip(1..).all(|(line, number)| line == format!("{number}")), "every number once");
    assert!(yard.marker.alive().is_empty());
}
