use std::fs;

use proptest::prelude::*;

use super::*;
use crate::history::{Event, EventLog, Host, What, is_alive};

/// Writes the folder of a run, as its driver does.
fn folder(home: &Home, record: &RunRecord) {
    let path = home.run(record.id);
    fs::create_dir_all(&path).unwrap();
    let log = EventLog::open(&path).unwrap();
    let append = |at, what| log.append(&Event { at, what }).unwrap();
    log.append(&Event::created(record)).unwrap();
    if record.state != RunState::Queued {
        append(record.created, What::Preparing { step: "find the program".into() });
    }
    if let Some(at) = record.started {
        append(at, What::Running { pid: Some(1) });
    }
    if let RunState::Ended(ending) = &record.state {
        append(ending.at, What::Ended { ending: ending.clone(), bytes: record.bytes });
    }
    if record.pinned {
        append(record.created, What::Pinned { pinned: true });
    }
}

fn folders(home: &Home, records: &[RunRecord]) {
    for record in records {
        folder(home, record);
    }
}

/// A home with three runs that have folders and rows.
fn with_runs() -> (TempDir, Home, Vec<RunRecord>) {
    let (temporary, home) = home();
    let history = open(&home);
    let records = vec![
        ended("make", Outcome::Succeeded, 9, 5),
        RunRecord { state: RunState::Running, started: Some(second(1)), ..run("serve") },
        RunRecord { pinned: true, ..ended("test", Outcome::Lost, 7, 3) },
    ];
    history.insert_all(&records).unwrap();
    folders(&home, &records);
    (temporary, home, records)
}

fn newest_first(records: &[RunRecord]) -> Vec<RunRecord> {
    records.iter().rev().cloned().collect()
}

#[test]
fn damage_is_set_aside_and_the_history_is_rebuilt_from_the_folders() {
    let page_one = |bytes: &mut Vec<u8>| bytes[..64].fill(0);
    let tables = |bytes: &mut Vec<u8>| bytes[100..4096].fill(0xff);
    let half = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let page = |bytes: &mut Vec<u8>| bytes.truncate(4096);
    let torn = |bytes: &mut Vec<u8>| bytes.truncate(777);
    let garbage = |bytes: &mut Vec<u8>| *bytes = b"not a database\n".repeat(999);
    let short = |bytes: &mut Vec<u8>| *bytes = b"short".to_vec();
    let damages: [fn(&mut Vec<u8>); 7] = [page_one, tables, half, page, torn, garbage, short];
    for (number, damage) in damages.into_iter().enumerate() {
        let (_folder, home, records) = with_runs();
        let mut bytes = fs::read(home.database()).unwrap();
        damage(&mut bytes);
        fs::write(home.database(), &bytes).unwrap();

        let opened = History::open(&home).unwrap();

        let aside = opened.recovered.unwrap_or_else(|| panic!("damage {number} was not noticed"));
        assert!(aside.file_name().unwrap().to_str().unwrap().starts_with("stigmer.db.damaged-2"));
        assert_eq!(fs::read(aside).unwrap(), bytes);
        assert_eq!(
            opened.history.list(&Filter::default()).unwrap(),
            newest_first(&records),
            "damage {number}"
        );
        assert_eq!(History::open(&home).unwrap().recovered, None);
    }
}

#[test]
fn a_lost_or_emptied_database_is_rebuilt_without_a_word() {
    let lose = |home: &Home| fs::remove_file(home.database()).unwrap();
    let empty = |home: &Home| fs::write(home.database(), "").unwrap();
    for harm in [lose, empty] {
        let (_folder, home, records) = with_runs();
        harm(&home);
        let opened = History::open(&home).unwrap();
        assert_eq!(opened.recovered, None);
        assert_eq!(opened.history.list(&Filter::default()).unwrap(), newest_first(&records));
    }
}

#[test]
fn damage_that_shows_later_is_an_error_that_check_explains_and_recover_mends() {
    let (_folder, home, records) = with_runs();
    let mut bytes = fs::read(home.database()).unwrap();
    // What opening reads stands before this.
    for page in bytes.chunks_mut(4096).skip(4) {
        page[..64].fill(0xee);
    }
    fs::write(home.database(), bytes).unwrap();

    let damaged = open(&home);
    let error = damaged.list(&Filter::default()).unwrap_err();
    assert_eq!(error.code(), "history");
    assert!(error.hint().unwrap().contains("stigmer doctor"));
    assert_ne!(damaged.check().unwrap(), [""; 0]);
    drop(damaged);

    let mended = History::recover(&home).unwrap();
    assert!(mended.recovered.unwrap().exists());
    assert_eq!(mended.history.check().unwrap(), [""; 0]);
    assert_eq!(mended.history.list(&Filter::default()).unwrap(), newest_first(&records));
}

#[test]
fn rebuilding_adds_only_what_is_missing_and_leaves_out_what_it_cannot_read() {
    let (_folder, home, mut records) = with_runs();
    let history = open(&home);
    let missing = run("missing");
    folder(&home, &missing);
    fs::create_dir(home.runs().join("not a run")).unwrap();
    fs::create_dir(home.run(RunId::new())).unwrap();
    fs::create_dir_all(home.run(RunId::new()).join("events.jsonl")).unwrap();
    let elsewhere = home.run(RunId::new());
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(home.run(missing.id).join("events.jsonl"), elsewhere.join("events.jsonl")).unwrap();

    assert_eq!(history.rebuild_from(&home).unwrap(), 1);
    assert_eq!(history.rebuild_from(&home).unwrap(), 0);

    records.push(missing);
    assert_eq!(history.list(&Filter::default()).unwrap(), newest_first(&records));
}

#[test]
fn orphans_are_un_ended_runs_of_dead_engines_whose_folders_do_not_know_their_end() {
    let (_folder, home) = home();
    let history = open(&home);
    let host = Host::claim(&home).unwrap();
    let alive = RunRecord { host: host.id(), ..run("alive") };
    let dead = RunRecord { host: Uuid::new_v4(), ..run("dead") };
    let over = RunRecord { host: Uuid::new_v4(), ..run("over") };
    let ending = ending(Outcome::Succeeded, 4);
    let started = RunRecord { host: Uuid::new_v4(), ..run("started") };
    history.insert_all(&[alive, dead.clone(), over.clone(), started.clone()]).unwrap();
    // Its engine died before the row was told.
    let started = RunRecord { state: RunState::Running, started: Some(second(2)), ..started };
    folder(&home, &started);
    let over = RunRecord { state: RunState::Ended(ending), started: Some(second(2)), bytes: 8, ..over };
    folder(&home, &over);

    assert_eq!(history.orphans(&home).unwrap(), [dead, started.clone()]);
    assert_eq!(history.get(started.id).unwrap().started, started.started);

    assert_eq!(history.get(over.id).unwrap(), over);
    assert!(is_alive(&home, host.id()).unwrap());
}

fn any_run() -> impl Strategy<Value = RunRecord> {
    let state = prop_oneof![
        Just(RunState::Queued),
        Just(RunState::Preparing),
        Just(RunState::Running),
        (0..outcomes().len(), 0..1000_i64)
            .prop_map(|(which, at)| RunState::Ended(ending(outcomes()[which].clone(), at))),
    ];
    let words = (any::<String>(), prop::collection::vec(any::<String>(), 0..3));
    let numbers = (0..1_000_000_000_i32, any::<bool>(), any::<u32>(), any::<bool>());
    (words, state, numbers).prop_map(|((line, labels), state, (nanosecond, pinned, bytes, started))| {
        let mut record = RunRecord { pinned, ..run(&line) };
        record.spec.labels = labels;
        record.created = Timestamp::new(1_790_000_000, nanosecond).unwrap();
        let over = matches!(state, RunState::Ended(_));
        record.started = (state == RunState::Running || (over && started)).then(|| second(2));
        record.bytes = if over { bytes.into() } else { 0 };
        record.state = state;
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_rebuilt_history_equals_the_original(records in prop::collection::vec(any_run(), 0..6)) {
        let (_folder, home) = home();
        let history = open(&home);
        history.insert_all(&records).unwrap();
        folders(&home, &records);
        let original = history.list(&Filter::default()).unwrap();
        drop(history);
        fs::remove_file(home.database()).unwrap();

        prop_assert_eq!(&original, &newest_first(&records));
        prop_assert_eq!(open(&home).list(&Filter::default()).unwrap(), original);
    }
}
