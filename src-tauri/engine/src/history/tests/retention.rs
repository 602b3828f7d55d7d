use super::*;
use crate::history::{Candidate, Reason};

const DAY: Duration = Duration::from_hours(24);

/// What goes and why, by command line, at second 0 of the tests' time.
fn goes(records: &[RunRecord], max_age: Option<Duration>, max_bytes: Option<u64>) -> Vec<(String, Reason)> {
    let (_folder, home) = home();
    let history = open(&home);
    history.insert_all(records).unwrap();
    let candidates = history.candidates(max_age, max_bytes, second(0)).unwrap();
    let name = |Candidate { id, reason, .. }| (history.get(id).unwrap().spec.work.to_string(), reason);
    candidates.into_iter().map(name).collect()
}

fn day(n: i64) -> i64 {
    n * 24 * 60 * 60
}

fn named(name: &str, reason: Reason) -> (String, Reason) {
    (name.to_owned(), reason)
}

#[test]
fn what_ended_too_long_ago_goes_first_and_then_the_oldest_until_the_rest_fits() {
    let records = [
        ended("today", Outcome::Succeeded, day(0), 40),
        ended("ancient", Outcome::Succeeded, day(-40), 1000),
        ended("this week", Outcome::Lost, day(-3), 40),
        ended("this month", Outcome::Succeeded, day(-20), 40),
    ];
    let expected = [named("ancient", Reason::Age), named("this month", Reason::Size)];
    assert_eq!(goes(&records, Some(30 * DAY), Some(80)), expected);
}

#[test]
fn without_limits_everything_stays() {
    assert_eq!(goes(&[ended("ancient", Outcome::Succeeded, day(-4000), 1)], None, None), []);
}

#[test]
fn pinned_and_un_ended_runs_stay_and_do_not_count() {
    let records = [
        RunRecord { pinned: true, ..ended("pinned", Outcome::Succeeded, day(-90), 1000) },
        RunRecord { state: RunState::Running, ..run("running for months") },
        ended("small", Outcome::Succeeded, day(-1), 10),
    ];
    assert_eq!(goes(&records, Some(30 * DAY), Some(10)), []);
}

#[test]
fn a_run_without_output_does_not_go_for_its_size() {
    let records =
        [ended("empty", Outcome::Succeeded, day(-2), 0), ended("large", Outcome::Succeeded, day(-1), 10)];
    assert_eq!(goes(&records, None, Some(5)), [named("large", Reason::Size)]);
}

#[test]
fn limits_of_zero_and_of_ages_beyond_all_time_are_taken_as_they_are() {
    let records = [ended("now", Outcome::Succeeded, day(0), 5), ended("before", Outcome::Succeeded, -1, 5)];
    assert_eq!(goes(&records, Some(Duration::MAX), None), []);
    assert_eq!(goes(&records, Some(Duration::ZERO), None), [named("before", Reason::Age)]);
    assert_eq!(goes(&records, None, Some(0)).len(), 2);
}
