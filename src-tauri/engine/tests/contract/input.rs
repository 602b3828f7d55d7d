//! Input arrives byte for byte, waits for a program that does not read, and never gets in the way of the rest.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stigmer_engine::backend::{Exit, Launch, Signal, Size};
use stigmer_engine::spec::Input;
use stigmer_runner::protocol::INPUT_CREDIT;

use super::{Place, Started, run, script};
use crate::common::{assert_same, within};

/// More than everything between the engine and a program can hold.
const PLENTY: usize = 8 * INPUT_CREDIT;

fn piped(place: &dyn Place, text: &str) -> Launch {
    Launch { input: Input::Piped, ..script(place, text) }
}

fn plenty() -> Bytes {
    (0..=250).cycle().take(PLENTY).collect()
}

/// Sends input from a task of its own, as long as that takes.
fn send(program: &Started, bytes: Bytes) -> tokio::task::JoinHandle<()> {
    let execution = Arc::clone(&program.execution);
    tokio::spawn(async move {
        execution.input(bytes).await.unwrap();
        execution.end_input().await.unwrap();
    })
}

pub(crate) async fn closed_input_is_at_its_end_at_once(place: &dyn Place) {
    let (program, finish) = run(place, script(place, "cat; echo end")).await;
    assert_eq!((program.text().as_str(), finish.exit), ("end\n", Exit::Code(0)));
}

pub(crate) async fn input_arrives_byte_for_byte(place: &dyn Place) {
    let mut program = Started::new(place, piped(place, "cat")).await;
    let sending = send(&program, plenty());
    let finish = program.finish().await;
    within(sending).await.unwrap();
    assert_eq!(finish.exit, Exit::Code(0));
    assert_same(&program.stdout, &plenty());
}

pub(crate) async fn input_waits_for_a_program_that_does_not_read_yet(place: &dyn Place) {
    let text = "echo ready; while [ ! -e go ]; do sleep 0.01; done; cat";
    let mut program = Started::new(place, piped(place, text)).await;
    let sending = send(&program, plenty());
    program.until_it_says("ready").await;
    assert!(!sending.is_finished(), "nobody has room for all of it");
    std::fs::write(place.folder().join("go"), "").unwrap();
    program.finish().await;
    within(sending).await.unwrap();
    assert_same(&program.stdout, &[b"ready\n", &plenty()[..]].concat());
}

pub(crate) async fn input_for_a_program_that_closed_it_is_discarded(place: &dyn Place) {
    let text = "exec <&-; echo closed; while [ ! -e go ]; do sleep 0.01; done; echo end";
    let mut program = Started::new(place, piped(place, text)).await;
    program.until_it_says("closed").await;
    let sending = send(&program, plenty());
    let go = place.folder().join("go");
    let waiting = tokio::spawn(async move {
        within(sending).await.unwrap();
        std::fs::write(go, "").unwrap();
    });
    let finish = program.finish().await;
    waiting.await.unwrap();
    assert_eq!((program.text().as_str(), finish.exit), ("closed\nend\n", Exit::Code(0)));
}

pub(crate) async fn a_dropped_input_leaves_the_program_within_reach(place: &dyn Place) {
    for micros in (0..12).map(|n| n * 100) {
        let text = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done";
        let mut program = Started::new(place, piped(place, text)).await;
        program.until_it_says("ready").await;
        let input = program.execution.input(plenty());
        let dropped = tokio::time::timeout(Duration::from_micros(micros), input).await;
        assert!(dropped.is_err(), "the program does not read");
        program.execution.stop(Signal::Terminate, Duration::from_hours(1)).await.unwrap();
        assert_eq!(program.finish().await.exit, Exit::Code(3));
    }
}

pub(crate) async fn calls_after_the_end_do_no_harm(place: &dyn Place) {
    let (program, finish) = run(place, piped(place, "exit 3")).await;
    program.execution.input(plenty()).await.unwrap();
    program.execution.end_input().await.unwrap();
    program.execution.resize(Size { cols: 10, rows: 10 }).await.unwrap();
    program.execution.stop(Signal::Terminate, Duration::ZERO).await.unwrap();
    assert_eq!(program.execution.output().await.unwrap(), None);
    assert_eq!(program.execution.wait().await.unwrap(), finish);
}
