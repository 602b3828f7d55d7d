//! Commands in a sandbox that is there, inside a running engine: against a bare spawn on this machine, and their output
//! against what the engine's own client carries of it into a file.
//!
//! Needs a Docker engine with the image `stigmer-test/tiny:1`, and the static runner where the engine looks for it; see
//! `bench/README.md`. Without them it measures nothing.

use std::fs::File;
use std::process::{Command, Stdio};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stigmer_engine::config::{Environment, Sources, UserFile};
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::{RunId, RunSpec, Work};

const IMAGE: &str = "stigmer-test/tiny:1";

/// Output of the measured runs, in bytes.
const OUTPUT: u64 = 256 << 20;

async fn run(engine: &Engine, folder: &std::path::Path, line: &str) -> RunId {
    let work = Work::Line { line: line.into(), shell: None };
    let id = engine.start(RunSpec::new(work, folder)).await.expect("a run");
    let record = engine.finished(id).await.expect("its end");
    assert_eq!(record.state.word(), "succeeded", "{:?}", record.state);
    id
}

fn sandbox(criterion: &mut Criterion) {
    let has_image = Command::new("docker").args(["image", "inspect", IMAGE]).stdout(Stdio::null()).status();
    if !has_image.is_ok_and(|status| status.success()) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder for the runs");
    let home = Home::at(folder.path().join("home"));
    home.create().expect("a home");
    let settings =
        format!("mode: sandbox\nsandbox: {{ image: '{IMAGE}', auto_pull: false, network: none }}\n");
    std::fs::write(home.config(), settings).expect("settings");
    let sources = Sources {
        user: UserFile::Usual(home.config()),
        workspace: None,
        environment: Environment::default(),
        options: Vec::new(),
    };
    let engine = runtime.block_on(Engine::open(home, sources)).expect("an engine");
    let folder = folder.path();
    runtime.block_on(async {
        engine.stay().await;
        run(&engine, folder, "true").await;
    });
    let mut group = criterion.benchmark_group("sandbox");
    group.bench_function("bare spawn and wait", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let mut command = tokio::process::Command::new("sh");
            command.args(["-c", "true"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.output().await.expect("sh runs")
        });
    });
    group.bench_function("run in a reused sandbox", |bencher| {
        bencher.to_async(&runtime).iter(async || run(&engine, folder, "true").await);
    });
    group.bench_function("run in a sandbox of its own", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let work = Work::Line { line: "true".into(), shell: None };
            let mut spec = RunSpec::new(work, folder);
            spec.target.sandbox.fresh = true;
            let id = engine.start(spec).await.expect("a run");
            engine.finished(id).await.expect("its end")
        });
    });
    let line = format!("head -c {OUTPUT} /dev/zero | tr '\\0' x");
    group.throughput(Throughput::Bytes(OUTPUT)).sample_size(10);
    group.bench_function("output to the log", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let id = run(&engine, folder, &line).await;
            engine.remove(vec![id]).await.expect("it is removed");
        });
    });
    let container = runtime.block_on(async {
        let id = run(&engine, folder, "true").await;
        let place = engine.get(id).await.expect("its record").place;
        place.sandbox.expect("its sandbox").container
    });
    group.bench_function("output through docker exec to a file", |bencher| {
        bencher.iter(|| {
            let path = folder.join("file");
            let file = File::create(&path).expect("a file");
            let mut command = Command::new("docker");
            command.args(["exec", &container, "sh", "-c", &line]).stdout(file);
            assert!(command.status().is_ok_and(|status| status.success()));
            std::fs::remove_file(path).expect("it is removed");
        });
    });
    group.finish();
    runtime.block_on(engine.close(Stop::Force));
}

criterion_group!(benches, sandbox);
criterion_main!(benches);
