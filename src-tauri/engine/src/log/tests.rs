//! The log as its readers see it.

mod properties;

use proptest::prelude::*;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::reader::Line;
use super::search::{Found, Query, search};
use super::{LogReader, LogWriter, Piece, Stream, Tail};

const NO_LIMIT: u64 = 1 << 40;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn read_all(folder: &TempDir) -> Vec<Piece> {
    read_from(folder, 0)
}

fn read_from(folder: &TempDir, position: u64) -> Vec<Piece> {
    let mut reader = LogReader::open(folder.path());
    reader.seek(position);
    std::iter::from_fn(|| reader.next_piece().unwrap()).collect()
}

fn bytes_of(pieces: &[Piece], wanted: Option<Stream>) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes { stream, bytes, .. } if wanted.is_none_or(|wanted| wanted == *stream) => {
                all.extend_from_slice(bytes);
            }
            _ => {}
        }
    }
    all
}

fn written(folder: &TempDir, limit: u64, pieces: &[(Stream, &[u8])]) -> LogWriter {
    let mut log = LogWriter::create(folder.path(), limit).unwrap();
    for (at, (stream, bytes)) in pieces.iter().enumerate() {
        log.append(*stream, at as u64 * 10_000, bytes).unwrap();
    }
    log
}

fn found(folder: &TempDir, query: &Query) -> Vec<Found> {
    let mut all = Vec::new();
    search(folder.path(), query, &CancellationToken::new(), |found| {
        all.push(found);
        true
    })
    .unwrap();
    all
}

fn lines(folder: &TempDir, first: u64, count: usize) -> Vec<Line> {
    LogReader::open(folder.path()).lines(first, count, 1 << 20).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_appended_is_read_back_byte_for_byte_from_any_position(
        pieces in prop::collection::vec((prop::bool::ANY, prop::collection::vec(any::<u8>(), 0..9_000), 0u64..3_000), 0..30),
        from in 0u64..100_000,
    ) {
        let folder = folder();
        let mut log = LogWriter::create(folder.path(), 64 << 10).unwrap();
        let hold = log.holds().hold(0);
        let (mut all, mut errors, mut at) = (Vec::new(), Vec::new(), 0);
        for (is_error, bytes, pause) in &pieces {
            at += pause;
            log.append(if *is_error { Stream::Stderr } else { Stream::Stdout }, at, bytes).unwrap();
            all.extend_from_slice(bytes);
            if *is_error {
                errors.extend_from_slice(bytes);
            }
        }
        drop(hold);
        prop_assert_eq!(&bytes_of(&read_all(&folder), None), &all);
        prop_assert_eq!(&bytes_of(&read_all(&folder), Some(Stream::Stderr)), &errors);
        let from = from.min(all.len() as u64);
        prop_assert_eq!(&bytes_of(&read_from(&folder, from), None), &all[usize::try_from(from).unwrap()..]);
    }

    #[test]
    fn a_window_of_lines_is_what_splitting_the_whole_gives(
        pieces in prop::collection::vec("[a\n]{0,40}", 1..40),
        first in 0u64..60,
        count in 0usize..20,
    ) {
        let folder = folder();
        let mut log = LogWriter::create(folder.path(), NO_LIMIT).unwrap();
        for (at, piece) in pieces.iter().enumerate() {
            log.append(Stream::Stdout, at as u64 * 2_000, piece.as_bytes()).unwrap();
        }
        let whole = pieces.concat();
        let mut expected: Vec<&str> = whole.split('\n').collect();
        if expected.last() == Some(&"") {
            expected.pop();
        }
        let skipped = usize::try_from(first).unwrap();
        let window: Vec<&str> = expected.iter().skip(skipped).take(count).copied().collect();
        let found = lines(&folder, first, count);
        prop_assert_eq!(found.iter().map(|line| String::from_utf8_lossy(&line.bytes)).collect::<Vec<_>>(), window);
        prop_assert_eq!(LogReader::open(folder.path()).line_count().unwrap(), expected.len() as u64);
    }
}

#[test]
fn the_segments_on_disk_are_the_output_and_nothing_else() {
    let folder = folder();
    let bytes: Vec<u8> = (0..200_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    written(&folder, 1 << 20, &[(Stream::Stdout, &bytes)]).finish();
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    names.sort();
    assert!(names.len() > 1);
    assert_eq!(names.iter().flat_map(|name| std::fs::read(name).unwrap()).collect::<Vec<_>>(), bytes);
}

#[test]
fn past_the_limit_the_beginning_and_the_end_are_kept_and_the_gap_is_told() {
    let folder = folder();
    let limit = 256 << 10;
    let mut log = LogWriter::create(folder.path(), limit).unwrap();
    for number in 0..200_000 {
        log.append(Stream::Stdout, number * 5, format!("line {number}\n").as_bytes()).unwrap();
    }
    let total = log.bytes();
    log.finish();

    let pieces = read_all(&folder);
    let kept = bytes_of(&pieces, None);
    let left_out: Vec<_> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::LeftOut { length, .. } => Some(*length),
            Piece::Bytes { .. } => None,
        })
        .collect();
    assert_eq!(left_out.len(), 1);
    assert_eq!(kept.len() as u64 + left_out[0], total);
    assert!(kept.len() as u64 <= limit && kept.len() as u64 >= limit * 3 / 4, "kept {}", kept.len());
    assert!(kept.starts_with(b"line 0\nline 1\n"));
    assert!(kept.ends_with(b"line 199999\n"));
    // Numbers and positions behind the gap are those of the whole output.
    assert_eq!(
        lines(&folder, 199_998, 5).iter().map(|line| line.number).collect::<Vec<_>>(),
        [199_998, 199_999]
    );
    let hits = found(&folder, &Query { pattern: "line 199999".into(), ..Query::default() });
    assert_eq!((hits[0].line, hits[0].offset), (199_999, total - 12));
}

#[test]
fn a_reader_that_holds_on_keeps_its_bytes_from_being_left_out() {
    let folder = folder();
    let mut log = LogWriter::create(folder.path(), 64 << 10).unwrap();
    let hold = log.holds().hold(0);
    let block = [b'x'; 4096];
    let mut appended = 0;
    while !log.held_back() {
        log.append(Stream::Stdout, 0, &block).unwrap();
        appended += block.len();
        assert!(appended < 1 << 20, "the limit never took effect");
    }
    // Even who does not wait loses nothing that is held.
    for _ in 0..100 {
        log.append(Stream::Stdout, 0, &block).unwrap();
        appended += block.len();
    }
    assert_eq!(bytes_of(&read_all(&folder), None).len(), appended);
    hold.move_to(log.bytes());
    assert!(!log.held_back());
}

#[tokio::test]
async fn a_tail_reads_while_the_log_grows_and_stops_at_its_end() {
    let folder = folder();
    let mut log = LogWriter::create(folder.path(), NO_LIMIT).unwrap();
    let mut tail = Tail::new(LogReader::open(folder.path()), log.progress());
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(Piece::Bytes { bytes, .. }) = tail.next().await.unwrap() {
            all.extend_from_slice(&bytes);
        }
        all
    });
    for number in 0..2_000u64 {
        log.append(Stream::Stdout, number, format!("{number}\n").as_bytes()).unwrap();
        if number % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    log.finish();
    let expected: String = (0..2_000).map(|number| number.to_string() + "\n").collect();
    assert_eq!(reading.await.unwrap(), expected.as_bytes());
}

#[test]
fn bytes_behind_a_damaged_index_are_still_read() {
    let folder = folder();
    written(&folder, NO_LIMIT, &[(Stream::Stdout, b"first "), (Stream::Stderr, b"second")]).finish();
    let index = super::segment::index_path(folder.path(), 0);
    for damage in [&b""[..], &[0xff; 20], &[0xff; 64]] {
        std::fs::write(&index, damage).unwrap();
        assert_eq!(bytes_of(&read_all(&folder), None), b"first second");
    }
}

#[test]
fn a_record_without_its_bytes_ends_where_the_bytes_end() {
    let folder = folder();
    written(&folder, NO_LIMIT, &[(Stream::Stdout, b"complete"), (Stream::Stderr, b"cut off")]).finish();
    let data =
        std::fs::OpenOptions::new().write(true).open(super::segment::data_path(folder.path(), 0)).unwrap();
    data.set_len(10).unwrap();
    assert_eq!(bytes_of(&read_all(&folder), None), b"completecu");
}

#[test]
fn a_search_finds_lines_with_their_numbers_and_context() {
    let folder = folder();
    written(&folder, NO_LIMIT, &[(Stream::Stdout, b"one\ntwo\nth"), (Stream::Stdout, b"ree\nfour")]).finish();
    let hits = found(&folder, &Query { pattern: "^t.*e$".into(), context: 1, ..Query::default() });
    let shown: Vec<_> =
        hits.iter().map(|hit| (hit.line, hit.offset, &hit.bytes[..], hit.matches.len())).collect();
    assert_eq!(shown, [(1, 4, &b"two"[..], 0), (2, 8, b"three", 1), (3, 14, b"four", 0)]);
}

#[test]
fn plain_text_is_not_a_pattern_and_a_bad_pattern_says_why() {
    let folder = folder();
    written(&folder, NO_LIMIT, &[(Stream::Stdout, b"a+b\naab\n")]).finish();
    let hits = found(&folder, &Query { pattern: "a+b".into(), fixed: true, ..Query::default() });
    assert_eq!(hits.iter().map(|hit| hit.line).collect::<Vec<_>>(), [0]);
    let bad = Query { pattern: "(".into(), ..Query::default() };
    let error = search(folder.path(), &bad, &CancellationToken::new(), |_| true).unwrap_err();
    assert_eq!(error.code(), "pattern");
}

#[test]
fn a_search_goes_across_segments_and_lines_of_any_length() {
    let folder = folder();
    let mut line = vec![b'x'; 200 << 10];
    // Segments have 64 KiB here: the first needle lies across two of them.
    line[(64 << 10) - 3..][..6].copy_from_slice(b"needle");
    line.extend_from_slice(b"\nneedle\n");
    written(&folder, 1 << 20, &[(Stream::Stdout, &line)]).finish();
    let hits = found(&folder, &Query { pattern: "needle".into(), ..Query::default() });
    assert_eq!(hits.iter().map(|hit| hit.line).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(hits[1].offset, line.len() as u64 - 7);
}
