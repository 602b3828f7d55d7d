//! The log of a run for those who read it: live, late, many at once, past the limit, and when it is taken away.

use std::time::Duration;

use stigmer_engine::live::Stop;
use stigmer_engine::log::{LogWriter, Piece, Stream, mask::Masks};
use stigmer_engine::state::Outcome;

use crate::common::{assert_same, at_rest, numbers, within};
use crate::desk::{
    Desk, bytes, drain, end, outcome, output, pieces, read_until, run, start, start_attached, wait_for,
};

/// How many bytes were left out, by gap.
fn gaps(pieces: &[Piece]) -> Vec<u64> {
    let gap = |piece: &Piece| match piece {
        Piece::LeftOut { length, .. } => Some(*length),
        Piece::Bytes { .. } => None,
    };
    pieces.iter().filter_map(gap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_get_the_same_bytes_from_wherever_and_whenever_they_begin() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let line = format!("seq 1 20000; echo >ready; {}; seq 20001 40000", wait_for("go"));
    let id = start(&engine, desk.line(&line)).await;
    let all = numbers(1, 40_000);
    let offsets = [0, 1, 4_095, 60_000, 100_000, all.len() - 1, all.len()];
    let mut readers = Vec::new();
    for _ in ["when it begins", "in its middle"] {
        for offset in offsets {
            let tail = engine.tail(id, offset as u64).await.unwrap();
            readers.push((offset, tokio::spawn(drain(tail))));
        }
        desk.until_said("ready").await;
    }
    desk.say("go");
    end(&engine, id).await;
    for offset in offsets {
        let tail = engine.tail(id, offset as u64).await.unwrap();
        readers.push((offset, tokio::spawn(drain(tail))));
    }
    for (offset, reader) in readers {
        assert_same(&bytes(&within(reader).await.unwrap()), &all[offset..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_read_while_the_program_waits_behind_it() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let line = format!("echo one; {}; printf two; {}", wait_for("go"), wait_for("on"));
    let id = start(&engine, desk.line(&line)).await;
    let mut tail = engine.tail(id, 0).await.unwrap();
    assert_eq!(read_until(&mut tail, "one\n").await, b"one\n");
    desk.say("go");
    assert_eq!(read_until(&mut tail, "two").await, b"two");
    desk.say("on");
    assert_eq!(within(tail.next()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_its_limit_a_log_keeps_the_beginning_and_the_end_and_tells_the_gap() {
    let desk = Desk::with("logs: { max_run_size: 256KiB }");
    let engine = desk.open().await;
    let record = run(&engine, desk.line("seq 1 400000")).await;
    let (all, found) = (numbers(1, 400_000), pieces(&engine, record.id));
    assert_eq!(record.bytes, all.len() as u64);
    let [gap] = gaps(&found)[..] else { panic!("{:?}", gaps(&found)) };
    let kept = bytes(&found);
    assert_eq!(kept.len() as u64 + gap, record.bytes);
    assert!((128 << 10..=256 << 10).contains(&kept.len()), "{} bytes are kept", kept.len());
    let position =
        found.iter().take_while(|piece| matches!(piece, Piece::Bytes { .. })).last().unwrap().end();
    let position = usize::try_from(position).unwrap();
    assert_same(&kept[..position], &all[..position]);
    assert_same(&kept[position..], &all[all.len() - (kept.len() - position)..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attached_reader_sees_every_byte_and_the_program_waits_for_it() {
    // Far less than is printed, and not so little that its segments are pages: each is two files to make and to remove.
    let desk = Desk::with("logs: { max_run_size: 400KB }");
    let engine = desk.open().await;
    let line = "i=0; while [ $i -lt 100 ]; do seq 1 20000; i=$((i+1)); echo >>progress; done";
    let (id, reader) = start_attached(&engine, desk.line(line)).await;
    let progress = desk.workspace.join("progress");
    let written = at_rest(|| progress.metadata().map_or(0, |file| file.len())).await;
    assert!(written < 50, "the program wrote {written} of 100 parts while nobody read");
    let found = drain(reader).await;
    assert_eq!(gaps(&found), [0; 0]);
    assert_same(&bytes(&found), &numbers(1, 20_000).repeat(100));
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_lets_the_program_go_on() {
    let desk = Desk::with("logs: { max_run_size: 100KB }");
    let engine = desk.open().await;
    let (id, mut reader) = start_attached(&engine, desk.line("seq 1 1000000")).await;
    read_until(&mut reader, "100\n").await;
    drop(reader);
    assert_eq!(end(&engine, id).await.bytes, numbers(1, 1_000_000).len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_log_is_taken_away_ends_as_an_error() {
    let desk = Desk::with("logs: { max_run_size: 64KiB }");
    let engine = desk.open().await;
    let mut spec = desk.line(&format!("echo >ready; {}; while :; do seq 1 1000; done", wait_for("go")));
    spec.limits.grace = Duration::from_hours(1);
    let id = start(&engine, spec).await;
    desk.until_said("ready").await;
    std::fs::remove_dir_all(desk.home.run(id)).unwrap();
    desk.say("go");
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "storage");
    assert!(desk.marker.alive().is_empty());
    assert_eq!(output(&engine, id), b"");
    assert_eq!(outcome(&run(&engine, desk.line("true")).await), &Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_never_ends_a_line_is_read_as_well() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = start(&engine, desk.line("yes x | tr -d '\\n' | head -c 20000000")).await;
    let tail = engine.tail(id, 0).await.unwrap();
    assert_same(&bytes(&drain(tail).await), &vec![b'x'; 20_000_000]);
    assert_eq!(engine.log(id).line_count().unwrap(), 1);
    let [line] = &engine.log(id).lines(0, 5, 10).unwrap()[..] else { panic!("one line") };
    assert_eq!((line.bytes.as_slice(), line.length), (&b"xxxxxxxxxx"[..], 20_000_000));
    assert_eq!(within(engine.stop(id, Stop::Force)).await.map_err(|error| error.code()), Err("conflict"));
}

#[test]
fn a_secret_is_in_no_file_of_a_log_however_it_is_cut_into_pieces() {
    let secret = b"correct horse battery staple";
    let text = [&b"before "[..], secret, b" between ", secret, secret, b"\nafter"].concat();
    for size in 1..text.len() {
        let folder = tempfile::tempdir().unwrap();
        let mut masker = Masks::new([&secret[..]]).masker();
        let mut log = LogWriter::create(folder.path(), 1 << 20).unwrap();
        for piece in text.chunks(size) {
            log.append(Stream::Stdout, 0, &masker.push(piece.to_vec().into())).unwrap();
        }
        log.append(Stream::Stdout, 0, &masker.finish()).unwrap();
        log.finish();
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        let kept: Vec<u8> = logs.flat_map(|path| std::fs::read(path).unwrap()).collect();
        assert_same(&kept, b"before *** between ******\nafter");
    }
}
