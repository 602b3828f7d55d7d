//! What both sides say to each other, as home sees it.

use std::collections::HashSet;
use std::io;

use serde_bytes::ByteBuf;
use stigmer_tree::{
    Ask, Change, Entry, Kind, Problem, Received, Side, Stamp, State, Survey, Word, get, put, receive, send,
};

use super::talk::Talk;
use super::{Here, Progress};
use crate::error::{Error, Result};

/// Most entries and bytes of the first part of what is sent. Each following one may be twice as large, so that what is
/// written down after each does not add up.
const PART: (usize, u64) = (4_000, 32 << 20);

/// How often a file is sent again at once that changed while it was sent.
const REPEATS: usize = 2;

/// What came of sending.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What was kept twice.
    pub conflicts: Vec<(ByteBuf, ByteBuf)>,
    /// What could not be dealt with.
    pub problems: Vec<Problem>,
    /// Files that changed while they were sent, each time.
    pub unsteady: Vec<ByteBuf>,
}

/// Divides what changed: what is gone comes first, what is deepest before what it is in; folders come last, since
/// nothing may be written any more in one that may only be read.
fn parts(changes: Vec<Change>) -> Vec<Vec<ByteBuf>> {
    let bytes = |change: &Change| match change.entry {
        Some(Entry { kind: Kind::File { size, .. }, .. }) => size,
        _ => 0,
    };
    let (most, most_bytes) = PART;
    if changes.len() <= most && changes.iter().map(bytes).sum::<u64>() <= most_bytes {
        return vec![changes.into_iter().map(|change| change.path).collect()];
    }
    let mut parts: [Vec<ByteBuf>; 2] = Default::default();
    let (mut files, mut room, mut whole) = (vec![Vec::new()], PART, PART);
    for change in changes {
        let length = bytes(&change);
        match &change.entry {
            None => parts[0].push(change.path),
            Some(Entry { kind: Kind::Folder { .. }, .. }) => parts[1].push(change.path),
            Some(_) => {
                if room.0 == 0 || (room.1 < length && room.1 < whole.1) {
                    files.push(Vec::new());
                    whole = (whole.0.saturating_mul(2), whole.1.saturating_mul(2));
                    room = whole;
                }
                room = (room.0 - 1, room.1.saturating_sub(length));
                if let Some(part) = files.last_mut() {
                    part.push(change.path);
                }
            }
        }
    }
    let [gone, folders] = parts;
    [gone].into_iter().chain(files).chain([folders]).filter(|part| !part.is_empty()).collect()
}

/// Whether a file was sent that changed meanwhile: it has the stamp that none has.
fn is_unsteady(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::File { .. }) && entry.stamp == Stamp::default()
}

impl Here {
    /// Sends what changed, in parts, and notes after each what arrived: so a copy that breaks off goes on from there.
    pub(super) fn give(
        &self,
        mut state: State,
        changes: Vec<Change>,
        talk: &mut Talk,
        mut progress: Progress,
    ) -> Result<Given> {
        let mut given = Given::default();
        for part in parts(changes) {
            self.give_part(&mut state, &part, talk, &mut progress, &mut given)?;
        }
        for _ in 0..REPEATS {
            let unsteady = std::mem::take(&mut given.unsteady);
            if unsteady.is_empty() {
                break;
            }
            self.give_part(&mut state, &unsteady, talk, &mut progress, &mut given)?;
        }
        for path in &given.unsteady {
            let why = "it changed while it was copied; the next run copies it again".to_owned();
            given.problems.push(Problem { path: path.clone(), why });
        }
        Ok(given)
    }

    fn give_part(
        &self,
        state: &mut State,
        paths: &[ByteBuf],
        talk: &mut Talk,
        progress: &mut Progress,
        given: &mut Given,
    ) -> Result<()> {
        put(talk, &Word::Ask(Ask::Take)).map_err(broken)?;
        let (sent, problems) = send(&self.dir, paths, &mut talk.counted(progress)).map_err(broken)?;
        let (conflicts, refused) = verdict(talk)?;
        let is_refused: HashSet<&[u8]> = refused.iter().map(|problem| problem.path.as_slice()).collect();
        for change in sent {
            if is_refused.contains(change.path.as_slice()) {
                continue;
            }
            if change.entry.as_ref().is_some_and(is_unsteady) {
                given.unsteady.push(change.path.clone());
            }
            state.agree(change);
        }
        given.conflicts.extend(conflicts);
        given.problems.extend(problems);
        given.problems.extend(refused);
        self.keep(state)
    }

    /// Takes what changed in the copy, as far as it is wanted here, and tells the other side.
    pub(super) fn take(&self, talk: &mut Talk) -> Result<Received> {
        put(talk, &Word::Ask(Ask::Changes)).map_err(broken)?;
        let mut survey = listed(talk)?;
        let mut rules = self.rules()?;
        // What stays there counts as known, so that it is not told each time.
        let (stays, wanted): (Vec<_>, Vec<_>) =
            survey.changes.drain(..).partition(|change| rules.keeps_away(&change.path));
        let mut received = Received { problems: survey.problems, ..Received::default() };
        if !wanted.is_empty() {
            put(talk, &Word::Ask(Ask::Send)).map_err(broken)?;
            for change in wanted {
                put(talk, &Word::Path(change.path)).map_err(broken)?;
            }
            put(talk, &Word::End).map_err(broken)?;
            let mut state = State::load(&self.state_file());
            let took = receive(&self.dir, talk, &mut state, Side::Home);
            // What arrived is here, whatever came after it.
            self.keep(&state)?;
            let took = took.map_err(broken)?;
            received.problems.extend(took.problems);
            received.problems.extend(listed(talk)?.problems);
            (received.taken, received.conflicts) = (took.taken, took.conflicts);
        }
        if !(stays.is_empty() && received.taken.is_empty()) {
            put(talk, &Word::Ask(Ask::Agree)).map_err(broken)?;
            for change in stays.into_iter().chain(received.taken.iter().cloned()) {
                put(talk, &Word::Change(change)).map_err(broken)?;
            }
            put(talk, &Word::End).map_err(broken)?;
            verdict(talk)?;
        }
        Ok(received)
    }
}

/// What was kept twice, and what could not be dealt with.
type Verdict = (Vec<(ByteBuf, ByteBuf)>, Vec<Problem>);

/// An answer that is a list of changes and problems.
fn listed(talk: &mut Talk) -> Result<Survey> {
    let mut survey = Survey::default();
    loop {
        match get(talk).map_err(broken)? {
            Word::Change(change) => survey.changes.push(change),
            Word::Problem(problem) => survey.problems.push(problem),
            Word::End => return Ok(survey),
            other => return Err(astray(other)),
        }
    }
}

/// An answer that says what became of something.
fn verdict(talk: &mut Talk) -> Result<Verdict> {
    let (mut conflicts, mut problems) = (Vec::new(), Vec::new());
    loop {
        match get(talk).map_err(broken)? {
            Word::Conflict { path, beside } => conflicts.push((path, beside)),
            Word::Problem(problem) => problems.push(problem),
            Word::End => return Ok((conflicts, problems)),
            other => return Err(astray(other)),
        }
    }
}

fn astray(word: Word) -> Error {
    match word {
        Word::Failed(why) => Error::Sync { why },
        _ => Error::Sync { why: "the sandbox does not speak this language".to_owned() },
    }
}

/// An exchange that broke off.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn broken(error: io::Error) -> Error {
    Error::Sync { why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, size: u64) -> Change {
        let kind = Kind::File { mode: 0o644, size, modified: 0 };
        Change {
            path: ByteBuf::from(path),
            entry: Some(Entry { kind, stamp: Stamp::default(), digest: None }),
        }
    }

    #[test]
    fn little_goes_at_once_and_much_in_parts_that_grow_with_folders_last_and_what_is_gone_first() {
        assert_eq!(parts(vec![file("a", 5), file("b", 5)]).len(), 1);
        let mut changes: Vec<_> = (0..15_000).map(|number| file(&format!("f{number:05}"), 10)).collect();
        changes.push(Change { path: ByteBuf::from("gone"), entry: None });
        let folder = Entry { kind: Kind::Folder { mode: 0o555 }, stamp: Stamp::default(), digest: None };
        changes.insert(0, Change { path: ByteBuf::from("folder"), entry: Some(folder) });
        let parts = parts(changes);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [1, 4_000, 8_000, 3_000, 1]);
        assert_eq!((&parts[0][0][..], &parts[4][0][..]), (&b"gone"[..], &b"folder"[..]));
    }

    #[test]
    fn a_large_file_is_a_part_of_its_own_and_no_part_is_empty() {
        let sizes = [1, 33 << 20, 1, 100 << 20, 200 << 20, 1];
        let changes: Vec<_> =
            sizes.iter().enumerate().map(|(at, size)| file(&format!("{at}"), *size)).collect();
        let parts = parts(changes);
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 6);
        assert!(parts.len() >= 3 && parts.iter().all(|part| !part.is_empty()), "{parts:?}");
    }
}
