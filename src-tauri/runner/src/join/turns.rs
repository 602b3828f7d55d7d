//! One conversation after another over the same streams, so that a run need not wait for a terminal and its shell.
//!
//! The engine says nothing between the end of one and the greeting of the next, so each byte belongs to the one that is on.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{PIECE, carry};
use crate::os;

/// The conversation that is on.
struct Turn {
    requests: UnixStream,
    is_used: bool,
    /// There is no other one after it.
    is_last: bool,
}

/// Carries conversations until the engine is gone, nobody listens at the socket any more, or one was not used for so long: streams
/// do not end everywhere with who opened them. Or one alone.
pub(super) fn converse(first: UnixStream, socket: &Path, unused: Duration, once: bool) -> io::Result<()> {
    let mut replies = first.try_clone()?;
    let turn = Arc::new(Mutex::new(Turn { requests: first, is_used: false, is_last: false }));
    let theirs = Arc::clone(&turn);
    // Ends with the process.
    thread::spawn(move || {
        // Whatever went wrong, there are no more requests.
        let _ = carry_requests(&theirs, unused);
        let mut turn = of(&theirs);
        turn.is_last = true;
        let _ = turn.requests.shutdown(Shutdown::Write);
    });
    loop {
        carry(replies, io::stdout())?;
        if once {
            return Ok(());
        }
        let Ok(next) = UnixStream::connect(socket) else { return Ok(()) };
        let mut turn = of(&turn);
        if turn.is_last {
            return Ok(());
        }
        replies = next.try_clone()?;
        (turn.requests, turn.is_used) = (next, false);
    }
}

fn carry_requests(turn: &Mutex<Turn>, unused: Duration) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        if !os::is_readable_within(io::stdin(), unused)? {
            if of(turn).is_used {
                continue;
            }
            return Ok(());
        }
        let length = io::stdin().read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        let mut turn = of(turn);
        turn.is_used = true;
        // What comes too late for a conversation is nobody's.
        let _ = turn.requests.write_all(&piece[..length]);
    }
}

fn of(turn: &Mutex<Turn>) -> MutexGuard<'_, Turn> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}
