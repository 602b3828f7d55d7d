//! Where each of these tests works: a home and a workspace of its own, and the questions that they all ask.

use std::path::PathBuf;

use stigmer_engine::config::{Environment as Variables, Sources, UserFile};
use stigmer_engine::engine::Engine;
use stigmer_engine::history::What;
use stigmer_engine::home::Home;
use stigmer_engine::log::{LogReader, Piece, Tail};
use stigmer_engine::spec::{Base, Environment, RunId, RunSpec, Text, Work};
use stigmer_engine::state::{Outcome, RunRecord};
use tempfile::TempDir;

use crate::common::{Marker, PATH, require_runner, until, within};

/// A home, a workspace and a marker for the processes of one test.
pub(crate) struct Desk {
    _folder: TempDir,
    pub(crate) home: Home,
    pub(crate) workspace: PathBuf,
    pub(crate) marker: Marker,
}

impl Desk {
    pub(crate) fn new() -> Self {
        require_runner();
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let workspace = folder.path().join("workspace");
        for folder in [home.root(), &workspace] {
            std::fs::create_dir(folder).unwrap();
        }
        Self { _folder: folder, home, workspace, marker: Marker::new() }
    }

    /// With these settings in the user's file.
    pub(crate) fn with(settings: &str) -> Self {
        let desk = Self::new();
        std::fs::write(desk.home.config(), settings).unwrap();
        desk
    }

    pub(crate) fn sources(&self) -> Sources {
        Sources {
            user: UserFile::Usual(self.home.config()),
            workspace: None,
            environment: Variables::default(),
            options: Vec::new(),
        }
    }

    pub(crate) async fn open(&self) -> Engine {
        within(Engine::open(self.home.clone(), self.sources())).await.unwrap()
    }

    /// A line for the shell, whose processes carry the marker.
    pub(crate) fn line(&self, line: &str) -> RunSpec {
        self.work(Work::Line { line: line.into(), shell: None })
    }

    pub(crate) fn program<A: Into<Text>>(&self, argv: impl IntoIterator<Item = A>) -> RunSpec {
        self.work(Work::Program { argv: argv.into_iter().map(Into::into).collect() })
    }

    pub(crate) fn work(&self, work: Work) -> RunSpec {
        let base = Base::Caller(vec![("PATH".into(), PATH.into()), self.marker.variable()]);
        let env = Environment { base, ..Environment::default() };
        RunSpec { env, ..RunSpec::new(work, &self.workspace) }
    }

    /// Makes a file in the workspace that a script waits for.
    pub(crate) fn say(&self, word: &str) {
        std::fs::write(self.workspace.join(word), "").unwrap();
    }

    /// Waits until a script made a file in the workspace.
    pub(crate) async fn until_said(&self, word: &str) {
        let file = self.workspace.join(word);
        until("the script said so", || file.exists().then_some(())).await;
    }
}

/// The words of a script that waits for [`Desk::say`].
pub(crate) fn wait_for(word: &str) -> String {
    format!("while [ ! -e {word} ]; do sleep 0.01; done")
}

/// A script that takes notice of no polite signal, after it said `ready`.
pub(crate) const STUBBORN: &str = "trap '' HUP INT TERM; echo >ready; while :; do sleep 0.05; done";

pub(crate) async fn start(engine: &Engine, spec: RunSpec) -> RunId {
    within(engine.start(spec)).await.unwrap()
}

/// Starts a run with a reader that must see every byte.
pub(crate) async fn start_attached(engine: &Engine, spec: RunSpec) -> (RunId, Tail) {
    within(engine.start_attached(spec)).await.unwrap()
}

/// Waits for the end of a run.
pub(crate) async fn end(engine: &Engine, id: RunId) -> RunRecord {
    within(engine.finished(id)).await.unwrap()
}

/// Carries a run out.
pub(crate) async fn run(engine: &Engine, spec: RunSpec) -> RunRecord {
    let id = start(engine, spec).await;
    end(engine, id).await
}

pub(crate) fn outcome(record: &RunRecord) -> &Outcome {
    &record.state.ending().expect("the run is over").outcome
}

/// Everything that the log of a run has now.
pub(crate) fn pieces(engine: &Engine, id: RunId) -> Vec<Piece> {
    let mut reader: LogReader = engine.log(id);
    std::iter::from_fn(|| reader.next_piece().unwrap()).collect()
}

/// The bytes among pieces.
pub(crate) fn bytes(pieces: &[Piece]) -> Vec<u8> {
    let of = |piece: &Piece| match piece {
        Piece::Bytes { bytes, .. } => bytes.to_vec(),
        Piece::LeftOut { .. } => Vec::new(),
    };
    pieces.iter().flat_map(of).collect()
}

pub(crate) fn output(engine: &Engine, id: RunId) -> Vec<u8> {
    bytes(&pieces(engine, id))
}

/// Reads a tail to its end.
pub(crate) async fn drain(mut tail: Tail) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some(piece) = within(tail.next()).await.unwrap() {
        pieces.push(piece);
    }
    pieces
}

/// Reads a tail until it has found a word: everything up to there.
pub(crate) async fn read_until(tail: &mut Tail, word: &str) -> Vec<u8> {
    let mut all = Vec::new();
    while !all.windows(word.len()).any(|window| window == word.as_bytes()) {
        let piece = within(tail.next()).await.unwrap().expect("the log ended before that");
        all.extend(bytes(&[piece]));
    }
    all
}

/// The names of what happened to a run.
pub(crate) fn happenings(engine: &Engine, id: RunId) -> Vec<&'static str> {
    let (events, _) = engine.events(id, 0).unwrap();
    events.iter().map(|event| name(&event.what)).collect()
}

const fn name(what: &What) -> &'static str {
    match what {
        What::Created { .. } => "created",
        What::Preparing { .. } => "preparing",
        What::Progress { .. } => "progress",
        What::Placed { .. } => "placed",
        What::Running { .. } => "running",
        What::Adopted { .. } => "adopted",
        What::Note { .. } => "note",
        What::Pinned { .. } => "pinned",
        What::Ended { .. } => "ended",
    }
}
