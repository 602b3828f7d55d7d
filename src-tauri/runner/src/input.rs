//! What the command reads: bytes from the engine on their way to its pipe or its terminal.
//!
//! Every byte that the engine sent is reported as taken once, whether it was written or there was nobody to
//! read it; so the engine's credit always comes back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::write;
use stigmer_runner::protocol::{INPUT_CREDIT, MAX_INPUT};
use stigmer_runner::{Heard, Size};

use crate::os;
use crate::session::Broken;

/// The command's standard input.
pub(crate) struct Input {
    sink: Sink,
    queue: Vec<u8>,
    /// How much of the queue is written.
    written: usize,
    /// Bytes that are written or discarded, and not yet reported.
    taken: usize,
    /// Bytes that arrived since the start.
    heard: u64,
    /// No more input comes after the queue.
    is_ending: bool,
    /// A terminal takes its character for end of file as such only at the start of a line.
    is_line_start: bool,
    /// How many of those characters are still to be written.
    ends: usize,
}

/// Where input goes. Neither blocks.
pub(crate) enum Sink {
    /// Nobody reads; input is discarded.
    Nowhere,
    /// A pipe, closed at the end of input.
    Pipe(OwnedFd),
    /// Our side of a terminal, which stays open.
    Terminal(OwnedFd),
}

impl Input {
    pub(crate) fn new(sink: Sink) -> Self {
        Self {
            sink,
            queue: Vec::new(),
            written: 0,
            taken: 0,
            heard: 0,
            is_ending: false,
            is_line_start: true,
            ends: 0,
        }
    }

    /// Accepts input; fails when the engine sends more than it has credit for.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let under_way = self.queue.len() - self.written + self.taken;
        if bytes.len() > MAX_INPUT || under_way + bytes.len() > INPUT_CREDIT {
            return Err(Broken::Malformed);
        }
        self.heard += bytes.len() as u64;
        if self.is_ending {
            self.taken += bytes.len();
            return Ok(());
        }
        self.queue.drain(..self.written);
        self.written = 0;
        self.queue.extend_from_slice(bytes);
        self.write();
        Ok(())
    }

    /// No more input will come: the command sees the end of the file once it read what was sent.
    pub(crate) fn end(&mut self) {
        if !self.is_ending {
            self.is_ending = true;
            // In the middle of a line the first one only hands over what was typed; the second is the end.
            let last = self.queue.last().map_or(self.is_line_start, |&byte| is_line_end(byte));
            self.ends = if last { 1 } else { 2 };
            self.write();
        }
    }

    /// What to watch for room, when something waits for it.
    pub(crate) fn waiting(&self) -> Option<BorrowedFd<'_>> {
        match &self.sink {
            Sink::Pipe(fd) | Sink::Terminal(fd) if !self.queue.is_empty() || self.ends > 0 => {
                Some(fd.as_fd())
            }
            _ => None,
        }
    }

    /// Writes what the command's side takes now.
    pub(crate) fn write(&mut self) {
        while self.written < self.queue.len() {
            let rest = &self.queue[self.written..];
            let length = match &self.sink {
                Sink::Nowhere => rest.len(),
                Sink::Pipe(fd) | Sink::Terminal(fd) => match write(fd, rest) {
                    Ok(length) => length,
                    Err(Errno::EINTR) => continue,
                    Err(Errno::EAGAIN) => return,
                    Err(_) => {
                        self.sink = Sink::Nowhere; // the command closed it, or is gone
                        continue;
                    }
                },
            };
            self.is_line_start = rest[..length].last().map_or(self.is_line_start, |&byte| is_line_end(byte));
            self.written += length;
            self.taken += length;
        }
        self.queue.clear();
        self.written = 0;
        if self.is_ending {
            self.write_end();
        }
    }

    /// What arrived since the start, for an engine that came back. Nothing of it is reported as taken any more.
    pub(crate) fn begin_again(&mut self) -> Heard {
        self.taken = 0;
        let waiting = (self.queue.len() - self.written) as u64;
        Heard {
            input: self.heard,
            taken: self.heard - waiting,
            end_of_input: self.is_ending,
            ..Heard::default()
        }
    }

    /// Bytes to report as taken; they are reported once.
    pub(crate) fn take_taken(&mut self) -> Option<u32> {
        let taken = std::mem::take(&mut self.taken);
        u32::try_from(taken).ok().filter(|&taken| taken > 0)
    }

    /// Gives the command's terminal a new size, if it has one.
    pub(crate) fn resize(&self, size: Size) {
        if let Sink::Terminal(fd) = &self.sink {
            os::resize(fd.as_fd(), size);
        }
    }

    fn write_end(&mut self) {
        if let Sink::Terminal(fd) = &self.sink {
            let characters = [os::end_of_file(fd.as_fd()); 2];
            match write(fd, &characters[..self.ends]) {
                Ok(length) => self.ends -= length,
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(_) => self.ends = 0, // nobody is there to see it
            }
        } else {
            self.sink = Sink::Nowhere;
            self.ends = 0;
        }
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}
