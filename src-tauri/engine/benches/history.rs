//! The history with 100,000 runs: every list of 50 has to be there within 50 ms, opening within 2 ms.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be prepared has to stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use stigmer_engine::history::{Filter, History};
use stigmer_engine::home::Home;
use stigmer_engine::spec::{Mode, Origin, RunId, RunSpec};
use stigmer_engine::state::{Ending, Exit, Outcome, Place, RunRecord, RunState};

const RUNS: u64 = 100_000;
const FIRST: i64 = 1_700_000_000;
const PROGRAMS: [&str; 10] = [
    "cargo test --workspace -- --nocapture",
    "npm run build",
    "python3 train.py --epochs 20 --lr 0.001",
    "docker compose up --build api",
    "make -j8 all",
    "pytest -x tests/integration",
    "git log --oneline --graph",
    "terraform plan -out plan.bin",
    "go vet ./...",
    "bash scripts/deploy.sh staging eu-central-1",
];

/// Run number `n` of a year of work in 20 folders: one in 10 failed, one in 1,000 was lost.
fn run(n: u64) -> RunRecord {
    // Spreads the numbers, so that command, folder and outcome do not go together.
    let spread = |salt: u64| n.wrapping_add(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let program = PROGRAMS[usize::try_from(spread(1) % 10).unwrap()];
    let created = Timestamp::from_second(FIRST + i64::try_from(n).unwrap() * 300).unwrap();
    let outcome = match spread(2) % 1000 {
        0 => Outcome::Lost,
        1..=100 => Outcome::Failed { exit: Exit::Code(1) },
        _ => Outcome::Succeeded,
    };
    let spec: RunSpec = serde_json::from_value(serde_json::json!({
        "work": {"kind": "line", "line": format!("{program} --seed {n}")},
        "workspace": format!("/home/ada/projects/service-{}", spread(3) % 20),
        "labels": if n.is_multiple_of(50) { vec!["nightly"] } else { vec![] },
    }))
    .unwrap();
    RunRecord {
        id: id(n),
        spec: RunSpec {
            origin: if spread(4).is_multiple_of(3) { Origin::Window } else { Origin::CommandLine },
            ..spec
        },
        place: Place {
            mode: if spread(5).is_multiple_of(4) { Mode::Sandbox } else { Mode::Local },
            reason: "the default of your settings".to_owned(),
            rule: "user".to_owned(),
            program: Some("/bin/sh".into()),
            sandbox: None,
            cloud: None,
        },
        state: RunState::Ended(Ending { outcome, at: created + Duration::from_secs(20), usage: None }),
        created,
        started: Some(created),
        bytes: spread(6) % 100_000,
        pinned: n.is_multiple_of(1000),
        host: uuid::Uuid::nil(),
    }
}

fn id(n: u64) -> RunId {
    let at = uuid::Timestamp::from_unix(uuid::NoContext, FIRST.unsigned_abs() + n * 300, 0);
    uuid::Uuid::new_v7(at).to_string().parse().unwrap()
}

fn filters() -> Vec<(&'static str, Filter)> {
    let text = |text: &str| Filter { text: text.to_owned(), ..Filter::default() };
    let state = |state: &str| Filter { states: vec![state.to_owned()], ..Filter::default() };
    let workspace = |filter| Filter { workspace: Some("/home/ada/projects/service-7".into()), ..filter };
    let nowhere = |filter| Filter { workspace: Some("/home/ada/nowhere".into()), ..filter };
    vec![
        ("newest", Filter::default()),
        ("failed", state("failed")),
        ("lost", state("lost")),
        ("running, of which there are none", state("running")),
        ("one command by its number", text("seed 54321")),
        ("a word in every command", text("seed")),
        ("a word in every tenth command", text("terraform")),
        ("two words of two letters", text("go ev")),
        ("text with no match", text("kubectl")),
        ("short text with no match", text("qq")),
        ("text in a workspace", workspace(text("terraform plan"))),
        (
            "text in a workspace, lost",
            workspace(Filter { states: vec!["lost".to_owned()], ..text("terraform") }),
        ),
        ("a word in every command, no such workspace", nowhere(text("seed"))),
        ("no such workspace", nowhere(Filter::default())),
        ("a label that never was", Filter { labels: vec!["weekly".to_owned()], ..Filter::default() }),
        ("the last page", Filter { before: Some(id(50)), ..Filter::default() }),
    ]
}

fn history(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let history = History::open(&home).unwrap().history;
    let records: Vec<_> = (0..RUNS).map(run).collect();
    history.insert_all(&records).unwrap();

    let mut group = c.benchmark_group("history of 100,000 runs");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.bench_function("open", |b| b.iter(|| History::open(&home).unwrap()));
    for (name, filter) in filters() {
        group.bench_function(format!("list: {name}"), |b| {
            b.iter(|| history.list(black_box(&filter)).unwrap());
        });
    }
    for (name, filter) in filters().into_iter().take(6) {
        group.bench_function(format!("count: {name}"), |b| {
            b.iter(|| history.count(black_box(&filter)).unwrap());
        });
    }
    let last = records.last().unwrap().id.to_string();
    group.bench_function("resolve the end of an id", |b| b.iter(|| history.resolve(&last[28..]).unwrap()));
    let mut next = RUNS;
    group.bench_function("insert", |b| {
        b.iter(|| {
            history.insert(&run(next)).unwrap();
            next += 1;
        });
    });
    // The last to close it also folds the write-ahead log into the database, and the next makes a new one.
    drop(history);
    group.bench_function("open and close, alone", |b| b.iter(|| drop(History::open(&home).unwrap())));
    group.finish();
}

criterion_group!(benches, history);
criterion_main!(benches);
