use proptest::prelude::*;

use super::*;
use crate::history::filter::listing;
use crate::state::{CloudFacts, SandboxFacts};

fn failed(line: &str) -> RunRecord {
    ended(line, Outcome::Failed { exit: Exit::Code(1) }, 1, 0)
}

/// Five runs, oldest first.
fn records() -> Vec<RunRecord> {
    let build = ended("cargo build --release", Outcome::Succeeded, 1, 0);
    let mut test = failed("cargo test -p Engine");
    test.spec.labels = vec!["nightly".into(), "ci\nslow".into()];
    test.created = second(10);
    let mut deploy = ended("./deploy.sh 100% \"ÉCLAIR\" a_b", Outcome::Lost, 1, 0);
    deploy.spec.workspace = "/home/ada/other".into();
    deploy.spec.origin = Origin::Window;
    deploy.created = second(20);
    let mut again = run("cargo build --release --verbose");
    again.spec.rerun_of = Some(build.id);
    again.place.mode = Mode::Sandbox;
    let facts =
        SandboxFacts { image: "other".into(), container: "stigmer-1a".into(), ..SandboxFacts::default() };
    again.place.sandbox = Some(Box::new(facts));
    again.created = second(30);
    let mut listing = RunRecord { state: RunState::Running, pinned: true, ..run("ls 日本") };
    listing.spec.labels = vec!["nightly build".into()];
    let facts = CloudFacts { id: "0-1".into(), name: "stigmer-2b".into(), ..CloudFacts::default() };
    listing.place.cloud = Some(Box::new(facts));
    listing.created = second(40);
    vec![build, test, deploy, again, listing]
}

/// The places, in `records`, of those that pass.
fn passing(filter: &Filter) -> Vec<usize> {
    let (_folder, home) = home();
    let history = open(&home);
    let mut records = records();
    if let Some(first) = filter.rerun_of {
        records[0].id = first;
        records[3].spec.rerun_of = Some(first);
    }
    history.insert_all(&records).unwrap();
    let listed = history.list(filter).unwrap();
    assert_eq!(history.count(filter).unwrap(), listed.len() as u64);
    listed.iter().map(|run| records.iter().position(|record| record == run).unwrap()).collect()
}

#[test]
fn text_is_found_anywhere_in_the_command_line() {
    for (text, found) in [
        ("", &[4, 3, 2, 1, 0][..]),
        ("cargo", &[3, 1, 0]),
        ("ARGO", &[3, 1, 0]),
        ("release  cargo", &[3, 0]),
        ("cargo -p", &[1]),
        ("-P cargo engine", &[1]),
        ("ls", &[4]),
        ("éclair", &[2]),
        ("éc", &[2]),
        ("日本", &[4]),
        ("本", &[4]),
        ("0%", &[2]),
        ("%", &[2]),
        ("a_", &[2]),
        ("_", &[2]),
        ("\"éclair\"", &[2]),
        ("\"", &[2]),
        ("build\0release", &[3, 0]),
        ("kubectl", &[]),
        ("zz", &[]),
        ("cargo OR deploy", &[]),
        ("car*", &[]),
        ("NOT cargo", &[]),
        ("command:cargo", &[]),
        ("^cargo", &[]),
    ] {
        assert_eq!(passing(&Filter { text: text.into(), ..Filter::default() }), found, "{text}");
    }
}

#[test]
fn every_field_narrows_the_list() {
    let all = Filter::default;
    let first = RunId::new();
    for (filter, found) in [
        (Filter { states: vec!["failed".into()], ..all() }, &[1][..]),
        (Filter { states: vec!["lost".into(), "running".into()], ..all() }, &[4, 2]),
        (Filter { states: vec!["queued".into(), "running".into()], ..all() }, &[4, 3]),
        (Filter { modes: vec![Mode::Sandbox, Mode::Daytona], ..all() }, &[3]),
        (Filter { origins: vec![Origin::Window], ..all() }, &[2]),
        (Filter { labels: vec!["nightly".into()], ..all() }, &[1]),
        (Filter { labels: vec!["nightly".into(), "ci\nslow".into()], ..all() }, &[1]),
        (Filter { labels: vec!["nightly".into(), "nightly build".into()], ..all() }, &[]),
        (Filter { labels: vec!["night".into()], ..all() }, &[]),
        (Filter { workspace: Some("/home/ada/other".into()), ..all() }, &[2]),
        (Filter { since: Some(second(30)), ..all() }, &[4, 3]),
        (Filter { until: Some(second(10)), ..all() }, &[0]),
        (Filter { since: Some(second(10)), until: Some(second(30)), ..all() }, &[2, 1]),
        (Filter { pinned: Some(true), ..all() }, &[4]),
        (Filter { pinned: Some(false), ..all() }, &[3, 2, 1, 0]),
        (Filter { rerun_of: Some(first), ..all() }, &[3]),
        (Filter { sandbox: Some("stigmer-1a".into()), ..all() }, &[3]),
        (Filter { sandbox: Some("stigmer-2b".into()), ..all() }, &[4]),
        (Filter { sandbox: Some("0-1".into()), ..all() }, &[4]),
        (Filter { sandbox: Some("stigmer".into()), ..all() }, &[]),
        (Filter { sandbox: Some("other".into()), text: "cargo".into(), ..all() }, &[]),
        (Filter { sandbox: Some("stigmer-1a".into()), text: "cargo".into(), ..all() }, &[3]),
        (Filter { text: "cargo".into(), states: vec!["failed".into()], ..all() }, &[1]),
        (Filter { text: "cargo".into(), workspace: Some("/home/ada/other".into()), ..all() }, &[]),
    ] {
        assert_eq!(passing(&filter), found, "{filter:?}");
    }
}

/// How the database goes about a list.
fn plan(filter: &Filter) -> String {
    let (_folder, home) = home();
    let history = open(&home);
    let (sql, values) = listing(filter).unwrap();
    let connection = history.connection();
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = explain.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
    steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn no_list_is_sorted_and_each_walks_over_as_little_as_it_can() {
    let all = Filter::default;
    let live = vec!["queued".into(), "running".into()];
    for (filter, walk) in [
        (all(), "SCAN runs;"),
        (Filter { states: vec!["failed".into()], workspace: Some("/home".into()), ..all() }, "SCAN runs;"),
        (Filter { before: Some(RunId::new()), ..all() }, "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?);"),
        (Filter { sandbox: Some("a".into()), ..all() }, "SCAN runs;"),
        (Filter { states: live, ..all() }, "SCAN runs USING INDEX runs_unended;"),
        (Filter { text: "make".into(), pinned: Some(true), ..all() }, "SCAN runs_text VIRTUAL TABLE"),
    ] {
        let plan = plan(&filter);
        assert!(plan.starts_with(walk) && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
    }
}

#[test]
fn a_word_that_is_no_state_is_refused() {
    let (_folder, home) = home();
    let error = open(&home).list(&Filter { states: vec!["faild".into()], ..Filter::default() }).unwrap_err();
    assert_eq!(error.code(), "pattern");
    assert!(error.to_string().contains("failed"), "{error}");
}

#[test]
fn pages_have_no_gaps_and_no_doubles_even_when_their_last_run_is_removed() {
    let (_folder, home) = home();
    let history = open(&home);
    let records: Vec<_> = (0..23).map(|n| run(&format!("make {n}"))).collect();
    history.insert_all(&records).unwrap();

    for text in ["", "make"] {
        let mut filter = Filter { text: text.into(), limit: 5, ..Filter::default() };
        let mut seen = Vec::new();
        loop {
            let page = history.list(&filter).unwrap();
            let Some(last) = page.last() else { break };
            filter.before = Some(last.id);
            seen.extend(page.iter().map(|record| record.id));
            // The next page is asked for behind a run that is gone.
            history.remove(&seen[seen.len() - 1..], second(9)).unwrap();
        }
        let newest_first: Vec<_> = records.iter().rev().map(|record| record.id).collect();
        assert_eq!(seen, newest_first);
        history.remove(&newest_first, second(9)).unwrap();
        history.insert_all(&records).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_is_an_error_and_every_part_of_a_command_finds_it(
        line in "[ -~äÖ日\"'%_]{1,20}",
        text in any::<String>(),
        range in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let (_folder, home) = home();
        let history = open(&home);
        history.insert(&run(&line)).unwrap();

        let find = |text: String| history.list(&Filter { text, ..Filter::default() });
        prop_assert!(find(text).is_ok());

        let chars: Vec<char> = line.chars().collect();
        let (a, b) = (range.0.index(chars.len()), range.1.index(chars.len()));
        let part: String = chars[a.min(b)..=a.max(b)].iter().collect();
        prop_assert_eq!(find(part).unwrap().len(), 1);
    }
}
