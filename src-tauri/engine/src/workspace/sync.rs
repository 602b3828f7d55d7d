//! Keeps a copy of the workspace in a place that does not share this machine's disk: there before a run, back after it.
//!
//! What changed is found and carried by `stigmer-tree`, which this side uses as a library and the other one as the verb
//! `tree` of the runner. Here is decided what goes: not what `.stigmerignore`, `.ignore`, `.gitignore` and
//! `.dockerignore` name, what editors drop, and the home of Stigmer. A repository does go along.
//!
//! Invariant: of two programs that keep the same copy one waits for the other, so neither sees half of an exchange.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use serde_bytes::ByteBuf;
use stigmer_tree::{
    Ask, Change, Dir, Problem, Received, Side, State, Survey, Word, changes, get, open, put, receive, send,
};

use crate::backend::{Execution, Reporter};
use crate::error::{Error, Result};
use crate::os;
use crate::run::blocking;

mod choice;
mod talk;

use choice::Rules;
use talk::{Talk, talk};

/// Problems and conflicts that are named one by one; the others are counted.
const NAMED: usize = 10;

/// A place with a copy of the workspace.
#[async_trait]
pub(crate) trait Away: Send + Sync {
    /// Starts `stigmer-runner tree` there, on the copy and its state.
    async fn tree(&self) -> Result<Box<dyn Execution>>;
}

/// This machine's side of one copy.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    /// The workspace.
    pub workspace: PathBuf,
    /// The home of Stigmer, which never goes along.
    pub home: PathBuf,
    /// A folder of the copy's own, for what both had.
    pub folder: PathBuf,
}

impl Copy {
    /// Brings what changed here to the copy. Dropped half-way, the rest is brought the next time.
    pub(crate) async fn bring_there(&self, away: &dyn Away, reporter: &Reporter) -> Result<()> {
        let here = self.clone();
        let look = move || {
            let here = here.hold()?;
            let (state, survey) = here.survey()?;
            Ok((here, state, survey))
        };
        let (here, state, survey) = blocking(look).await?;
        notes("not copied", &survey.problems, reporter).await;
        if survey.changes.is_empty() {
            return blocking(move || here.keep(&state)).await;
        }
        let step = "copy the workspace";
        reporter.step(format!("{step}: {}", size(&survey))).await;
        let progress = Progress { reporter: reporter.clone(), step, total: survey.bytes };
        let task = move |talk: &mut Talk| here.give(state, survey.changes, talk, progress);
        let (conflicts, problems) = talk(away.tree().await?, task).await?;
        notes("not copied", &problems, reporter).await;
        kept_beside(&conflicts, "in the sandbox", reporter).await;
        Ok(())
    }

    /// Brings what changed in the copy here. Dropped half-way, the rest is brought the next time.
    pub(crate) async fn bring_back(&self, away: &dyn Away, reporter: &Reporter) -> Result<()> {
        let here = self.clone();
        let here = blocking(move || here.hold()).await?;
        let task = move |talk: &mut Talk| here.take(talk);
        let received = talk(away.tree().await?, task).await?;
        notes("not brought back", &received.problems, reporter).await;
        kept_beside(&received.conflicts, "here", reporter).await;
        Ok(())
    }

    /// Keeps others from the same until it is dropped.
    fn hold(self) -> Result<Here> {
        let open_lock = || {
            os::create_private_dir(&self.folder)?;
            let lock =
                os::private(OpenOptions::new().create(true).append(true)).open(self.folder.join("lock"))?;
            lock.lock()?;
            Ok(lock)
        };
        let lock = open_lock().map_err(Error::storage("locking", &self.folder))?;
        let dir =
            open(&self.workspace).map_err(|source| Error::Folder { path: self.workspace.clone(), source })?;
        Ok(Here { copy: self, dir, _lock: lock })
    }
}

/// The workspace during an exchange.
struct Here {
    copy: Copy,
    dir: Dir,
    _lock: File,
}

impl Here {
    fn state_file(&self) -> PathBuf {
        self.copy.folder.join("state")
    }

    fn keep(&self, state: &State) -> Result<()> {
        let file = self.state_file();
        state.save(&file).map_err(Error::storage("writing", &file))
    }

    fn rules(&self) -> Result<Rules> {
        Rules::new(&self.copy.workspace, &self.copy.home)
    }

    fn survey(&self) -> Result<(State, Survey)> {
        let mut state = State::load(&self.state_file());
        let survey = changes(&self.dir, &mut state, &mut self.rules()?);
        let survey = survey.map_err(|source| Error::Folder { path: self.copy.workspace.clone(), source })?;
        Ok((state, survey))
    }

    /// Sends changes, and notes what arrived.
    fn give(
        &self,
        mut state: State,
        changes: Vec<Change>,
        talk: &mut Talk,
        mut progress: Progress,
    ) -> Result<Verdict> {
        put(talk, &Word::Ask(Ask::Take)).map_err(broken)?;
        let paths: Vec<_> = changes.into_iter().map(|change| change.path).collect();
        let sent = send(&self.dir, &paths, &mut talk.counted(&mut progress)).map_err(broken)?;
        let (sent, mut problems) = sent;
        let (conflicts, refused) = verdict(talk)?;
        for change in sent {
            if refused.iter().all(|problem| problem.path != change.path) {
                state.agree(change);
            }
        }
        problems.extend(refused);
        self.keep(&state)?;
        Ok((conflicts, problems))
    }

    /// Takes what changed in the copy, as far as it is wanted here, and tells the other side.
    fn take(&self, talk: &mut Talk) -> Result<Received> {
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

/// How far an exchange is.
pub(crate) struct Progress {
    reporter: Reporter,
    step: &'static str,
    total: u64,
}

impl Progress {
    fn at(&self, bytes: u64) {
        self.reporter.progress(self.step, bytes.min(self.total), Some(self.total));
    }
}

fn size(survey: &Survey) -> String {
    let entries = survey.changes.len();
    let bytes = match survey.bytes {
        1 => "1 byte".to_owned(),
        bytes if bytes < 1000 => format!("{bytes} bytes"),
        bytes if bytes < 1_000_000 => format!("{} kB", bytes / 1000),
        bytes => format!("{} MB", bytes / 1_000_000),
    };
    format!("{entries} {}, {bytes}", if entries == 1 { "entry" } else { "entries" })
}

async fn notes(what: &str, problems: &[Problem], reporter: &Reporter) {
    for problem in problems.iter().take(NAMED) {
        reporter.note(format!("{what}: {problem}")).await;
    }
    if problems.len() > NAMED {
        reporter.note(format!("{what}: {} more", problems.len() - NAMED)).await;
    }
}

async fn kept_beside(conflicts: &[(ByteBuf, ByteBuf)], place: &str, reporter: &Reporter) {
    let name = |path: &ByteBuf| String::from_utf8_lossy(path).into_owned();
    for (path, beside) in conflicts.iter().take(NAMED) {
        let line = format!(
            "{} changed both here and in the sandbox; the sandbox's is now {} {place}",
            name(path),
            name(beside)
        );
        reporter.note(line).await;
    }
    if conflicts.len() > NAMED {
        reporter.note(format!("and {} more that changed in both places", conflicts.len() - NAMED)).await;
    }
}
