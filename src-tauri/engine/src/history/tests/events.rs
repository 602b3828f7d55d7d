use std::fs;
use std::io::Write as _;

use super::*;
use crate::history::events::{self, Event, EventLog, What};

fn created(record: &RunRecord) -> Event {
    Event::created(record)
}

fn at(n: i64, what: What) -> Event {
    Event { at: second(n), what }
}

fn one_of_each() -> Vec<Event> {
    let mut record = run("make");
    record.spec.limits.timeout = Some(Duration::from_secs(5));
    record.spec.work = Work::Program { argv: vec!["make".into(), "all".into()] };
    let mut all = vec![
        created(&record),
        at(1, What::Preparing { step: "pull image".into() }),
        at(2, What::Progress { step: "pull image".into(), current: 1, total: Some(u64::MAX) }),
        at(2, What::Progress { step: "pull image".into(), current: 2, total: None }),
        at(3, What::Placed { place: Place { program: Some("/bin/sh".into()), ..record.place } }),
        at(4, What::Running { pid: Some(7) }),
        at(4, What::Running { pid: None }),
        at(5, What::Adopted { host: Uuid::new_v4() }),
        at(6, What::Note { text: "line\nend".into() }),
        at(7, What::Pinned { pinned: true }),
    ];
    all.extend(
        outcomes().into_iter().map(|outcome| at(8, What::Ended { ending: ending(outcome, 8), bytes: 9 })),
    );
    all
}

#[test]
fn every_event_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open(folder.path()).unwrap();
    let events = one_of_each();
    for event in &events {
        log.append(event).unwrap();
    }
    assert_eq!(events::read(folder.path()).unwrap(), events);
}

#[test]
fn an_event_is_a_line_that_people_can_read() {
    let event = at(8, What::Ended { ending: ending(Outcome::Failed { exit: Exit::Code(3) }, 8), bytes: 9 });
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        r#"{"at":"2026-09-21T14:13:28Z","event":"ended","ending":{"state":"failed","exit_code":3,"at":"2026-09-21T14:13:28Z"},"bytes":9}"#
    );
}

#[test]
fn lines_that_are_no_events_are_left_out_and_the_others_count() {
    let folder = tempfile::tempdir().unwrap();
    let events = one_of_each();
    let mut text = Vec::new();
    for event in &events {
        text.extend_from_slice(
            b"{\"at\":\"2026-09-21T14:13:28Z\",\"event\":\"of a later version\"}\n\xff\0 garbage\n\n",
        );
        serde_json::to_writer(&mut text, event).unwrap();
        text.push(b'\n');
    }
    text.extend_from_slice(br#"{"at":"2026-09-21T14:13:"#);
    fs::write(folder.path().join("events.jsonl"), text).unwrap();
    assert_eq!(events::read(folder.path()).unwrap(), events);
}

#[test]
fn the_first_event_after_a_line_that_was_cut_is_not_lost_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let events = one_of_each();
    EventLog::open(folder.path()).unwrap().append(&events[0]).unwrap();
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(br#"{"at":"2026"#).unwrap();

    EventLog::open(folder.path()).unwrap().append(&events[1]).unwrap();

    assert_eq!(events::read(folder.path()).unwrap(), events[..2]);
}

#[test]
fn a_folder_without_events_has_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(events::read(folder.path()).unwrap(), []);
    assert_eq!(events::read(&folder.path().join("gone")).unwrap(), []);
    assert_eq!(RunRecord::from_events([at(1, What::Running { pid: None })]), None);
}

#[test]
fn a_record_follows_from_its_events() {
    let record = RunRecord { pinned: false, ..run("make") };
    let host = Uuid::new_v4();
    let ending = ending(Outcome::Cancelled { forced: false }, 6);
    let events = [
        created(&record),
        at(1, What::Preparing { step: "pull".into() }),
        at(2, What::Running { pid: Some(1) }),
        at(3, What::Adopted { host }),
        at(3, What::Progress { step: "download".into(), current: 1, total: None }),
        at(6, What::Ended { ending: ending.clone(), bytes: 12 }),
        at(7, What::Pinned { pinned: true }),
        at(8, What::Ended { ending: super::ending(Outcome::Lost, 8), bytes: 0 }),
    ];
    let expected = RunRecord {
        state: RunState::Ended(ending),
        started: Some(second(2)),
        bytes: 12,
        pinned: true,
        host,
        ..record
    };
    assert_eq!(RunRecord::from_events(events), Some(expected));
}

#[test]
fn values_of_variables_are_not_written() {
    let mut record = run("deploy");
    record.spec.env.set.insert("TOKEN".into(), Some("hunter2".into()));
    let line = serde_json::to_string(&created(&record)).unwrap();
    assert!(line.contains("TOKEN") && !line.contains("hunter2"), "{line}");
}

#[cfg(unix)]
#[test]
fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    EventLog::open(folder.path()).unwrap();
    let mode = fs::metadata(folder.path().join("events.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
