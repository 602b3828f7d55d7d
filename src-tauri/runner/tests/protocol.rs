//! The decoder, against every way in which a stream can arrive.

use proptest::prelude::*;
use stigmer_runner::protocol::{self, MAX_FRAME};
use stigmer_runner::{Decoder, Exit, Frame, Heard, Left, ProtocolError, Reply, Stream, Usage};

/// A frame that owns its bytes.
#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Reply(Reply),
    Output(Stream, u64, u64, Vec<u8>),
}

impl Owned {
    fn encode(&self, to: &mut Vec<u8>) {
        match self {
            Self::Reply(reply) => protocol::encode(reply, to),
            Self::Output(stream, offset, at, bytes) => {
                to.extend_from_slice(&protocol::output_header(*stream, *offset, *at, bytes.len()));
                to.extend_from_slice(bytes);
            }
        }
    }
}

fn encode(frames: &[Owned]) -> Vec<u8> {
    let mut stream = Vec::new();
    for frame in frames {
        frame.encode(&mut stream);
    }
    stream
}

fn decode(pieces: &[&[u8]]) -> Result<Vec<Owned>, ProtocolError> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.space(piece.len())[..piece.len()].copy_from_slice(piece);
        decoder.filled(piece.len());
        while let Some(frame) = decoder.next()? {
            frames.push(match frame {
                Frame::Control(reply) => Owned::Reply(reply),
                Frame::Output { stream, offset, at, bytes } => {
                    Owned::Output(stream, offset, at, bytes.to_vec())
                }
            });
        }
    }
    Ok(frames)
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        (any::<u16>(), any::<u32>()).prop_map(|(version, pid)| Reply::Hello { version, pid }),
        any::<u32>().prop_map(|bytes| Reply::InputTaken { bytes }),
        (any::<u64>(), any::<u64>(), any::<bool>(), any::<u32>()).prop_map(
            |(input, taken, end_of_input, stops)| Reply::Resumed(Heard { input, taken, end_of_input, stops })
        ),
        (any::<i32>(), any::<u64>()).prop_map(|(code, at)| Reply::Exited { exit: Exit::Code(code), at }),
        (any::<u64>(), proptest::collection::vec((any::<u32>(), ".*"), 0..4)).prop_map(|(user_us, left)| {
            let left = left.into_iter().map(|(pid, name)| Left { pid, name }).collect();
            Reply::Ended { usage: Usage { user_us, ..Usage::default() }, left }
        }),
    ]
}

fn frame() -> impl Strategy<Value = Owned> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        reply().prop_map(Owned::Reply),
        (stream, any::<u64>(), any::<u64>(), bytes)
            .prop_map(|(stream, offset, at, bytes)| { Owned::Output(stream, offset, at, bytes) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_do_not_depend_on_how_the_stream_is_cut(
        frames in proptest::collection::vec(frame(), 0..12),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let stream = encode(&frames);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        prop_assert_eq!(decode(&pieces).unwrap(), frames);
    }

    #[test]
    fn garbage_is_an_error_or_nothing(garbage in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = decode(&[&garbage]);
    }

    #[test]
    fn a_damaged_stream_is_an_error_or_other_frames(
        frames in proptest::collection::vec(frame(), 1..6),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut stream = encode(&frames);
        let at = at.index(stream.len());
        stream[at] = byte;
        let _ = decode(&[&stream]);
    }
}

#[test]
fn a_frame_that_is_too_long_is_refused_before_it_is_read() {
    let length = u32::try_from(MAX_FRAME + 1).unwrap();
    assert_eq!(decode(&[&length.to_le_bytes()]), Err(ProtocolError::TooLong(MAX_FRAME + 1)));
}

#[test]
fn an_empty_frame_is_malformed() {
    assert_eq!(decode(&[&[0; 4]]), Err(ProtocolError::Malformed));
}

#[test]
fn a_stream_that_breaks_off_is_known_to_be_in_the_middle() {
    let mut decoder = Decoder::new();
    assert!(!decoder.is_mid_frame());
    decoder.space(3)[..3].copy_from_slice(&[9, 0, 0]);
    decoder.filled(3);
    assert_eq!(decoder.next::<Reply>(), Ok(None));
    assert!(decoder.is_mid_frame());
}
