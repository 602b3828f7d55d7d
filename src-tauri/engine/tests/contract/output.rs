//! Every byte arrives, in order, on its stream; and none is taken before somebody wants it.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stigmer_engine::backend::{Exit, Reporter, Stream};

use super::{Place, Started, run, script};
use crate::common::{assert_same, at_rest, numbers, within};

pub(crate) async fn both_streams_arrive_byte_for_byte(place: &dyn Place) {
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    std::fs::write(place.folder().join("out"), &bytes).unwrap();
    std::fs::write(place.folder().join("err"), &reversed).unwrap();
    let (program, _) = run(place, script(place, "cat err >&2 & cat out; wait")).await;
    assert_same(&program.stdout, &bytes);
    assert_same(&program.stderr, &reversed);
}

pub(crate) async fn output_without_a_final_line_end_arrives(place: &dyn Place) {
    let (program, _) = run(place, script(place, r"printf 'a\0b'; printf '\377' >&2")).await;
    assert_eq!(program.stdout, b"a\0b");
    assert_eq!(program.stderr, b"\xff");
}

pub(crate) async fn sixty_four_mebibytes_arrive_without_a_byte_missing(place: &dyn Place) {
    // Nine bytes in each line, 64 MiB in all.
    let (first, last) = (10_000_000, 17_456_540);
    let launch = script(place, &format!("seq {first} {last}"));
    let execution = place.backend().start(launch, &Reporter::silent()).await.unwrap();
    let (mut next, mut expected, mut count) = (first, VecDeque::new(), 0_usize);
    while let Some(piece) = within(execution.output()).await.unwrap() {
        while expected.len() < piece.bytes.len() {
            expected.extend(numbers(next, next + 1_000));
            next += 1_001;
        }
        let these: Vec<u8> = expected.drain(..piece.bytes.len()).collect();
        assert_same(&piece.bytes, &these);
        count += piece.bytes.len();
    }
    assert_eq!(count, 7_456_541 * 9);
    assert_eq!(within(execution.wait()).await.unwrap().exit, Exit::Code(0));
}

pub(crate) async fn pieces_tell_when_they_were_written(place: &dyn Place) {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    // Clocks of other machines are never quite the same.
    let (tolerance, before) = (Duration::from_secs(5), now());
    let launch = script(place, "echo one; until [ -e go ]; do sleep 0.01; done; echo two");
    let execution = place.backend().start(launch, &Reporter::silent()).await.unwrap();
    let mut times = Vec::new();
    while let Some(piece) = within(execution.output()).await.unwrap() {
        times.push(Duration::from_micros(piece.at));
        // The second is written once the first was taken, or both could be one piece.
        std::fs::write(place.folder().join("go"), "").unwrap();
    }
    assert!(times.len() > 1 && times.is_sorted(), "{times:?}");
    assert!(before < times[0] + tolerance && times[1] < now() + tolerance, "{times:?}");
}

pub(crate) async fn a_program_waits_while_nobody_takes_its_output(place: &dyn Place) {
    let progress = place.folder().join("progress");
    let text = "i=0; while [ $i -lt 128 ]; do head -c 524288 /dev/zero; i=$((i+1)); echo >>progress; done";
    let mut program = Started::new(place, script(place, text)).await;
    assert!(program.take().await);
    // What nobody took is in nobody's memory if it was never written.
    let written = at_rest(|| progress.metadata().map_or(0, |file| file.len())).await;
    assert!(written <= 32, "{written} of 128 pieces were written while nobody read");
    let finish = program.finish().await;
    assert_eq!((program.stdout.len(), finish.exit), (64 << 20, Exit::Code(0)));
}

pub(crate) async fn a_dropped_look_for_output_loses_nothing(place: &dyn Place) {
    let launch = script(place, "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); done; seq 300 200000");
    let execution = place.backend().start(launch, &Reporter::silent()).await.unwrap();
    let mut all = Vec::new();
    let mut patience = (0..20).map(|n| Duration::from_micros(n * 40)).cycle();
    loop {
        // As somebody who waits for other things, too, drops the call again and again.
        let look = tokio::time::timeout(patience.next().unwrap(), execution.output());
        match look.await {
            Ok(Ok(Some(piece))) => {
                assert_eq!(piece.stream, Stream::Stdout);
                all.extend_from_slice(&piece.bytes);
            }
            Ok(Ok(None)) => break,
            Ok(Err(error)) => panic!("{error}"),
            Err(_) => {}
        }
    }
    assert_same(&all, &numbers(0, 200_000));
}

pub(crate) async fn two_programs_at_once_do_not_disturb_each_other(place: &dyn Place) {
    let mut first = Started::new(place, script(place, "echo ready; seq 1 300000; exit 3")).await;
    let mut second = Started::new(place, script(place, "echo ready; seq 300001 600000; exit 4")).await;
    first.until_it_says("ready").await;
    second.until_it_says("ready").await;
    let (one, other) = tokio::join!(first.finish(), second.finish());
    assert_eq!((one.exit, other.exit), (Exit::Code(3), Exit::Code(4)));
    assert_same(&first.stdout, &[b"ready\n".to_vec(), numbers(1, 300_000)].concat());
    assert_same(&second.stdout, &[b"ready\n".to_vec(), numbers(300_001, 600_000)].concat());
}
