//! The engine is killed at random moments of a run. Afterwards nothing of the run is alive, its log is a clean
//! beginning of what the program wrote, and the history tells the truth.
//!
//! A few rounds by default, `STIGMER_TORTURE=rounds` for more. What a failed round left on
//! the disk stays there, and the last line before the failure says where.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

#[expect(dead_code, reason = "every test program uses its own part of this")]
mod common;
#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "engine/desk.rs"]
mod desk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use stigmer_engine::history::{Event, Filter, What, events};
use stigmer_engine::home::Home;
use stigmer_engine::spec::RunId;
use stigmer_engine::state::Outcome;

use common::{Child, MARKER, Marker, assert_same, numbers, process, within};
use desk::{Desk, end, output};

const HOME: &str = "STIGMER_TEST_HOME";
const ROUNDS: &str = "STIGMER_TORTURE";

/// Numbered lines, while processes that try to get away sit beside them. Short enough that some rounds see the
/// true end.
const LAST: u64 = 300_000;
const LINE: &str = "exec 2>/dev/null
    setsid sh -c 'trap \"\" HUP INT TERM; exec sleep 1000' >/dev/null & a=$!
    nohup sleep 1000 >/dev/null & b=$!
    sh -c 'sleep 1000 & exec sleep 1000' >/dev/null & c=$!
    trap '' HUP TERM; seq 1 300000; kill -9 $a $b $c";

/// A desk that another process knows.
fn desk(home: &Path, marker: &str) -> Desk {
    let mut desk = Desk::new();
    desk.home = Home::at(home);
    desk.marker = Marker::named(marker);
    desk
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_hosts_the_victim() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let desk = desk(&PathBuf::from(home), &std::env::var(MARKER).unwrap());
    let engine = desk.open().await;
    println!("OPEN .");
    let id = engine.start(desk.line(LINE)).await.unwrap();
    println!("RUN {id}");
    end(&engine, id).await;
    println!("END .");
    // Whoever started this process ends it.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_at_any_moment_leaves_no_process_and_no_lie() {
    let rounds = std::env::var(ROUNDS).map_or(20, |rounds| rounds.parse().unwrap());
    let mut folder = tempfile::tempdir().unwrap();
    folder.disable_cleanup(true);
    let mut ends = [0, 0];
    for round in 0..rounds {
        let home = folder.path().join(round.to_string());
        let moment = moment(round);
        std::fs::create_dir(&home).unwrap();
        println!("killed after {moment:?}: {}", home.display());
        let is_lost = survives(&home, moment).await;
        ends[usize::from(is_lost)] += 1;
        std::fs::remove_dir_all(&home).unwrap();
    }
    folder.disable_cleanup(false);
    let [over, lost] = ends;
    println!("{rounds} rounds: {over} were over, {lost} were lost");
    assert!(lost > 0, "no round hit a run that went on");
}

/// When the engine of a round is killed, counted from when it is open: early moments are as likely as late ones.
fn moment(round: u64) -> Duration {
    let random = u128::from_str_radix(&RunId::new().to_string().replace('-', ""), 16).unwrap();
    let spread = [1_500, 6_000, 25_000, 120_000][usize::try_from(round % 4).unwrap()];
    Duration::from_micros(u64::try_from(random % spread).unwrap())
}

/// One round: kills the engine, looks at what is left, and says whether its run was lost.
async fn survives(home: &Path, moment: Duration) -> bool {
    let marker = Marker::new();
    let mut child = process("child_hosts_the_victim");
    // A process that is killed leaves its temporary folders behind: in a folder that goes with the round.
    child.env(HOME, home).env(MARKER, marker.name()).env("TMPDIR", home);
    let mut child = Child::start(&mut child);
    child.says("OPEN");
    tokio::time::sleep(moment).await; // the moment is what this test is about
    child.kill();
    // The runner ends the tree by itself, before anybody looks at the history again.
    marker.until_none_is_alive().await;
    let desk = desk(home, marker.name());
    let Some(id) = only_run(&desk.home) else { return false };
    check(&desk, id).await.unwrap_or_else(|lie| panic!("{lie}"))
}

/// The run whose folder is there.
fn only_run(home: &Home) -> Option<RunId> {
    let mut runs = std::fs::read_dir(home.runs()).unwrap().map(|entry| entry.unwrap().file_name());
    let id = runs.next()?.to_str().unwrap().parse().unwrap();
    assert_eq!(runs.next(), None);
    Some(id)
}

/// What the next engine says about the run, held against what the files have.
async fn check(desk: &Desk, id: RunId) -> Result<bool, String> {
    let told = events::read(&desk.home.run(id)).unwrap();
    let engine = desk.open().await;
    // A process that was just being started may have held the dead engine's lock until now.
    let record = match within(engine.finished(id)).await {
        Ok(record) => record,
        // It was killed between the folder and the row: there is no run, and nothing of it ran.
        Err(error) if error.code() == "run-not-found" && told.len() < 2 => return Ok(false),
        Err(error) => return Err(error.to_string()),
    };
    let kept = output(&engine, id);
    let all = numbers(1, LAST);
    assert_same(&kept, &all[..kept.len().min(all.len())]);
    let outcome = &record.state.ending().ok_or(format!("it is {}", record.state.word()))?.outcome;
    let listed = within(engine.list(Filter::default())).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&record));
    let was_over = told.iter().any(|Event { what, .. }| matches!(what, What::Ended { .. }));
    match outcome {
        Outcome::Lost if was_over => Err("it was over and is called lost".to_owned()),
        Outcome::Lost if record.bytes == kept.len() as u64 => Ok(true),
        Outcome::Succeeded | Outcome::Failed { .. } if was_over && kept == all => Ok(false),
        _ => Err(format!("{outcome:?} with {} bytes of {}", kept.len(), record.bytes)),
    }
}
