//! A run in one piece, to be kept or sent elsewhere.

pub mod plain;

use std::io::{self, Write};

use serde::Deserialize;

use self::plain::Plain;
use crate::error::{Error, Result};
use crate::history::Event;
use crate::json;
use crate::log::{LogReader, Piece, Stream};
use crate::state::RunRecord;

/// What an export contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// What the program printed, byte for byte.
    Raw,
    /// The same without colours and redrawn lines.
    Text,
    /// Events, output and end, a JSON object in each line.
    Json,
}

/// Writes a run to `to`, and returns how many bytes of output are missing because the size limit left them out.
pub(crate) fn write(
    record: &RunRecord,
    events: &[Event],
    log: &mut LogReader,
    format: Format,
    to: &mut impl Write,
) -> Result<u64> {
    let mut left_out = 0;
    match format {
        Format::Raw => left_out = each_piece(log, |bytes| to.write_all(bytes))?,
        Format::Text => {
            let mut plain = Plain::default();
            left_out = each_piece(log, |bytes| to.write_all(plain.push(bytes).as_bytes()))?;
            to.write_all(plain.finish().as_bytes()).map_err(output)?;
        }
        Format::Json => {
            for event in events {
                let event = serde_json::to_string(event).map_err(|error| output(error.into()))?;
                writeln!(to, "{event}").map_err(output)?;
            }
            while let Some(piece) = log.next_piece()? {
                json::write_piece(to, &piece).map_err(output)?;
            }
            writeln!(to, "{}", json::complete(record)).map_err(output)?;
        }
    }
    to.flush().map_err(output)?;
    Ok(left_out)
}

/// What the program printed, and how many bytes of it are missing.
fn each_piece(log: &mut LogReader, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<u64> {
    let mut left_out = 0;
    while let Some(piece) = log.next_piece()? {
        match piece {
            Piece::Bytes { stream: Stream::Stdout | Stream::Stderr, bytes, .. } => {
                each(&bytes).map_err(output)?;
            }
            Piece::Bytes { stream: Stream::System, .. } => {}
            Piece::LeftOut { length, .. } => left_out += length,
        }
    }
    Ok(left_out)
}

fn output(source: io::Error) -> Error {
    Error::Output { source }
}
