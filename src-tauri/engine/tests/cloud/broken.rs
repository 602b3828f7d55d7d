//! Connections that break, whichever way: nothing is lost and nothing comes twice, in either direction.

use std::time::Duration;

use daytona_double::{Effect, Ending, Fault};
use sha2::Digest as _;
use stigmer_daytona::Limits;
use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Input, RunId};
use stigmer_engine::state::Outcome;

use crate::common::{assert_same, numbers, within};
use crate::desk::{end, outcome, output, read_until, start, start_attached};
use crate::sky::{Sky, succeeds};

/// What opens a terminal, which carries a conversation.
const TERMINAL: &str = "*/process/pty/create-connect*";

/// Every way in which a stream ends before its time.
fn endings() -> [Ending; 3] {
    [Ending::Drop, Ending::Close { code: 1011 }, Ending::Close { code: 1000 }]
}

/// So many terminals from now on have this fault.
fn terminals(sky: &Sky, times: u32, effect: Effect) {
    sky.double.clear_faults();
    sky.double.fault(Fault::always("GET", TERMINAL, effect).times(times));
}

/// How many terminals were opened.
fn opened(sky: &Sky) -> usize {
    let all = sky.double.requests();
    all.iter().filter(|one| one.path.ends_with("/create-connect")).count()
}

/// A cloud whose sandbox is up, so that the next terminal is that of a run.
async fn up() -> Option<(Sky, Engine)> {
    let sky = Sky::new()?;
    let engine = sky.open().await;
    succeeds(&engine, sky.line("true")).await;
    Some((sky, engine))
}

/// Bytes in which every place can be told from every other.
fn pattern(length: usize) -> Vec<u8> {
    (0u64..).flat_map(|number| sha2::Sha256::digest(number.to_le_bytes())).take(length).collect()
}

/// Pipes bytes into a program, to their end.
async fn feed(engine: &Engine, id: RunId, bytes: &[u8]) {
    within(engine.input(id, bytes.to_vec().into())).await.unwrap();
    within(engine.end_input(id)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn output_goes_on_at_the_byte_where_it_broke() {
    let Some((sky, engine)) = up().await else { return };
    let expected = numbers(1, 100_000);
    for then in endings() {
        for after in [300, 2_000, 70_001] {
            terminals(&sky, 3, Effect::Socket { after, then: then.clone() });
            let before = opened(&sky);
            let (record, _) = succeeds(&engine, sky.line("seq 1 100000")).await;
            assert_same(&output(&engine, record.id), &expected);
            assert!(opened(&sky) >= before + 4, "{then:?} after {after}: it did break");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn input_goes_on_at_the_byte_where_it_broke() {
    let Some((sky, engine)) = up().await else { return };
    let bytes = pattern(5_000_000);
    let sum = sha2::Sha256::digest(&bytes);
    let sum = sum.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    for then in endings() {
        for after in [1_000, 70_001, 900_000] {
            terminals(&sky, 3, Effect::Hears { after, then: then.clone() });
            let before = opened(&sky);
            let mut spec = sky.line("sha256sum");
            spec.input = Input::Piped;
            let id = start(&engine, spec).await;
            feed(&engine, id, &bytes).await;
            assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded, "{then:?} after {after}");
            let said = String::from_utf8_lossy(&output(&engine, id)).into_owned();
            assert_eq!(said, format!("{sum}  -\n"), "{then:?} after {after}");
            assert!(opened(&sky) >= before + 4, "{then:?} after {after}: it did break");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_break_under_what_is_echoed() {
    let Some((sky, engine)) = up().await else { return };
    let bytes = pattern(2_000_000);
    for effect in [
        Effect::Hears { after: 200_000, then: Ending::Drop },
        Effect::Socket { after: 200_000, then: Ending::Drop },
        Effect::Crumbs { most: 40 },
        // What a shell says before the conversation.
        Effect::Repeat { bytes: 60 },
    ] {
        terminals(&sky, 3, effect.clone());
        let mut spec = sky.program(["cat"]);
        spec.input = Input::Piped;
        let id = start(&engine, spec).await;
        feed(&engine, id, &bytes).await;
        assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded, "{effect:?}");
        assert_same(&output(&engine, id), &bytes);
    }
}

/// Says how many bytes it read and how many times it was asked to end.
const COUNTS: &str = "import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print('ready', flush=True)
read = len(sys.stdin.buffer.read())
while not asked: time.sleep(0.01)
print(read, len(asked))";

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_the_end_of_input_are_asked_again_and_heard_once() {
    let Some((sky, engine)) = up().await else { return };
    terminals(&sky, 1, Effect::Hears { after: 100_000, then: Ending::Drop });
    let mut spec = sky.program(["python3", "-c", COUNTS]);
    spec.input = Input::Piped;
    spec.limits.grace = Duration::from_hours(1);
    let (id, mut tail) = start_attached(&engine, spec).await;
    read_until(&mut tail, "ready\n").await;
    drop(tail);
    // All of it is under way before anybody notices that it does not arrive.
    feed(&engine, id, &pattern(200_000)).await;
    within(engine.stop(id, Stop::Ask(Manner::Terminate))).await.unwrap();
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record), &Outcome::Cancelled { forced: false });
    assert_eq!(String::from_utf8_lossy(&output(&engine, id)), "ready\n200000 1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_come_back_at_once_is_tried_again() {
    let Some((sky, engine)) = up().await else { return };
    terminals(&sky, 1, Effect::Socket { after: 2_000, then: Ending::Drop });
    for effect in [
        Effect::bad_gateway(),
        Effect::status(500),
        Effect::rate_limit("authenticated", 1),
        Effect::html(503),
        Effect::html(200),
        Effect::Socket { after: 0, then: Ending::Close { code: 1011 } },
        Effect::status(403),
    ] {
        sky.double.fault(Fault::once("GET", TERMINAL, effect));
    }
    let (record, _) = succeeds(&engine, sky.line("seq 1 10000")).await;
    assert_same(&output(&engine, record.id), &numbers(1, 10_000));
    assert!(sky.double.faults().is_empty(), "{:?}", sky.double.faults());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_silent_is_given_up_for_another() {
    let Some((sky, engine)) = up().await else { return };
    let silence = Duration::from_millis(900);
    engine.daytona(None).unwrap().0.set_limits(Limits { silence, ..Limits::default() });
    for effect in [
        Effect::Socket { after: 5_000, then: Ending::Stall },
        Effect::Hears { after: 100_000, then: Ending::Stall },
    ] {
        terminals(&sky, 2, effect.clone());
        let bytes = pattern(1_000_000);
        let mut spec = sky.program(["cat"]);
        spec.input = Input::Piped;
        let id = start(&engine, spec).await;
        feed(&engine, id, &bytes).await;
        assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded, "{effect:?}");
        assert_same(&output(&engine, id), &bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_breaks_off_ends_the_run_and_the_next_one_brings_the_rest() {
    let Some((sky, engine)) = up().await else { return };
    let bytes = pattern(3_000_000);
    for effect in [
        Effect::Hears { after: 1_000_000, then: Ending::Drop },
        Effect::Hears { after: 1_000_000, then: Ending::Close { code: 1000 } },
        Effect::Socket { after: 300, then: Ending::Drop },
    ] {
        std::fs::write(sky.workspace.join("big"), &bytes).unwrap();
        terminals(&sky, 1, effect.clone());
        // Whether it is told or was mended meanwhile: it neither hangs nor runs with half of it.
        let record = crate::desk::run(&engine, sky.line("sha256sum <big")).await;
        let sum = sha2::Sha256::digest(&bytes);
        let sum = sum.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        match outcome(&record) {
            Outcome::Error { error } => assert!(error.hint.is_some(), "{effect:?}: {error:?}"),
            other => assert_eq!(other, &Outcome::Succeeded, "{effect:?}"),
        }
        assert_eq!(succeeds(&engine, sky.line("sha256sum <big")).await.1, format!("{sum}  -\n"));
        std::fs::remove_file(sky.workspace.join("big")).unwrap();
    }
}
