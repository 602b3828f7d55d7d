//! The place away: answers what home asks.

use std::io::{self, Read, Write};
use std::path::Path;

use serde_bytes::ByteBuf;

use crate::survey::Everything;
use crate::word::unexpected;
use crate::{Ask, Change, Side, State, Word, changes, get, open, put, receive, send};

/// Answers until nobody asks any more. What cannot go on is told as [`Word::Failed`].
pub fn serve(folder: &Path, state: &Path, from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let answered = answer_all(folder, state, from, to);
    if let Err(error) = &answered {
        put(to, &Word::Failed(error.to_string()))?;
        to.flush()?;
    }
    answered
}

fn answer_all(folder: &Path, file: &Path, from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let dir = open(folder)?;
    let mut state = State::load(file);
    loop {
        let ask = match get(from) {
            Ok(Word::Ask(ask)) => ask,
            Ok(_) => return Err(unexpected()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        match ask {
            Ask::Changes => {
                let survey = changes(&dir, &mut state, &mut Everything)?;
                for change in survey.changes {
                    put(to, &Word::Change(change))?;
                }
                for problem in survey.problems {
                    put(to, &Word::Problem(problem))?;
                }
                put(to, &Word::End)?;
                state.save(file)?;
            }
            Ask::Send => {
                let paths = paths(from)?;
                // What it sent counts only when home says that it has it.
                let (_, problems) = send(&dir, &paths, to)?;
                for problem in problems {
                    put(to, &Word::Problem(problem))?;
                }
                put(to, &Word::End)?;
            }
            Ask::Take => {
                let received = receive(&dir, from, &mut state, Side::Away)?;
                state.save(file)?;
                for (path, beside) in received.conflicts {
                    put(to, &Word::Conflict { path, beside })?;
                }
                for problem in received.problems {
                    put(to, &Word::Problem(problem))?;
                }
                put(to, &Word::End)?;
            }
            Ask::Agree => {
                for change in agreed(from)? {
                    state.agree(change);
                }
                state.save(file)?;
                put(to, &Word::End)?;
            }
        }
        to.flush()?;
    }
}

fn paths(from: &mut impl Read) -> io::Result<Vec<ByteBuf>> {
    let mut paths = Vec::new();
    loop {
        match get(from)? {
            Word::Path(path) => paths.push(path),
            Word::End => return Ok(paths),
            _ => return Err(unexpected()),
        }
    }
}

fn agreed(from: &mut impl Read) -> io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    loop {
        match get(from)? {
            Word::Change(change) => changes.push(change),
            Word::End => return Ok(changes),
            _ => return Err(unexpected()),
        }
    }
}
