//! The process that holds the engine is killed at random moments. Afterwards nothing of the run is alive, no container
//! of ours is left once an engine looks after them, those of others are untouched, and the history tells the truth.
//!
//! A few rounds by default, `STIGMER_TORTURE=rounds` for more.

use std::time::Duration;

use stigmer_engine::history::{What, events};
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::RunId;
use stigmer_engine::state::Outcome;

use crate::common::{Child, MARKER, Marker, assert_same, numbers, process, until, within};
use crate::desk::{end, output};
use crate::docker::docker;
use crate::yard::{TINY, Yard, facts, fresh, succeeds};

const HOME: &str = "STIGMER_TEST_HOME";
const ROUND: &str = "STIGMER_TEST_ROUND";

/// Numbered lines, while processes that try to get away sit beside them.
const LAST: u64 = 100_000;
const LINE: &str = "exec 2>/dev/null
    setsid sh -c 'trap \"\" HUP INT TERM; exec sleep 1000' >/dev/null & a=$!
    nohup sleep 1000 >/dev/null & b=$!
    trap '' HUP TERM; seq 1 100000; kill -9 $a $b";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_hosts_the_victim() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let yard = Yard::at(Home::at(home), Marker::named(std::env::var(MARKER).unwrap()));
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let engine = yard.open().await;
    if round % 3 == 2 {
        // With others that are held ready, or just being made.
        within(engine.stay()).await;
    }
    println!("OPEN .");
    let spec = if round.is_multiple_of(2) { yard.line(LINE) } else { yard.within(fresh(), LINE) };
    let id = engine.start(spec).await.unwrap();
    end(&engine, id).await;
    if round % 5 == 4 {
        engine.close(Stop::Force).await;
    }
    // Whoever started this process ends it.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_at_any_moment_leaves_no_process_no_container_and_no_lie() {
    let rounds = std::env::var("STIGMER_TORTURE").map_or(15, |rounds| rounds.parse().unwrap());
    let bystander = Yard::with("ttl: 36000");
    let stays = bystander.open().await;
    let (record, _) = succeeds(&stays, bystander.line("true")).await;
    let foreign =
        docker(&["run", "--detach", "--rm", "--label", "stigmer.kind=shared", TINY, "sleep", "3600"]);
    let mut ends = [0, 0];
    for round in 0..rounds {
        let moment = moment(round);
        println!("round {round}: killed after {moment:?}");
        ends[usize::from(survives(round, moment).await)] += 1;
    }
    assert_eq!(bystander.containers(), std::slice::from_ref(&facts(&record).container));
    assert!(!docker(&["ps", "--quiet", "--no-trunc", "--filter", &format!("id={foreign}")]).is_empty());
    docker(&["rm", "--force", &foreign]);
    let [over, lost] = ends;
    println!("{rounds} rounds: {over} were over or never began, {lost} were lost");
    assert!(lost > 0, "no round hit a run that went on");
}

/// When the engine of a round is killed, counted from when it is open: while a container is created, started, reached,
/// while the run goes on, and after its end.
fn moment(round: u64) -> Duration {
    let random = u128::from_str_radix(&RunId::new().to_string().replace('-', ""), 16).unwrap();
    let spread = [20_000, 150_000, 300_000, 600_000][usize::try_from(round % 4).unwrap()];
    Duration::from_micros(u64::try_from(random % spread).unwrap())
}

/// One round: kills the engine, looks at what is left, and says whether its run was lost.
async fn survives(round: u64, moment: Duration) -> bool {
    let yard = Yard::with("warm: 1, ttl: 60");
    let mut child = process("killed::child_hosts_the_victim");
    child.env(HOME, yard.home.root()).env(MARKER, yard.marker.name()).env(ROUND, round.to_string());
    // A process that is killed leaves its temporary folders behind.
    child.env("TMPDIR", &yard.workspace);
    let mut child = Child::start(&mut child);
    child.says("OPEN");
    tokio::time::sleep(moment).await; // the moment is what this test is about
    child.kill();
    // The runner in the container ends the tree by itself, before anybody looks at the history again; or it came to its end.
    yard.marker.until_none_is_alive().await;
    let runs = std::fs::read_dir(yard.home.runs()).unwrap().flatten();
    let ids: Vec<RunId> = runs.map(|run| run.file_name().to_str().unwrap().parse().unwrap()).collect();
    let engine = yard.open().await;
    within(engine.stay()).await;
    let mut is_lost = false;
    for id in ids {
        // One that an engine that stays had started may have been taken up.
        let taken_up = within(engine.finished(id)).await.is_ok_and(|record| record.host == engine.id());
        is_lost |= check(&yard, id, taken_up).await;
    }
    within(engine.close(Stop::Force)).await;
    // What the dead engine had asked for may come into being after the first look.
    let engine = yard.open().await;
    within(engine.stay()).await;
    until("no container is left", || yard.containers().is_empty().then_some(())).await;
    within(engine.close(Stop::Force)).await;
    assert_eq!(yard.containers(), Vec::<String>::new());
    is_lost
}

/// What the next engine says about the run, held against what the files have.
async fn check(yard: &Yard, id: RunId, taken_up: bool) -> bool {
    let told = events::read(&yard.home.run(id)).unwrap();
    let engine = yard.open().await;
    let record = match within(engine.finished(id)).await {
        Ok(record) => record,
        // It was killed between the folder and the row: there is no run, and nothing of it ran.
        Err(error) if error.code() == "run-not-found" && told.len() < 2 => return false,
        Err(error) => panic!("{error}"),
    };
    let kept = output(&engine, id);
    let all = numbers(1, LAST);
    assert_same(&kept, &all[..kept.len().min(all.len())]);
    assert_eq!(record.bytes, kept.len() as u64);
    let was_over = told
        .iter()
        .any(|event| matches!(&event.what, What::Ended { ending, .. } if ending.outcome != Outcome::Lost));
    match record.state.ending().map(|ending| &ending.outcome) {
        Some(Outcome::Lost) => {
            assert!(!was_over, "it was over and is called lost");
            true
        }
        Some(outcome) => {
            assert!((was_over || taken_up) && kept == all, "{outcome:?} with {} bytes", kept.len());
            false
        }
        None => panic!("it is {}", record.state.word()),
    }
}
