//! Where each of these tests works: a home, a workspace, and a cloud of its own.

use std::ops::Deref;
use std::time::Duration;

use daytona_double::{Double, Options};
use stigmer_engine::engine::Engine;
use stigmer_engine::error::Report;
use stigmer_engine::spec::{RunSpec, Sandbox};
use stigmer_engine::state::{CloudFacts, Outcome, RunRecord};

use crate::common::within;
use crate::desk::{Desk, outcome, output, run};

/// A desk whose runs go into the cloud.
pub(crate) struct Sky {
    desk: Desk,
    pub(crate) double: Double,
}

impl Deref for Sky {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl Sky {
    /// `None` where no sandboxes can be made of namespaces, which is said.
    pub(crate) fn new() -> Option<Self> {
        Self::with(Options { delay: Duration::from_millis(20), ..Options::default() })
    }

    pub(crate) fn with(options: Options) -> Option<Self> {
        if let Err(why) = daytona_double::possible() {
            assert!(std::env::var_os("STIGMER_TEST_REQUIRE_ALL").is_none(), "{why}");
            std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("SKIPPED: cloud sandboxes: {why}\n").as_bytes(),
            )
            .unwrap();
            return None;
        }
        let sky = Self { desk: Desk::new(), double: Double::start(options) };
        sky.set("");
        Some(sky)
    }

    /// Settings of the cloud from now on, beside where it is.
    pub(crate) fn set(&self, settings: &str) {
        let text = format!(
            "mode: daytona\ndaytona: {{ api_key: '{}', api_url: '{}', {settings} }}\n",
            self.double.key(),
            self.double.url()
        );
        std::fs::write(self.home.config(), text).unwrap();
    }

    /// The ids of all sandboxes that there are.
    pub(crate) fn sandboxes(&self) -> Vec<String> {
        let all = self.double.sandboxes();
        all.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect()
    }

    /// The notes of runs that something may be left of.
    pub(crate) fn notes(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.home.root().join("cloud")).into_iter().flatten().flatten();
        let names = files.filter_map(|file| file.file_name().into_string().ok());
        names.filter(|name| name.starts_with("run-")).collect()
    }

    /// The name of the only sandbox.
    #[track_caller]
    pub(crate) fn only(&self) -> String {
        let all = self.double.sandboxes();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0]["name"].as_str().unwrap().to_owned()
    }

    /// Changes a sandbox as if it happened by itself.
    pub(crate) fn change(&self, name: &str, state: &str, reason: Option<&str>) {
        tokio::task::block_in_place(|| self.double.change_sandbox(name, state, reason));
    }

    /// A line in a sandbox that is asked for.
    pub(crate) fn asking(&self, sandbox: Sandbox, line: &str) -> RunSpec {
        let mut spec = self.line(line);
        spec.target.sandbox = sandbox;
        spec
    }
}

pub(crate) fn fresh() -> Sandbox {
    Sandbox { fresh: true, ..Sandbox::default() }
}

pub(crate) fn bringing_back() -> Sandbox {
    Sandbox { bring_back: true, ..Sandbox::default() }
}

/// Carries a run out; its record, and all that it said.
pub(crate) async fn ran(engine: &Engine, spec: RunSpec) -> (RunRecord, String) {
    let record = run(engine, spec).await;
    let said = String::from_utf8_lossy(&output(engine, record.id)).into_owned();
    (record, said)
}

/// Carries a run out that must succeed.
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

/// What a run's sandbox was.
pub(crate) fn facts(record: &RunRecord) -> &CloudFacts {
    record.place.cloud.as_deref().expect("it had a sandbox")
}

/// What was asked of the cloud since the last time, without ids: all but what nobody waits for.
pub(crate) fn asked(sky: &Sky) -> Vec<String> {
    let asked = sky.double.requests();
    sky.double.clear_requests();
    let is_waited_for = |path: &str, method: &str| !path.ends_with("/last-activity") && method != "DELETE";
    let asked = asked.iter().filter(|one| is_waited_for(&one.path, &one.method));
    let last = |path: &str| path.split('/').next_back().unwrap_or_default().to_owned();
    let name = |path: &str| if path.contains("/toolbox/") { last(path) } else { "sandbox".to_owned() };
    asked.map(|one| format!("{} {}", one.method, name(&one.path))).collect()
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
