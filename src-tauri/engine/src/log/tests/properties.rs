//! Whatever is appended under whatever limit: what is read is what was written, minus gaps that are told.

use std::sync::Arc;
use std::time::Duration;

use super::*;

/// Longest time that readers and writer may take; only a broken log reaches it.
const DEADLINE: Duration = Duration::from_mins(1);

/// A piece of a program's output.
#[derive(Debug, Clone)]
struct Wrote {
    stream: Stream,
    pause: u64,
    length: usize,
}

/// Pieces from a byte to several segments, close together and far apart.
fn output(most: usize) -> impl Strategy<Value = Vec<Wrote>> {
    let length = prop_oneof![4 => 0..200_usize, 2 => 0..9_000_usize, 1 => 0..60_000_usize];
    let streams = [Stream::Stdout, Stream::Stderr, Stream::System];
    let piece = (prop::sample::select(streams.to_vec()), 0..2_500_u64, length);
    let piece = piece.prop_map(|(stream, pause, length)| Wrote { stream, pause, length });
    prop::collection::vec(piece, 0..most)
}

/// The byte at a position: cheap, and no two near places look alike.
fn byte(position: usize) -> u8 {
    let mixed = (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    if mixed.is_multiple_of(17) { b'\n' } else { mixed.to_le_bytes()[0] }
}

fn bytes(from: usize, length: usize) -> Vec<u8> {
    (from..from + length).map(byte).collect()
}

/// Everything that was written, and where each piece of it went.
struct Written {
    all: Vec<u8>,
    streams: Vec<Stream>,
}

impl Written {
    fn new(output: &[Wrote]) -> Self {
        let streams: Vec<_> =
            output.iter().flat_map(|wrote| std::iter::repeat_n(wrote.stream, wrote.length)).collect();
        Self { all: bytes(0, streams.len()), streams }
    }

    /// Holds what a reader found from `position` on against it; how many bytes were left out before it.
    fn check(&self, pieces: &[Piece], mut position: u64) -> Result<u64, TestCaseError> {
        let mut left_out = 0;
        for piece in pieces {
            match piece {
                Piece::Bytes { offset, stream, bytes, .. } => {
                    prop_assert_eq!(*offset, position);
                    let range = usize::try_from(position).unwrap()..usize::try_from(piece.end()).unwrap();
                    prop_assert!(!bytes.is_empty());
                    prop_assert!(bytes[..] == self.all[range.clone()], "other bytes at {}", position);
                    prop_assert!(self.streams[range].iter().all(|written_to| written_to == stream));
                }
                Piece::LeftOut { offset, length } => {
                    prop_assert_eq!(*offset, position);
                    left_out += length;
                }
            }
            position = piece.end();
        }
        prop_assert_eq!(position, self.all.len() as u64);
        Ok(left_out)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_read_afterwards_is_what_was_appended_minus_one_gap(
        output in output(60),
        limit in 1_u64..400_000,
        from in prop::sample::select(vec![0_usize, 1, 3_000, 50_000, 200_000]),
    ) {
        let folder = folder();
        let written = Written::new(&output);
        let mut log = LogWriter::create(folder.path(), limit).unwrap();
        let mut at = 0;
        for Wrote { stream, pause, length } in output {
            at += pause;
            let start = usize::try_from(log.bytes()).unwrap();
            log.append(stream, at, &bytes(start, length)).unwrap();
        }
        prop_assert_eq!(log.bytes(), written.all.len() as u64);
        log.finish();
        let from = from.min(written.all.len()) as u64;
        written.check(&read_from(&folder, from), from)?;
        let pieces = read_all(&folder);
        let left_out = written.check(&pieces, 0)?;
        let gaps = pieces.iter().filter(|piece| matches!(piece, Piece::LeftOut { .. })).count();
        prop_assert!(gaps <= 1);
        let kept = written.all.len() as u64 - left_out;
        // Segments have a least size, under which no limit goes.
        prop_assert!(kept <= limit.max(16 << 10), "{} bytes are kept of a limit of {}", kept, limit);
        prop_assert_eq!(LogReader::open(folder.path()).length().unwrap(), written.all.len() as u64);
    }

    #[test]
    fn readers_beside_the_writer_see_the_same_and_those_that_hold_on_see_all(
        output in output(80),
        limit in 1_u64..200_000,
        from in 0_usize..100_000,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build();
        runtime.unwrap().block_on(beside_the_writer(output, limit, from))?;
    }
}

/// Writes in one task and reads in others.
async fn beside_the_writer(output: Vec<Wrote>, limit: u64, from: usize) -> Result<(), TestCaseError> {
    let folder = folder();
    let written = Written::new(&output);
    let log = LogWriter::create(folder.path(), limit).unwrap();
    let from = from.min(written.all.len()) as u64;
    let tail = |position| {
        let mut reader = LogReader::open(folder.path());
        reader.seek(position);
        Tail::new(reader, log.progress())
    };
    let reading: Vec<_> = [tail(0), tail(from), tail(0).holding(log.holds().hold(0))]
        .map(|tail| tokio::spawn(tokio::time::timeout(DEADLINE, collect(tail))))
        .into();
    let writing = tokio::spawn(tokio::time::timeout(DEADLINE, write(log, output)));
    writing.await.unwrap().expect("the writer waits for ever");
    let mut found = Vec::new();
    for reader in reading {
        found.push(reader.await.unwrap().expect("a reader waits for ever"));
    }
    written.check(&found[0], 0)?;
    written.check(&found[1], from)?;
    prop_assert_eq!(written.check(&found[2], 0)?, 0);
    Ok(())
}

/// Appends as the driver of a run does.
async fn write(mut log: LogWriter, output: Vec<Wrote>) {
    let holds = Arc::clone(&log.holds());
    let mut at = 0;
    for Wrote { stream, pause, length } in output {
        while log.held_back() {
            holds.passed().await;
        }
        at += pause;
        let start = usize::try_from(log.bytes()).unwrap();
        log.append(stream, at, &bytes(start, length)).unwrap();
        if pause > 2_000 {
            tokio::task::yield_now().await;
        }
    }
    log.finish();
}

async fn collect(mut tail: Tail) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some(piece) = tail.next().await.unwrap() {
        pieces.push(piece);
    }
    pieces
}
