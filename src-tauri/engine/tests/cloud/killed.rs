//! An app, or a command, that is killed in any state of a run in the cloud: the next engine leaves no sandbox behind, and the
//! row says what became of the run.

use std::time::Duration;

use daytona_double::{Effect, Fault, Options};
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::{RunId, RunSpec, Work};

use crate::common::{Child, process, until, within};
use crate::desk::{Desk, end, outcome};
use crate::sky::{Sky, bringing_back, fresh, succeeds};

const HOME: &str = "STIGMER_TEST_HOME";
const STAYS: &str = "STIGMER_TEST_STAYS";
const LINE: &str = "STIGMER_TEST_LINE";
const SHARED: &str = "STIGMER_TEST_SHARED";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_runs_a_line_in_the_cloud() {
    let (Some(home), Ok(line)) = (std::env::var_os(HOME), std::env::var(LINE)) else { return };
    let mut desk = Desk::new();
    desk.home = Home::at(home);
    let engine = desk.open().await;
    if std::env::var_os(STAYS).is_some() {
        within(engine.stay()).await;
    }
    let work = Work::Line { line: line.as_str().into(), shell: None };
    let mut spec = RunSpec::new(work, std::env::current_dir().unwrap());
    spec.target.sandbox = bringing_back();
    spec.target.sandbox.fresh = std::env::var_os(SHARED).is_none();
    println!("RUNS {}", engine.start(spec).await.unwrap());
    std::future::pending::<()>().await;
}

/// Where a run is when its engine is killed.
struct State {
    name: &'static str,
    line: &'static str,
    /// The request that is under way then, and what happens to it.
    under_way: (&'static str, &'static str),
    stands_still: Option<Effect>,
    /// How many such requests are let through before.
    skip: u32,
    /// What became of the run: of that of an engine that stays, and of another.
    words: [&'static str; 2],
}

/// Every state; the runs of an engine that stays are taken up where they run.
fn states() -> [State; 5] {
    let hang = || Some(Effect::Hang);
    let terminal = ("GET", "*/create-connect");
    let waits = "echo began; sleep 1000";
    [
        State {
            name: "creating",
            line: waits,
            under_way: ("POST", "/api/sandbox"),
            stands_still: Some(Effect::Late { ms: 60_000 }),
            skip: 0,
            words: ["lost", "lost"],
        },
        State {
            name: "uploading",
            line: waits,
            under_way: ("POST", "*/files/bulk-upload"),
            stands_still: hang(),
            skip: 0,
            words: ["lost", "lost"],
        },
        State {
            name: "running",
            line: waits,
            under_way: terminal,
            stands_still: None,
            skip: 0,
            words: ["cancelled", "lost"],
        },
        State {
            name: "ending",
            line: "echo made >made",
            under_way: terminal,
            stands_still: hang(),
            skip: 1,
            words: ["succeeded", "lost"],
        },
        State {
            name: "deleting",
            line: "true",
            under_way: ("DELETE", "/api/sandbox/*"),
            stands_still: hang(),
            skip: 0,
            words: ["succeeded", "succeeded"],
        },
    ]
}

fn asked(sky: &Sky, (method, path): (&str, &str)) -> usize {
    let end = path.trim_matches('*');
    let requests = sky.double.requests();
    requests.iter().filter(|one| one.method == method && one.path.contains(end)).count()
}

/// Starts a run in another process and kills that in this state.
async fn kill_in(sky: &Sky, state: &State, variables: &[&str]) -> RunId {
    if let Some(effect) = state.stands_still.clone() {
        let (method, path) = state.under_way;
        sky.double.fault(Fault::always(method, path, effect).after(state.skip));
    }
    let mut child = process("killed::child_runs_a_line_in_the_cloud");
    child.env(HOME, sky.home.root()).env(LINE, state.line).current_dir(&sky.workspace);
    child.env("TMPDIR", sky.home.root());
    for variable in variables {
        child.env(variable, "1");
    }
    let (mut child, id) = tokio::task::block_in_place(|| {
        let mut child = Child::start(&mut child);
        let id: RunId = child.says("RUNS").parse().unwrap();
        (child, id)
    });
    until("it is in that state", || (asked(sky, state.under_way) > state.skip as usize).then_some(())).await;
    if state.stands_still.is_none() {
        let folder = sky.home.run(id);
        let said = || stigmer_engine::log::LogReader::open(&folder).length().unwrap_or(0);
        until("it has printed something", || (said() > 0).then_some(())).await;
    }
    child.kill();
    sky.double.clear_faults();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_in_any_state_nothing_is_left_and_the_row_is_right() {
    for state in states() {
        for (stays, word) in [(true, state.words[0]), (false, state.words[1])] {
            let Some(sky) = Sky::new() else { return };
            let variables: &[&str] = if stays { &[STAYS] } else { &[] };
            let id = kill_in(&sky, &state, variables).await;
            let engine = sky.open().await;
            within(engine.stay()).await;
            if word == "cancelled" {
                assert_eq!(engine.going_on(), [id], "{}: it is taken up", state.name);
                within(engine.stop(id, Stop::Force)).await.unwrap();
            }
            let record = end(&engine, id).await;
            assert_eq!(outcome(&record).word(), word, "{} (stays: {stays}): {record:?}", state.name);
            until("no sandbox is left", || sky.sandboxes().is_empty().then_some(())).await;
            until("no note is left", || sky.notes().is_empty().then_some(())).await;
            assert!(engine.going_on().is_empty());
            within(engine.close(Stop::Force)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_of_a_workspace_whose_creation_was_cut_short_is_the_one_of_the_next_run() {
    let options = Options { delay: Duration::from_millis(300), ..Options::default() };
    let Some(sky) = Sky::with(options) else { return };
    let creating = &states()[0];
    let id = kill_in(&sky, creating, &[SHARED]).await;
    let engine = sky.open().await;
    succeeds(&engine, sky.line("true")).await;
    assert_eq!(sky.sandboxes().len(), 1);
    assert_eq!(outcome(&end(&engine, id).await).word(), "lost");
    succeeds(&engine, sky.asking(fresh(), "true")).await;
}
