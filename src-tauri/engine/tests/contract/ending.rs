//! A program ends by itself, politely or by force, and takes its whole tree with it unless something of it
//! made itself independent and the end was the program's own.

use std::sync::Arc;
use std::time::Duration;

use stigmer_engine::backend::{Exit, Signal};

use super::{Place, Started, marked, script, until_alive, until_none_is_alive};
use crate::common::UNTIL_SLEEPING;

/// Longer than any test: whoever waits for it never forces.
const LONG: Duration = Duration::from_hours(1);

const KILLED: Exit = Exit::Signal(9);

/// A script that takes notice of no polite signal.
const STUBBORN: &str = "trap '' HUP INT TERM; echo ready; while :; do sleep 0.05; done";

pub(crate) async fn every_polite_signal_lets_a_program_end_itself(place: &dyn Place) {
    let signals = [(Signal::Interrupt, "INT"), (Signal::Terminate, "TERM"), (Signal::Hangup, "HUP")];
    for (signal, name) in signals {
        let text = format!("trap 'exit 3' {name}; echo ready; while :; do sleep 0.05; done");
        let mut program = Started::new(place, script(place, &text)).await;
        program.until_it_says("ready").await;
        program.execution.stop(signal, LONG).await.unwrap();
        assert_eq!(program.finish().await.exit, Exit::Code(3), "{name}");
    }
}

pub(crate) async fn what_is_written_after_a_stop_still_arrives(place: &dyn Place) {
    let text = "trap 'seq 1 100000; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let mut program = Started::new(place, script(place, text)).await;
    program.until_it_says("ready").await;
    program.execution.stop(Signal::Terminate, LONG).await.unwrap();
    program.finish().await;
    assert!(program.text().ends_with("\n99999\n100000\n"), "{} bytes", program.stdout.len());
}

pub(crate) async fn a_program_without_grace_is_ended_at_once(place: &dyn Place) {
    let text = "trap 'echo asked' HUP INT TERM; echo ready; while :; do sleep 0.05; done";
    let mut program = Started::new(place, script(place, text)).await;
    program.until_it_says("ready").await;
    program.execution.stop(Signal::Terminate, Duration::ZERO).await.unwrap();
    assert_eq!(program.finish().await.exit, KILLED);
    assert_eq!(program.text(), "ready\n");
}

pub(crate) async fn a_program_that_does_not_listen_is_forced_after_its_grace(place: &dyn Place) {
    let mut program = Started::new(place, script(place, STUBBORN)).await;
    program.until_it_says("ready").await;
    program.execution.stop(Signal::Terminate, Duration::from_millis(50)).await.unwrap();
    assert_eq!(program.finish().await.exit, KILLED);
}

pub(crate) async fn a_second_stop_may_shorten_the_grace(place: &dyn Place) {
    let mut program = Started::new(place, script(place, STUBBORN)).await;
    program.until_it_says("ready").await;
    program.execution.stop(Signal::Interrupt, LONG).await.unwrap();
    program.execution.stop(Signal::Terminate, Duration::ZERO).await.unwrap();
    assert_eq!(program.finish().await.exit, KILLED);
}

pub(crate) async fn a_stop_ends_grandchildren_and_those_in_sessions_of_their_own(place: &dyn Place) {
    for grace in [Duration::ZERO, Duration::from_millis(100)] {
        let text = "(sleep 1000 & sleep 1000) &
            setsid sh -c 'trap \"\" HUP INT TERM; sleep 1000; sleep 1000' &
            (setsid sleep 1000 >/dev/null 2>&1 &)
            nohup sleep 1000 >/dev/null 2>&1 &
            wait";
        let (launch, marker) = marked(place, text);
        let mut program = Started::new(place, launch).await;
        until_alive(place, &marker, 7).await;
        program.execution.stop(Signal::Terminate, grace).await.unwrap();
        program.finish().await;
        assert_eq!(place.alive(&marker), 0, "after a grace of {grace:?}");
    }
}

pub(crate) async fn a_daemon_is_left_alone_and_told(place: &dyn Place) {
    let text = format!("setsid sleep 1000 >/dev/null 2>&1 & {UNTIL_SLEEPING}");
    let (launch, marker) = marked(place, &text);
    let id = launch.id;
    let mut program = Started::new(place, launch).await;
    let finish = program.finish().await;
    assert_eq!(finish.left.iter().map(|left| left.name.as_str()).collect::<Vec<_>>(), ["sleep"]);
    drop(program);
    assert_eq!((finish.exit, place.alive(&marker)), (Exit::Code(0), 1));
    place.backend().cleanup(id).await.unwrap();
    assert_eq!(place.alive(&marker), 0);
}

pub(crate) async fn output_that_a_grandchild_holds_open_does_not_hold_up_the_end(place: &dyn Place) {
    let text = "setsid sh -c 'echo >up; exec sleep 1000' & while [ ! -e up ]; do sleep 0.01; done; echo end";
    let (launch, marker) = marked(place, text);
    let id = launch.id;
    let mut program = Started::new(place, launch).await;
    let finish = program.finish().await;
    assert_eq!((program.text().as_str(), finish.exit), ("end\n", Exit::Code(0)));
    place.backend().cleanup(id).await.unwrap();
    until_none_is_alive(place, &marker).await;
}

pub(crate) async fn dropping_the_execution_ends_the_program(place: &dyn Place) {
    let (launch, marker) = marked(place, "setsid sleep 1000 & yes & sleep 1000");
    let program = Started::new(place, launch).await;
    until_alive(place, &marker, 3).await;
    assert_eq!(Arc::strong_count(&program.execution), 1);
    drop(program);
    until_none_is_alive(place, &marker).await;
}

pub(crate) async fn cleaning_up_ends_a_program_that_goes_on(place: &dyn Place) {
    let (launch, marker) = marked(place, "setsid sleep 1000 & sleep 1000");
    let id = launch.id;
    let mut program = Started::new(place, launch).await;
    until_alive(place, &marker, 3).await;
    place.backend().cleanup(id).await.unwrap();
    assert_eq!(place.alive(&marker), 0);
    assert_eq!(program.finish().await.exit, KILLED);
}
