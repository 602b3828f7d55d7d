//! Where each of these tests works: a home and a workspace of its own, and its containers, which go with it.

use std::ops::Deref;

use stigmer_engine::engine::Engine;
use stigmer_engine::error::Report;
use stigmer_engine::home::Home;
use stigmer_engine::spec::{RunSpec, Sandbox, Work};
use stigmer_engine::state::{Outcome, RunRecord, SandboxFacts};

use crate::common::{MARKER, Marker, within};
use crate::desk::{Desk, outcome, output, run};
use crate::docker::{docker, require};

/// An image that has little and starts at once.
pub(crate) const TINY: &str = "stigmer-test/tiny:1";

/// A desk whose runs go into containers.
pub(crate) struct Yard(Desk);

impl Deref for Yard {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl Yard {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With these settings of sandboxes, each `name: value`, separated by commas.
    pub(crate) fn with(settings: &str) -> Self {
        Self::of(TINY, settings)
    }

    /// With this image.
    pub(crate) fn of(image: &str, settings: &str) -> Self {
        require(image);
        let yard = Self(Desk::new());
        yard.set(&format!("image: '{image}', {settings}"));
        yard
    }

    /// One that another process knows, with the settings that it made.
    pub(crate) fn at(home: Home, marker: Marker) -> Self {
        let mut desk = Desk::new();
        (desk.home, desk.marker) = (home, marker);
        Self(desk)
    }

    /// Settings of sandboxes from now on, beside those that all these tests have.
    pub(crate) fn set(&self, settings: &str) {
        let usual = [("auto_pull", "false"), ("network", "none"), ("ttl", "60"), ("warm", "0")];
        let usual = usual.into_iter().filter(|(name, _)| !settings.contains(&format!("{name}:")));
        let usual: Vec<_> = usual.map(|(name, value)| format!("{name}: {value}")).collect();
        let text = format!("mode: sandbox\nsandbox: {{ {}, {settings} }}\n", usual.join(", "));
        std::fs::write(self.home.config(), text).unwrap();
    }

    /// A line for the shell of the image, whose processes carry the marker.
    pub(crate) fn line(&self, line: &str) -> RunSpec {
        self.work(Work::Line { line: line.into(), shell: None })
    }

    pub(crate) fn program<const N: usize>(&self, argv: [&str; N]) -> RunSpec {
        self.work(Work::Program { argv: argv.map(Into::into).into() })
    }

    pub(crate) fn work(&self, work: Work) -> RunSpec {
        let mut spec = self.0.work(work);
        spec.env.set.insert(MARKER.to_owned(), Some(self.marker.name().into()));
        spec
    }

    /// A line in a sandbox that is asked for.
    pub(crate) fn within(&self, sandbox: Sandbox, line: &str) -> RunSpec {
        let mut spec = self.line(line);
        spec.target.sandbox = sandbox;
        spec
    }

    /// What the engine's own client lists of containers of this home.
    pub(crate) fn containers(&self) -> Vec<String> {
        let Some(label) = self.label() else { return Vec::new() };
        let listed = docker(&["ps", "--all", "--filter", &label, "--format", "{{.Names}}"]);
        listed.lines().map(str::to_owned).collect()
    }

    fn label(&self) -> Option<String> {
        let owner = std::fs::read_to_string(self.home.root().join("sandboxes/owner")).ok()?;
        Some(format!("label=stigmer.home={owner}"))
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        for name in self.containers() {
            docker(&["rm", "--force", "--volumes", &name]);
        }
    }
}

pub(crate) fn fresh() -> Sandbox {
    Sandbox { fresh: true, ..Sandbox::default() }
}

/// Carries a run out; its record, and all that it said.
pub(crate) async fn ran(engine: &Engine, spec: RunSpec) -> (RunRecord, String) {
    let record = run(engine, spec).await;
    let said = String::from_utf8_lossy(&output(engine, record.id)).into_owned();
    (record, said)
}

/// Carries a run out that must succeed; its record, and all that it said.
#[track_caller]
pub(crate) fn succeeds(engine: &Engine, spec: RunSpec) -> impl Future<Output = (RunRecord, String)> {
    let engine = engine.clone();
    let caller = std::panic::Location::caller();
    async move {
        let (record, said) = ran(&engine, spec).await;
        assert_eq!(outcome(&record), &Outcome::Succeeded, "{caller}: {said}");
        (record, said)
    }
}

/// What a run's sandbox really was.
pub(crate) fn facts(record: &RunRecord) -> &SandboxFacts {
    record.place.sandbox.as_deref().expect("it had a sandbox")
}

/// Why a run could not be carried out.
pub(crate) async fn refused(engine: &Engine, spec: RunSpec) -> Report {
    match within(engine.start(spec)).await {
        Err(error) => error.into(),
        Ok(id) => match outcome(&within(engine.finished(id)).await.unwrap()) {
            Outcome::Error { error } => error.clone(),
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&output(engine, id))),
        },
    }
}
