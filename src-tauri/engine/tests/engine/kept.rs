//! What is kept of runs that are over: found, pinned, removed, repeated; and rebuilt when the database is not.

use std::time::Duration;

use stigmer_engine::history::{Filter, Reason};
use stigmer_engine::live::Stop;
use stigmer_engine::log::search::Query;
use stigmer_engine::spec::{RunId, Text};
use stigmer_engine::state::Outcome;
use tokio_util::sync::CancellationToken;

use crate::common::{assert_same, until, within};
use crate::desk::{Desk, end, outcome, output, read_until, run, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_found_by_what_people_call_it() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let first = run(&engine, desk.line("echo one")).await.id;
    let second = run(&engine, desk.line("echo two")).await.id;
    let full = first.to_string();
    for given in [full.as_str(), &full.to_uppercase(), &full[full.len() - 8..], "@2"] {
        assert_eq!(within(engine.resolve(given)).await.unwrap(), first, "{given}");
    }
    assert_eq!(within(engine.resolve("last")).await.unwrap(), second);
    for unknown in ["", "abc", "@3", "@0", &RunId::new().to_string()] {
        assert_eq!(within(engine.resolve(unknown)).await.unwrap_err().code(), "run-not-found", "{unknown}");
    }
    let found = Filter { text: "two".into(), ..Filter::default() };
    let found: Vec<_> = within(engine.list(found)).await.unwrap().iter().map(|run| run.id).collect();
    assert_eq!(found, [second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_removed_is_gone_and_one_that_goes_on_stays() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let over = run(&engine, desk.line("echo over")).await.id;
    let going_on = start(&engine, desk.line("sleep 1000")).await;
    let refused = within(engine.remove(vec![over, going_on])).await;
    assert_eq!(refused.unwrap_err().code(), "conflict");
    assert_same(&output(&engine, over), b"over\n");
    within(engine.remove(vec![over])).await.unwrap();
    assert!(!desk.home.run(over).exists());
    assert_eq!(within(engine.get(over)).await.unwrap_err().code(), "run-not-found");
    within(engine.stop(going_on, Stop::Force)).await.unwrap();
    end(&engine, going_on).await;
    within(engine.remove(vec![going_on])).await.unwrap();
    assert_eq!(std::fs::read_dir(desk.home.runs()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_its_folder_may_still_be_removed() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = run(&engine, desk.line("echo over")).await.id;
    std::fs::remove_dir_all(desk.home.run(id)).unwrap();
    assert_eq!(output(&engine, id), b"");
    within(engine.remove(vec![id])).await.unwrap();
    assert_eq!(within(engine.list(Filter::default())).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_runs_and_those_that_go_on_are_never_outdated() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let pinned = run(&engine, desk.line("echo pinned")).await.id;
    let old = run(&engine, desk.line("seq 1 1000")).await.id;
    let new = run(&engine, desk.line("seq 1 1000")).await.id;
    let going_on = start(&engine, desk.line("sleep 1000")).await;
    within(engine.pin(pinned, true)).await.unwrap();
    let by_age = within(engine.outdated(Some(Duration::ZERO), None)).await.unwrap();
    let named = |reason| move |id| (id, reason);
    let found: Vec<_> = by_age.iter().map(|run| (run.id, run.reason)).collect();
    assert_eq!(found, [old, new].map(named(Reason::Age)));
    let by_size = within(engine.outdated(None, Some(5_000))).await.unwrap();
    let found: Vec<_> = by_size.iter().map(|run| (run.id, run.reason)).collect();
    assert_eq!(found, [old].map(named(Reason::Size)));
    within(engine.pin(pinned, false)).await.unwrap();
    assert_eq!(within(engine.outdated(Some(Duration::ZERO), None)).await.unwrap().len(), 3);
    within(engine.stop(going_on, Stop::Force)).await.unwrap();
    end(&engine, going_on).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_variables_are_in_no_file_and_a_repetition_asks_for_them() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let value = "a value that nobody may keep";
    let mut spec = desk.line("test -n \"$TOKEN\"");
    spec.env.set.insert("TOKEN".into(), Some(Text::from(value)));
    let record = run(&engine, spec).await;
    assert_eq!(outcome(&record), &Outcome::Succeeded);
    assert!(record.spec.env.set.contains_key("TOKEN"));
    within(engine.close(Stop::Force)).await;
    let grep =
        std::process::Command::new("grep").args(["-ra", value]).arg(desk.home.root()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&grep.stdout), "");
    let again = desk.open().await;
    let error = within(again.start(record.spec)).await.unwrap_err();
    assert!(error.to_string().contains("TOKEN"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_damaged_comes_back_from_the_folders_of_the_runs() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let record = run(&engine, desk.line("echo kept; exit 3")).await;
    within(engine.pin(record.id, true)).await.unwrap();
    within(engine.close(Stop::Force)).await;
    drop(engine);
    let log = desk.home.database().with_extension("db-wal");
    until("the database is closed", || (!log.exists()).then_some(())).await;
    std::fs::write(desk.home.database(), "this is not a database, and long enough to be sure of it").unwrap();
    let engine = desk.open().await;
    assert!(engine.recovered().is_some_and(std::path::Path::exists));
    let found = within(engine.get(record.id)).await.unwrap();
    assert_eq!((outcome(&found), found.pinned), (outcome(&record), true));
    assert_same(&output(&engine, record.id), b"kept\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_run_is_searched_while_it_goes_on_and_afterwards() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line("seq 1 1000; sleep 1000")).await;
    let mut tail = engine.tail(id, 0).await.unwrap();
    read_until(&mut tail, "\n1000\n").await;
    for _ in ["while it goes on", "afterwards"] {
        let query = Query { pattern: "^77[0-9]$".into(), ..Query::default() };
        let count = within(engine.search(id, query, CancellationToken::new(), |_| true)).await.unwrap();
        assert_eq!(count, 10);
        // The second time finds that the run is over.
        let _ = within(engine.stop(id, Stop::Force)).await;
        end(&engine, id).await;
    }
}
