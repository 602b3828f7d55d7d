//! Where a run would go, and which rule says so.

use stigmer_engine::config::{Environment, UserFile};
use stigmer_engine::engine::Engine;
use stigmer_engine::history::Filter;
use stigmer_engine::spec::Mode;

use crate::common::within;
use crate::desk::{Desk, outcome, run};

/// Where settings may come from, the weakest first, and what the reason for them says.
const LAYERS: [(&str, &str); 4] = [
    ("default", "default"),
    ("user", "config.yaml:1"),
    ("project", ".stigmer.yaml:1"),
    ("environment", "STIGMER_EXECUTION_MODE"),
];

/// An engine for which everything up to this layer says `local`, and what is below says `sandbox`.
async fn engine_with(desk: &Desk, layer: usize) -> Engine {
    let says = |at: usize| if at == layer { "local" } else { "sandbox" };
    let mut sources = desk.sources();
    if layer >= 1 {
        std::fs::write(desk.home.config(), format!("mode: {}\n", says(1))).unwrap();
    }
    if layer >= 2 {
        std::fs::write(desk.workspace.join(".stigmer.yaml"), format!("mode: {}\n", says(2))).unwrap();
    }
    if layer >= 3 {
        sources.environment = Environment::from_iter([("STIGMER_EXECUTION_MODE", says(3))]);
    }
    within(Engine::open(desk.home.clone(), sources)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strongest_layer_decides_and_is_named() {
    for (layer, (rule, reason)) in LAYERS.into_iter().enumerate() {
        let desk = Desk::new();
        let engine = engine_with(&desk, layer).await;
        let place = engine.place(&desk.line("true")).unwrap();
        assert_eq!((place.mode, place.rule.as_str()), (Mode::Local, rule));
        assert!(place.reason.ends_with(reason), "{}", place.reason);
        let record = run(&engine, desk.line("true")).await;
        assert_eq!(record.place, place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_is_stronger_than_every_setting() {
    let desk = Desk::with("mode: sandbox\n");
    let engine = desk.open().await;
    let mut spec = desk.line("exit 3");
    spec.target.mode = Some(Mode::Local);
    assert_eq!(engine.place(&spec).unwrap().rule, "option");
    assert_eq!(outcome(&run(&engine, spec).await).exit_code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_where_runs_nothing_and_checks_as_a_start_does() {
    let desk = Desk::new();
    let engine = desk.open().await;
    engine.place(&desk.line("echo >ran")).unwrap();
    assert_eq!(engine.place(&desk.line("")).unwrap_err().code(), "invalid-spec");
    let mut elsewhere = desk.line("true");
    elsewhere.target.mode = Some(Mode::Auto);
    let asked = engine.place(&elsewhere).map(drop).map_err(|error| error.code());
    let started = within(engine.start(elsewhere)).await.map(drop).map_err(|error| error.code());
    assert_eq!(asked, started);
    assert_eq!(within(engine.list(Filter::default())).await.unwrap(), []);
    assert!(!desk.workspace.join("ran").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_read_anew_for_each_run() {
    let desk = Desk::new();
    let engine = desk.open().await;
    assert_eq!(outcome(&run(&engine, desk.line("exit 3")).await).exit_code(), Some(3));
    std::fs::write(desk.home.config(), "mode: nowhere\n").unwrap();
    let error = within(engine.start(desk.line("true"))).await.unwrap_err();
    assert_eq!(error.code(), "config");
    std::fs::write(desk.home.config(), "local: { shell: /bin/false }\n").unwrap();
    assert_eq!(outcome(&run(&engine, desk.line("exit 3")).await).exit_code(), Some(1));
    assert!(matches!(desk.sources().user, UserFile::Usual(_)));
}
