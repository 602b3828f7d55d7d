//! From a byte stream back to frames.

use serde::Deserialize;

use super::{Frame, KIND_CONTROL, MAX_FRAME, ProtocolError, Stream};

/// Cuts frames out of a byte stream, whatever pieces it arrives in.
///
/// [`Decoder::space`] lends room to read into, [`Decoder::filled`] says how much was read, and
/// [`Decoder::next`] takes whole frames out until it needs more.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    taken: usize,
    end: usize,
}

impl Decoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// At least `at_least` bytes of room to read into. Moves what is left of earlier frames to the front.
    pub fn space(&mut self, at_least: usize) -> &mut [u8] {
        if self.taken > 0 {
            self.buffer.copy_within(self.taken..self.end, 0);
            self.end -= self.taken;
            self.taken = 0;
        }
        if self.buffer.len() < self.end + at_least {
            self.buffer.resize(self.end + at_least, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Counts `length` bytes as read into [`Decoder::space`].
    pub fn filled(&mut self, length: usize) {
        self.end = (self.end + length).min(self.buffer.len());
    }

    /// Whether bytes of an unfinished frame are held.
    pub fn is_mid_frame(&self) -> bool {
        self.end > self.taken
    }

    /// The next whole frame, or `None` when more bytes are needed.
    #[expect(clippy::should_implement_trait, reason = "frames borrow the decoder; an iterator cannot lend")]
    pub fn next<T: for<'de> Deserialize<'de>>(&mut self) -> Result<Option<Frame<'_, T>>, ProtocolError> {
        let held = &self.buffer[self.taken..self.end];
        let Some(length) = held.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_FRAME {
            return Err(ProtocolError::TooLong(length));
        }
        let Some(frame) = held.get(4..4 + length) else { return Ok(None) };
        let (kind, body) = frame.split_first().ok_or(ProtocolError::Malformed)?;
        self.taken += 4 + length;
        let stream = match *kind {
            KIND_CONTROL => {
                let message = postcard::from_bytes(body).map_err(|_| ProtocolError::Malformed)?;
                return Ok(Some(Frame::Control(message)));
            }
            kind if kind == Stream::Stdout as u8 => Stream::Stdout,
            kind if kind == Stream::Stderr as u8 => Stream::Stderr,
            _ => return Err(ProtocolError::Malformed),
        };
        let (offset, body) = body.split_first_chunk::<8>().ok_or(ProtocolError::Malformed)?;
        let (at, bytes) = body.split_first_chunk::<8>().ok_or(ProtocolError::Malformed)?;
        Ok(Some(Frame::Output {
            stream,
            offset: u64::from_le_bytes(*offset),
            at: u64::from_le_bytes(*at),
            bytes,
        }))
    }
}
