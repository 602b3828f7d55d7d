use super::*;
use crate::Error;

#[test]
fn a_run_comes_back_as_it_was_put_in_for_every_outcome() {
    let (_folder, home) = home();
    let history = open(&home);
    for outcome in outcomes() {
        let record = RunRecord { started: Some(second(1)), pinned: true, ..ended("make", outcome, 2, 7) };
        history.insert(&record).unwrap();
        assert_eq!(history.get(record.id).unwrap(), record);
    }
}

#[test]
fn a_run_goes_through_its_states() {
    let (_folder, home) = home();
    let history = open(&home);
    let record = run("make");
    history.insert(&record).unwrap();

    history.preparing(record.id).unwrap();
    assert_eq!(history.get(record.id).unwrap().state, RunState::Preparing);

    let place = Place { mode: Mode::Sandbox, program: Some("/bin/sh".into()), ..record.place };
    history.placed(record.id, &place).unwrap();
    history.started(record.id, second(5)).unwrap();
    // What is told late changes nothing.
    history.preparing(record.id).unwrap();
    let running = history.get(record.id).unwrap();
    assert_eq!((running.state, running.started, running.place), (RunState::Running, Some(second(5)), place));

    let ending = ending(Outcome::Failed { exit: Exit::Code(2) }, 9);
    assert!(history.ended(record.id, &ending, 1234).unwrap());
    let over = history.get(record.id).unwrap();
    assert_eq!((over.state, over.bytes), (RunState::Ended(ending), 1234));
}

#[test]
fn a_run_ends_once_and_stays_as_it_ended() {
    let (_folder, home) = home();
    let history = open(&home);
    let record = ended("make", Outcome::Succeeded, 3, 10);
    history.insert(&record).unwrap();

    assert!(!history.ended(record.id, &ending(Outcome::Lost, 4), 0).unwrap());
    assert!(!history.adopt(record.id, record.host, Uuid::new_v4()).unwrap());
    history.preparing(record.id).unwrap();
    history.started(record.id, second(5)).unwrap();
    history.placed(record.id, &Place { mode: Mode::Daytona, ..record.place.clone() }).unwrap();

    assert_eq!(history.get(record.id).unwrap(), record);
}

#[test]
fn values_of_variables_are_not_kept() {
    let (_folder, home) = home();
    let history = open(&home);
    let mut record = run("deploy");
    record.spec.env.set.insert("TOKEN".into(), Some("hunter2".into()));
    history.insert(&record).unwrap();

    let kept = history.get(record.id).unwrap().spec.env.set;
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), [("TOKEN".to_owned(), None)]);
}

#[test]
fn only_one_engine_adopts_a_run() {
    let (_folder, home) = home();
    let history = open(&home);
    let (dead, first, second) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let record = RunRecord { host: dead, ..run("make") };
    history.insert(&record).unwrap();

    assert!(history.adopt(record.id, dead, first).unwrap());
    assert!(!history.adopt(record.id, dead, second).unwrap());
    assert_eq!(history.unended(Some(first)).unwrap()[0].id, record.id);
    assert_eq!(history.unended(Some(second)).unwrap(), []);
}

#[test]
fn removed_runs_are_gone_from_lists_and_from_text_search() {
    let (_folder, home) = home();
    let history = open(&home);
    let (gone, kept) = (run("make old"), run("make new"));
    history.insert_all(&[gone.clone(), kept]).unwrap();

    history.remove(&[gone.id, RunId::new()], second(9)).unwrap();

    assert!(matches!(history.get(gone.id), Err(Error::RunNotFound { .. })));
    assert_eq!(lines(&history, &Filter { text: "make".into(), ..Filter::default() }), ["make new"]);
    assert_eq!(lines(&history, &Filter { text: "old".into(), ..Filter::default() }), [""; 0]);
}

#[test]
fn a_run_is_pinned_and_released() {
    let (_folder, home) = home();
    let history = open(&home);
    let record = run("make");
    history.insert(&record).unwrap();

    history.pin(record.id, true).unwrap();
    assert!(history.get(record.id).unwrap().pinned);
    history.pin(record.id, false).unwrap();
    assert!(!history.get(record.id).unwrap().pinned);
    assert_eq!(history.pin(RunId::new(), true).unwrap_err().code(), "run-not-found");
}

#[test]
fn many_runs_are_added_all_or_none() {
    let (_folder, home) = home();
    let history = open(&home);
    let twice = run("make");

    history.insert_all(&[run("first"), twice.clone(), twice]).unwrap_err();

    assert_eq!(history.count(&Filter::default()).unwrap(), 0);
}
