#![expect(clippy::float_cmp, reason = "amounts are rounded")]

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use rusqlite::Connection;

use super::*;
use crate::cost::CostOf;
use crate::history::{Event, EventLog, What, schema};
use crate::state::CloudFacts;

/// An hour costs a dollar, so that costs are hours.
const PER_HOUR: f64 = 1.0;

fn hour(n: i64) -> Timestamp {
    second(n * 3600)
}

/// A run that got a sandbox at an hour.
fn in_cloud(sandbox: &str, since: i64) -> RunRecord {
    let facts = CloudFacts {
        name: sandbox.to_owned(),
        per_hour: Some(PER_HOUR),
        since: Some(hour(since)),
        ..CloudFacts::default()
    };
    let mut record = run("train");
    record.place.mode = Mode::Daytona;
    record.place.cloud = Some(Box::new(facts));
    record
}

/// The same, over at another.
fn over(sandbox: &str, since: i64, until: i64, outcome: Outcome) -> RunRecord {
    let ending = Ending { at: hour(until), ..ending(outcome, 0) };
    RunRecord { state: RunState::Ended(ending), ..in_cloud(sandbox, since) }
}

fn of<T>(of: T, runs: u64, cost: f64) -> CostOf<T> {
    CostOf { of, runs, cost }
}

/// The tests' time begins on the 21st of September 2026, at 14:13:20 in London's winter time.
const MONTH: Date = date(2026, 9, 1);

#[test]
fn costs_are_summed_up_by_day_sandbox_and_month() {
    let (_folder, home) = home();
    let history = open(&home);
    let failed = Outcome::Failed { exit: Exit::Code(1) };
    history
        .insert_all(&[
            over("one", 0, 2, Outcome::Succeeded),
            over("two", 1, 6, failed),
            over("one", 24, 27, Outcome::Cancelled { forced: true }),
            over("old", -24 * 30, -24 * 30 + 4, Outcome::Succeeded),
            ended("make", Outcome::Succeeded, 9, 5),
            in_cloud("one", 25),
        ])
        .unwrap();
    let now = hour(30);

    let month = history.costs_of_month(MONTH, &TimeZone::UTC, now).unwrap();
    let days = [of(date(2026, 9, 21), 2, 7.0), of(date(2026, 9, 22), 2, 8.0)];
    assert_eq!(month.days, days, "what goes on counts so far");
    assert_eq!(month.sandboxes, [of("one".to_owned(), 3, 10.0), of("two".to_owned(), 1, 5.0)]);
    let months = history.costs_by_month(&TimeZone::UTC, now).unwrap();
    assert_eq!(months, [of(date(2026, 8, 1), 1, 4.0), of(MONTH, 4, 15.0)]);
    assert_eq!(history.spent(hour(0), now).unwrap(), 15.0);
    let sandboxes: BTreeMap<_, _> = [("old", 4.0), ("one", 10.0), ("two", 5.0)].into();
    let found = history.costs_of_sandboxes(now).unwrap();
    assert_eq!(
        found.iter().map(|(name, cost)| (name.as_str(), *cost)).collect::<BTreeMap<_, _>>(),
        sandboxes
    );
}

#[test]
fn days_are_those_of_the_place_where_people_are() {
    let (_folder, home) = home();
    let history = open(&home);
    history.insert(&over("one", 9, 10, Outcome::Succeeded)).unwrap();
    let day = |zone: &str| {
        let zone = TimeZone::get(zone).unwrap();
        history.costs_of_month(MONTH, &zone, hour(10)).unwrap().days.remove(0).of
    };
    assert_eq!(day("UTC"), date(2026, 9, 21), "a quarter past eleven in the evening");
    assert_eq!(day("Asia/Kathmandu"), date(2026, 9, 22));
}

#[test]
fn a_run_costs_something_from_its_sandbox_to_its_end_and_nothing_when_that_is_lost() {
    let (_folder, home) = home();
    let history = open(&home);
    let (ran, lost) = (in_cloud("one", 0), in_cloud("two", 0));
    for record in [&ran, &lost] {
        history.insert(&RunRecord { place: run("").place, ..record.clone() }).unwrap();
        assert_eq!(history.get(record.id).unwrap().cost(hour(9)), None);
        history.placed(record.id, &record.place).unwrap();
        // Told again, as it is when more is known: that does not count twice.
        history.placed(record.id, &record.place).unwrap();
    }
    assert_eq!(history.get(ran.id).unwrap().cost(hour(2)), Some(2.0), "so far");
    assert_eq!(history.spent(hour(0), hour(2)).unwrap(), 4.0);

    let end = |outcome| Ending { at: hour(3), ..ending(outcome, 0) };
    history.ended(ran.id, &end(Outcome::Succeeded), 0).unwrap();
    history.ended(lost.id, &end(Outcome::Lost), 0).unwrap();
    assert_eq!(history.get(ran.id).unwrap().cost(hour(9)), Some(3.0));
    assert_eq!(history.get(lost.id).unwrap().cost(hour(9)), None);
    assert_eq!(history.spent(hour(0), hour(9)).unwrap(), 3.0);
}

/// All sums there are.
fn sums(history: &History, now: Timestamp) -> impl PartialEq + std::fmt::Debug + use<> {
    let zone = TimeZone::get("Asia/Kathmandu").unwrap();
    (
        history.costs_of_month(MONTH, &zone, now).unwrap(),
        history.costs_by_month(&zone, now).unwrap(),
        history.costs_of_sandboxes(now).unwrap(),
        [history.spent(Timestamp::MIN, now).unwrap(), history.spent(hour(0), now).unwrap()],
    )
}

fn kept_sums(home: &Home) -> Vec<(String, i64)> {
    let database = Connection::open(home.database()).unwrap();
    let mut rows =
        database.prepare("SELECT sandbox, runs FROM removed_costs ORDER BY quarter, sandbox").unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_was_spent_stays_when_runs_are_removed() {
    let (_folder, home) = home();
    let history = open(&home);
    let all = [
        over("one", 0, 2, Outcome::Succeeded),
        over("one", 0, 1, Outcome::Failed { exit: Exit::Code(1) }),
        over("two", 9, 12, Outcome::Succeeded),
        over("old", -24 * 30, -24 * 30 + 4, Outcome::Succeeded),
        over("two", 25, 26, Outcome::Succeeded),
        in_cloud("one", 25),
    ];
    history.insert_all(&all).unwrap();
    let now = hour(30);
    let before = sums(&history, now);
    for ids in [vec![all[0].id, all[1].id], vec![all[2].id, all[3].id], vec![all[4].id]] {
        history.remove(&ids, now).unwrap();
        history.remove(&ids, now).unwrap();
        assert_eq!(sums(&history, now), before);
    }
    assert_eq!(history.count(&Filter::default()).unwrap(), 1);
    assert_eq!(
        kept_sums(&home).into_iter().map(|(_, runs)| runs).collect::<Vec<_>>(),
        [1, 2, 1, 1],
        "those of one time and sandbox are one sum"
    );
}

#[test]
fn removing_a_run_that_cost_nothing_or_whose_end_nobody_knows_keeps_nothing() {
    let (_folder, home) = home();
    let history = open(&home);
    let all = [ended("make", Outcome::Succeeded, 9, 5), over("one", 0, 2, Outcome::Lost), in_cloud("one", 0)];
    history.insert_all(&all).unwrap();
    history.remove(&all.each_ref().map(|run| run.id), hour(9)).unwrap();
    assert_eq!(kept_sums(&home), []);
    assert_eq!(history.spent(Timestamp::MIN, hour(9)).unwrap(), 0.0);
}

#[test]
fn sandboxes_of_single_runs_are_put_together_after_two_months_and_no_others() {
    let (_folder, home) = home();
    let history = open(&home);
    let fresh: Vec<_> = (0..9)
        .map(|_| {
            let mut run = over("", 0, 1, Outcome::Succeeded);
            run.place.cloud.as_mut().unwrap().name = format!("stigmer-{}", run.id);
            run
        })
        .collect();
    let shared = over("one", 0, 1, Outcome::Succeeded);
    history.insert_all(&fresh).unwrap();
    history.insert(&shared).unwrap();
    let now = hour(24 * 62);
    history.remove(&fresh.iter().map(|run| run.id).collect::<Vec<_>>(), now).unwrap();
    assert_eq!(kept_sums(&home).len(), 9, "each has its name still");
    let days = history.costs_of_month(MONTH, &TimeZone::UTC, now).unwrap().days;

    history.remove(&[shared.id], hour(24 * 64)).unwrap();
    assert_eq!(kept_sums(&home), [(String::new(), 9), ("one".to_owned(), 1)]);
    let month = history.costs_of_month(MONTH, &TimeZone::UTC, now).unwrap();
    assert_eq!((month.days, days.len()), (days, 1));
    let names = [of("sandboxes of single runs".to_owned(), 9, 9.0), of("one".to_owned(), 1, 1.0)];
    assert_eq!(month.sandboxes, names);
    let later = over("", 0, 1, Outcome::Succeeded);
    let mut later = RunRecord { id: RunId::new(), ..later };
    later.place.cloud.as_mut().unwrap().name = format!("stigmer-{}", later.id);
    history.insert(&later).unwrap();
    history.remove(&[later.id], hour(24 * 65)).unwrap();
    assert_eq!(kept_sums(&home), [(String::new(), 10), ("one".to_owned(), 1)]);
}

#[test]
fn what_removed_runs_cost_is_taken_over_from_a_history_that_was_set_aside() {
    let (_folder, home) = home();
    let history = open(&home);
    let gone = over("one", 0, 2, Outcome::Succeeded);
    history.insert(&gone).unwrap();
    history.remove(&[gone.id], hour(3)).unwrap();
    let before = sums(&history, hour(3));
    drop(history);
    for _ in 0..2 {
        let mended = History::recover(&home).unwrap();
        assert!(mended.recovered.is_some());
        assert_eq!(sums(&mended.history, hour(3)), before);
    }
}

#[test]
fn a_history_that_is_made_again_from_the_folders_has_the_same_costs() {
    let (_folder, home) = home();
    let history = open(&home);
    let mut later = run("train");
    later.place.mode = Mode::Daytona;
    let (until, lost) = (hour(5), over("two", 0, 5, Outcome::Lost));
    let placed = RunRecord { id: later.id, ..in_cloud("one", 1) }.place;
    for (record, place) in [(&later, Some(&placed)), (&lost, None)] {
        let path = home.run(record.id);
        std::fs::create_dir_all(&path).unwrap();
        let log = EventLog::open(&path).unwrap();
        log.append(&Event::created(record)).unwrap();
        if let Some(place) = place {
            log.append(&Event { at: hour(1), what: What::Placed { place: place.clone() } }).unwrap();
        }
        let outcome = if place.is_some() { Outcome::Succeeded } else { Outcome::Lost };
        let ending = Ending { at: until, ..ending(outcome, 0) };
        log.append(&Event { at: until, what: What::Ended { ending, bytes: 0 } }).unwrap();
    }
    drop(history);
    let history = History::recover(&home).unwrap().history;
    assert_eq!(history.get(later.id).unwrap().cost(until), Some(4.0));
    assert_eq!(history.spent(hour(0), until).unwrap(), 4.0);
}

#[test]
fn a_history_of_the_format_before_keeps_its_runs_and_counts_from_now_on() {
    let (_folder, home) = home();
    home.create().unwrap();
    let old = Connection::open(home.database()).unwrap();
    old.execute_batch(include_str!("../schema/1-runs.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO runs VALUES (1, '01900000-0000-7000-8000-000000000001', 5, 6, 7, 'succeeded', 'daytona', 0,
                                  'command_line', 0, 0, '00000000-0000-0000-0000-000000000000', NULL, '/w', '', 'old')",
    )
    .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);

    let history = open(&home);
    assert_eq!(history.count(&Filter::default()).unwrap(), 1);
    assert_eq!(history.spent(Timestamp::MIN, hour(9)).unwrap(), 0.0);
    history.insert(&over("one", 0, 2, Outcome::Succeeded)).unwrap();
    assert_eq!(history.spent(Timestamp::MIN, hour(9)).unwrap(), 2.0);
    let ids = ["last", "@2"].map(|given| history.resolve(given).unwrap());
    history.remove(&ids, hour(9)).unwrap();
    assert_eq!(history.count(&Filter::default()).unwrap(), 0);
    assert_eq!(history.spent(Timestamp::MIN, hour(9)).unwrap(), 2.0);
    assert_eq!(schema::CURRENT, 2);
}
