//! What the engine adds to a program: a run in a hosted engine against a bare spawn and wait.
//!
//! Needs `cargo build --release -p stigmer-runner` before.

use std::process::Stdio;

use criterion::{Criterion, criterion_group, criterion_main};
use stigmer_engine::config::{Environment, Sources, UserFile};
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::spec::{Base, Environment as Variables, RunSpec, Text, Work};

fn spec() -> RunSpec {
    let variables = std::env::vars_os().map(|(name, value)| (Text::from(name), Text::from(value)));
    let work = Work::Line { line: "true".into(), shell: None };
    let env = Variables { base: Base::Caller(variables.collect()), ..Variables::default() };
    RunSpec { env, ..RunSpec::new(work, std::env::temp_dir()) }
}

fn overhead(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder for the runs");
    let home = Home::at(folder.path());
    let sources = Sources {
        user: UserFile::Usual(home.config()),
        workspace: None,
        environment: Environment::default(),
        options: Vec::new(),
    };
    let engine = runtime.block_on(Engine::open(home, sources)).expect("an engine");
    let mut group = criterion.benchmark_group("run");
    group.bench_function("bare spawn and wait", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let mut command = tokio::process::Command::new("sh");
            command.args(["-c", "true"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.output().await.expect("sh runs")
        });
    });
    group.bench_function("run in a hosted engine", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let id = engine.start(spec()).await.expect("a run");
            let record = engine.finished(id).await.expect("its end");
            assert_eq!(record.state.word(), "succeeded");
        });
    });
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
