//! What a run printed, as it is compared.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::error::Result;
use crate::export::plain::Plain;
use crate::log::{LogReader, Piece, Stream};

/// Most bytes of each output that are compared line by line.
const LARGEST: usize = 16 << 20;

/// The beginning of an output, without colours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub text: String,
    /// Whether the output goes on.
    pub is_cut: bool,
}

/// Reads an output, the beginning of it where it is very long.
pub(super) fn of(log: &mut LogReader) -> Result<Text> {
    let (mut text, mut plain) = (String::new(), Plain::default());
    while let Some(piece) = log.next_piece()? {
        match piece {
            Piece::Bytes { stream: Stream::Stdout | Stream::Stderr, bytes, .. } => {
                text.push_str(&plain.push(&bytes));
            }
            Piece::Bytes { .. } => {}
            Piece::LeftOut { length, .. } => {
                let _ = writeln!(text, "\n[… {length} bytes left out …]");
            }
        }
        if text.len() + plain.held() > LARGEST {
            text.push_str(&plain.finish());
            // At the same place in both, wherever their pieces end.
            text.truncate(text.floor_char_boundary(LARGEST));
            let _ = writeln!(text, "\n[… not compared line by line from here on …]");
            return Ok(Text { text, is_cut: true });
        }
    }
    text.push_str(&plain.finish());
    Ok(Text { text, is_cut: false })
}

/// Whether two outputs have the same bytes from beginning to end.
pub(super) fn same_bytes((before, after): &mut (LogReader, LogReader)) -> Result<bool> {
    before.seek(0);
    after.seek(0);
    let (mut ours, mut theirs) = (Bytes::new(), Bytes::new());
    loop {
        for (held, log) in [(&mut ours, &mut *before), (&mut theirs, &mut *after)] {
            while held.is_empty() {
                match log.next_piece()? {
                    Some(Piece::Bytes { bytes, .. }) => *held = bytes,
                    Some(Piece::LeftOut { .. }) => {}
                    None => break,
                }
            }
        }
        let length = ours.len().min(theirs.len());
        if length == 0 || ours.split_to(length) != theirs.split_to(length) {
            return Ok(length == 0 && ours.is_empty() && theirs.is_empty());
        }
    }
}
