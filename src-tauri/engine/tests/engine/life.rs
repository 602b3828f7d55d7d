//! The life of a run, from what was asked for to what is known of it afterwards.

use std::time::Duration;

use stigmer_engine::history::{Filter, events};
use stigmer_engine::log::{Piece, Stream};
use stigmer_engine::spec::{Code, Language, Work};
use stigmer_engine::state::{Exit, Outcome, RunRecord, RunState};

use crate::common::{UNTIL_SLEEPING, assert_same, numbers, within};
use crate::desk::{Desk, bytes, end, happenings, outcome, output, pieces, run, start, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_through_its_states_in_order_and_keeps_what_it_wrote() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line("seq 1 50000; echo error >&2")).await;
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record), &Outcome::Succeeded);
    assert_eq!(happenings(&engine, id), ["created", "preparing", "running", "ended"]);
    let stream = |wanted| {
        let all = pieces(&engine, id);
        let of: Vec<Piece> = all
            .into_iter()
            .filter(|p| matches!(p, Piece::Bytes { stream, .. } if *stream == wanted))
            .collect();
        bytes(&of)
    };
    assert_same(&stream(Stream::Stdout), &numbers(1, 50_000));
    assert_same(&stream(Stream::Stderr), b"error\n");
    assert_eq!(record.bytes, output(&engine, id).len() as u64);
    let (started, ended) = (record.started.unwrap(), record.state.ending().unwrap().at);
    assert!(record.created <= started && started <= ended);
    assert!(record.state.ending().unwrap().usage.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_a_run_tells_the_same_as_the_history() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let record = run(&engine, desk.line("echo something; exit 3")).await;
    let told = events::read(&desk.home.run(record.id)).unwrap();
    assert!(told.is_sorted_by_key(|event| event.at));
    assert_eq!(RunRecord::from_events(told), Some(record));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_run_is_known_while_it_goes_on() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line(&format!("echo >ready; {}", wait_for("go")))).await;
    desk.until_said("ready").await;
    // The program may be quicker than the engine's notice of it.
    while within(engine.get(id)).await.unwrap().state == RunState::Preparing {}
    assert_eq!(within(engine.get(id)).await.unwrap().state, RunState::Running);
    desk.say("go");
    end(&engine, id).await;
    assert!(within(engine.get(id)).await.unwrap().state.ending().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_a_program_is_its_own_outcome() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let failed = |exit| Outcome::Failed { exit };
    for (line, expected) in [
        ("exit 0", Outcome::Succeeded),
        ("exit 3", failed(Exit::Code(3))),
        ("exit 255", failed(Exit::Code(255))),
        ("kill -KILL $$", failed(Exit::Signal(9))),
        ("kill -TERM $$", failed(Exit::Signal(15))),
    ] {
        assert_eq!(outcome(&run(&engine, desk.line(line)).await), &expected, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_started_is_an_error_with_its_code() {
    let desk = Desk::new();
    let engine = desk.open().await;
    std::fs::write(desk.workspace.join("plain"), "text").unwrap();
    let mut nowhere = desk.line("true");
    nowhere.workdir = Some("no/such/folder".into());
    let missing = Code::File { path: desk.workspace.join("missing.sh") };
    let script = Work::Script { language: Language::Bash, code: missing, args: Vec::new() };
    for (spec, code) in [
        (desk.program(["no-such-program"]), "program-not-found"),
        (desk.program(["./plain"]), "program-not-executable"),
        (nowhere, "folder-unusable"),
        (desk.work(script), "file-unreadable"),
    ] {
        let record = run(&engine, spec).await;
        let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
        assert_eq!((error.code.as_str(), record.started), (code, None));
        assert!(error.hint.is_some());
        assert_eq!(happenings(&engine, record.id), ["created", "preparing", "ended"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_run_leaves_nothing_behind() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut no_time = desk.line("true");
    no_time.limits.timeout = Some(Duration::ZERO);
    let mut forgotten = desk.line("true");
    forgotten.env.set.insert("NAME".into(), None);
    let mut nowhere = desk.line("true");
    nowhere.workspace = "relative".into();
    for spec in [desk.line("  "), desk.program([""]), no_time, forgotten, nowhere] {
        assert_eq!(within(engine.start(spec)).await.unwrap_err().code(), "invalid-spec");
    }
    assert_eq!(within(engine.list(Filter::default())).await.unwrap(), []);
    assert_eq!(std::fs::read_dir(desk.home.runs()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_outlives_its_run_is_named_in_the_log() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let line = format!("setsid sleep 1000 >/dev/null 2>&1 & {UNTIL_SLEEPING}; echo end");
    let record = run(&engine, desk.line(&line)).await;
    let [daemon] = desk.marker.alive()[..] else { panic!("it is not alone alive") };
    let expected = format!("end\nleft running by its own wish: sleep ({daemon})\n");
    assert_same(&output(&engine, record.id), expected.as_bytes());
    assert_eq!(happenings(&engine, record.id), ["created", "preparing", "running", "note", "ended"]);
    let killed = std::process::Command::new("kill").arg(daemon.to_string()).status();
    assert!(killed.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_runs_at_once_each_keep_their_own_output() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(start(&engine, desk.line(&format!("seq {number} 5000; exit {number}"))).await);
    }
    for (number, id) in (0_u64..).zip(ids) {
        let record = end(&engine, id).await;
        assert_eq!(outcome(&record).exit_code(), i32::try_from(number).ok());
        assert_same(&output(&engine, id), &numbers(number, 5_000));
    }
}
