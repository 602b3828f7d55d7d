//! An engine that stays is killed while runs go on in the cloud, and the next one takes them up; what one command started ends
//! with it.

use stigmer_engine::history::{What, events};
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::log::LogReader;
use stigmer_engine::spec::{RunId, RunSpec, Work};

use crate::common::{Child, numbers, process, until, within};
use crate::desk::{Desk, end, outcome, output};
use crate::sky::{Sky, fresh, succeeds};

const HOME: &str = "STIGMER_TEST_HOME";
const STAYS: &str = "STIGMER_TEST_STAYS";

/// Prints numbers until the sandbox says that it is enough, then how many.
const LINE: &str = "n=0; while [ ! -e enough ]; do n=$((n+1)); echo $n; done; echo $n >last; exit 7";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_runs_in_the_cloud() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let mut desk = Desk::new();
    desk.home = Home::at(home);
    let engine = desk.open().await;
    let stays = std::env::var_os(STAYS).is_some();
    if stays {
        within(engine.stay()).await;
    }
    let work = Work::Line { line: LINE.into(), shell: None };
    let mut spec = RunSpec::new(work, std::env::current_dir().unwrap());
    if !stays {
        spec.target.sandbox = fresh();
    }
    let id = engine.start(spec).await.unwrap();
    let folder = desk.home.run(id);
    until("it has printed much", || (LogReader::open(&folder).length().unwrap_or(0) > 300_000).then_some(()))
        .await;
    println!("RUNS {id}");
    std::future::pending::<()>().await;
}

/// A run whose engine was killed.
pub(crate) fn orphan(sky: &Sky, stays: bool) -> RunId {
    let mut child = process("kept::child_runs_in_the_cloud");
    child.env(HOME, sky.home.root()).current_dir(&sky.workspace).env("TMPDIR", sky.home.root());
    if stays {
        child.env(STAYS, "1");
    }
    let mut child = Child::start(&mut child);
    let id = child.says("RUNS").parse().unwrap();
    child.kill();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_in_the_cloud_and_the_next_engine_has_all_of_it() {
    let Some(sky) = Sky::new() else { return };
    let id = tokio::task::block_in_place(|| orphan(&sky, true));
    // Whoever only passes by leaves it alone.
    let guest = sky.open().await;
    assert_eq!(within(guest.get(id)).await.unwrap().state.word(), "running");
    within(guest.close(Stop::Force)).await;
    let engine = sky.open().await;
    within(engine.stay()).await;
    let told = events::read(&sky.home.run(id)).unwrap();
    assert!(told.iter().any(|event| matches!(event.what, What::Adopted { .. })), "{told:?}");
    succeeds(&engine, sky.line("touch enough")).await;
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record).exit_code(), Some(7), "{record:?}");
    let (_, said) = succeeds(&engine, sky.line("cat last")).await;
    let last: u64 = said.trim().parse().unwrap();
    assert!(output(&engine, id) == numbers(1, last), "every number up to {last} once");
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_command_started_is_ended_by_the_next_and_its_sandbox_deleted() {
    let Some(sky) = Sky::new() else { return };
    let id = tokio::task::block_in_place(|| orphan(&sky, false));
    assert_eq!(sky.sandboxes().len(), 1);
    let guest = sky.open().await;
    assert_eq!(within(guest.get(id)).await.unwrap().state.word(), "lost");
    within(guest.close(Stop::Force)).await;
    until("its sandbox is deleted", || sky.sandboxes().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_while_a_run_goes_on_is_its_sandbox_kept_from_stopping() {
    let Some(sky) = Sky::new() else { return };
    sky.set("auto_stop: 3s");
    let engine = sky.open().await;
    let id = crate::desk::start(&engine, sky.line("sleep 1000")).await;
    let touched = || sky.double.requests().iter().filter(|one| one.path.ends_with("/last-activity")).count();
    until("it is told to be in use", || (touched() > 0).then_some(())).await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    end(&engine, id).await;
    sky.double.clear_requests();
    let (daytona, account) = engine.daytona(None).unwrap();
    let client = within(daytona.client(&account)).await.unwrap();
    client.sandboxes().list(stigmer_daytona::Filter::default()).all().await.unwrap();
    assert_eq!(touched(), 0);
    // That the terminal of the run goes is not part of the look.
    let requests = sky.double.requests();
    let mut looks = requests.iter().filter(|one| one.method != "DELETE");
    assert!(looks.all(|one| !one.path.contains("/toolbox/")), "a look wakes nothing");
}
