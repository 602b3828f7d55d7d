//! Keeps a copy of the workspace in a place that does not share this machine's disk: there before a run, back after it.
//!
//! What changed is found and carried by `stigmer-tree`, which this side uses as a library and the other one as the verb
//! `tree` of the runner. Here is decided what goes: not what `.stigmerignore`, `.ignore`, `.gitignore` and
//! `.dockerignore` name, what editors drop, and the home of Stigmer. A repository does go along.
//!
//! Invariant: of two programs that keep the same copy one waits for the other, so neither sees half of an exchange.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_bytes::ByteBuf;
use stigmer_tree::{Change, Dir, Entry, Kind, Problem, State, Survey, changes, changes_at, open};

use crate::backend::{Execution, Reporter};
use crate::error::{Error, Result};
use crate::os;
use crate::run::blocking;
use crate::workspace::upload::{Mark, Tally};

mod choice;
mod exchange;
pub(super) mod talk;
mod watched;

pub(super) use choice::Rules;
pub(crate) use watched::Watches;

use talk::{Talk, talk};
use watched::{Look, Watch, file_stamp};

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
    /// Says whether any copy of the workspace was made there before; `None` where nobody is told.
    pub mark: Option<Mark>,
    /// Who watches workspaces, in an engine that stays.
    pub watches: Option<Watches>,
}

impl Copy {
    /// Brings what changed here to the copy. Dropped half-way, the rest is brought the next time.
    pub(crate) async fn bring_there(&self, away: &dyn Away, reporter: &Reporter) -> Result<()> {
        let here = self.clone();
        let look = move || {
            let here = here.hold()?;
            let looked = here.look()?;
            Ok((here, looked))
        };
        let (here, looked) = blocking(look).await?;
        notes("not copied", &looked.survey.problems, reporter).await;
        if let Some(mark) = self.mark.as_ref().filter(|mark| !mark.is_set()) {
            if let Some(leaving) = leaving(&looked.survey) {
                let place = &mark.place;
                reporter.note(format!("the first copy of this workspace goes to {place}: {leaving}")).await;
            }
            self.copy_what_changed(here, looked, away, reporter).await?;
            return mark.set();
        }
        self.copy_what_changed(here, looked, away, reporter).await
    }

    async fn copy_what_changed(
        &self,
        here: Here,
        looked: Looked,
        away: &dyn Away,
        reporter: &Reporter,
    ) -> Result<()> {
        let Looked { state, mut survey, look } = looked;
        let Some(state) = state else {
            here.done(look, survey, BTreeSet::new());
            return Ok(());
        };
        let mut pending = paths(survey.problems.iter().map(|problem| &problem.path));
        let changes = std::mem::take(&mut survey.changes);
        if changes.is_empty() {
            return blocking(move || {
                here.keep(&state)?;
                here.done(look, survey, pending);
                Ok(())
            })
            .await;
        }
        let step = "copy the workspace";
        reporter.step(format!("{step}: {}", size(changes.len(), survey.bytes))).await;
        let progress = Progress { reporter: reporter.clone(), step, total: survey.bytes };
        let task = move |talk: &mut Talk| {
            let given = here.give(state, changes, talk, progress)?;
            let again = given.problems.iter().map(|problem| &problem.path).chain(&given.unsteady);
            pending.extend(paths(again));
            here.done(look, survey, pending);
            Ok(given)
        };
        let given = talk(away.tree().await?, task).await?;
        notes("not copied", &given.problems, reporter).await;
        kept_beside(&given.conflicts, "in the sandbox", reporter).await;
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
        let watch = self.watches.as_ref();
        let watch = watch.and_then(|watches| watches.of(&real(&self.workspace), &real(&self.home)));
        Ok(Here { copy: self, dir, watch, _lock: lock })
    }
}

/// The workspace during an exchange.
struct Here {
    copy: Copy,
    dir: Dir,
    watch: Option<Arc<Watch>>,
    _lock: File,
}

impl Here {
    fn state_file(&self) -> PathBuf {
        self.copy.folder.join("state")
    }

    fn keep(&self, state: &State) -> Result<()> {
        let file = self.state_file();
        let before = file_stamp(&file);
        state.save(&file).map_err(Error::storage("writing", &file))?;
        if let Some(watch) = &self.watch {
            watch.renew(&self.copy.folder, before, file_stamp(&file));
        }
        Ok(())
    }

    fn rules(&self) -> Result<Rules> {
        // Rules name both as the system does.
        Rules::new(&real(&self.copy.workspace), &real(&self.copy.home))
    }

    /// Looks for what changed: where the watch says so, or everywhere.
    fn look(&self) -> Result<Looked> {
        let file = self.state_file();
        let look = self.watch.as_ref().map(|watch| watch.look(&self.copy.folder, file_stamp(&file)));
        if look.as_ref().and_then(|look| look.paths.as_ref()).is_some_and(BTreeSet::is_empty) {
            return Ok(Looked { state: None, survey: Survey::default(), look });
        }
        let mut state = State::load(&file);
        let mut rules = self.rules()?;
        // Where nothing was agreed on everything is new.
        let some = look.as_ref().and_then(|look| look.paths.as_ref()).filter(|_| !state.is_empty());
        let survey = match some {
            Some(paths) => changes_at(&self.dir, &mut state, &mut rules, paths),
            None => changes(&self.dir, &mut state, &mut rules)
                .map_err(|source| Error::Folder { path: self.copy.workspace.clone(), source })?,
        };
        Ok(Looked { state: Some(state), survey, look })
    }

    /// Notes that what the look found is in the copy.
    fn done(&self, look: Option<Look>, survey: Survey, pending: BTreeSet<PathBuf>) {
        if let Some(look) = look {
            look.done(&self.copy.folder, survey, pending, file_stamp(&self.state_file()));
        }
    }
}

/// What a look found.
struct Looked {
    /// What both had; `None` where nothing happened since, so that it need not be read.
    state: Option<State>,
    survey: Survey,
    look: Option<Look>,
}

/// A folder as the system names it.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn paths<'a>(names: impl Iterator<Item = &'a ByteBuf>) -> BTreeSet<PathBuf> {
    names.filter_map(|name| stigmer_tree::inside(name)).collect()
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

fn size(entries: usize, bytes: u64) -> String {
    let bytes = crate::size::size(bytes);
    format!("{entries} {}, {bytes}", if entries == 1 { "entry" } else { "entries" })
}

/// What goes with a first copy, in words; `None` where no file does.
fn leaving(survey: &Survey) -> Option<String> {
    let mut tally = Tally::default();
    for Change { path, entry } in &survey.changes {
        if let (Some(path), Some(Entry { kind: Kind::File { size, .. }, .. })) =
            (stigmer_tree::inside(path), entry)
        {
            tally.add(&path, *size);
        }
    }
    let upload = tally.upload();
    (upload.files > 0).then(|| upload.summary())
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
