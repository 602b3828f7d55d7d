//! What each kind of setting accepts.

use super::super::{KEYS, Value, find};
use super::*;

/// A setting, a way to write it in a file, and how it is shown; `None` where it is refused.
const CASES: &[(&str, &str, Option<&str>)] = &[
    ("mode", "auto", Some("auto")),
    ("mode", "cloud", Some("daytona")),
    ("mode", "Local", None),
    ("mode", "[local]", None),
    ("sandbox.cleanup", "no", Some("false")),
    ("sandbox.cleanup", "\"TRUE\"", Some("true")),
    ("sandbox.cleanup", "2", None),
    ("sandbox.pids", "100", Some("100")),
    ("sandbox.pids", "0", None),
    ("sandbox.pids", "+5", None),
    ("sandbox.pids", "1.5", None),
    ("sandbox.cpus", "1.5", Some("1.5")),
    ("sandbox.cpus", "nan", None),
    ("sandbox.cpus", "-1", None),
    ("sandbox.ttl", "2h", Some("7200")),
    ("sandbox.ttl", "-5", None),
    ("daytona.auto_stop", "90s", Some("90s")),
    ("daytona.auto_stop", "30", Some("30")),
    ("logs.max_run_size", "512 MiB", Some("512 MiB")),
    ("logs.max_run_size", "1073741824", Some("1 GiB")),
    ("logs.max_run_size", "0", None),
    ("sandbox.image", "alpine:3", Some("alpine:3")),
    ("sandbox.image", "'  '", None),
    ("sandbox.image", "{a: b}", None),
    ("sandbox.snapshot_id", "123", Some("123")),
    ("ui.theme", "dark", Some("dark")),
    ("ui.theme", "pink", None),
    ("sandbox.dns", "[1.1.1.1, 8.8.8.8]", Some("[1.1.1.1, 8.8.8.8]")),
    ("sandbox.dns", "1.1.1.1", None),
    ("mcp.modes", "[sandbox, lunar]", None),
    ("sandbox.env", "{A: 1, B: 'x y', C: }", Some("{A: 1, B: x y, C: \"\"}")),
    ("sandbox.env", "{A: [1]}", None),
    ("sandbox.env", "[A]", None),
    ("auto.rules", "[{command: make *, mode: local}]", Some("[{command: \"make *\", mode: local}]")),
    ("auto.rules", "[{command: make}]", None),
    ("auto.rules", "[{command: make, mode: daytona}]", None),
    (
        "quick_runs",
        "[{name: t, command: cargo test, mode: cloud}]",
        Some("[{command: cargo test, mode: daytona, name: t}]"),
    ),
    ("quick_runs", "[{name: t, comand: x}]", None),
    ("quick_runs", "[test]", None),
];

#[test]
fn every_kind_accepts_what_fits_and_refuses_the_rest() {
    for (name, text, shown) in CASES {
        let desk = Desk::with_user(format!("# a comment\n{name}: {text}\n"));
        if let Some(shown) = shown {
            assert_eq!(desk.load().get(name).unwrap().shown(), *shown, "{name}: {text}");
            continue;
        }
        let mistake = desk.mistake();
        assert!(mistake.starts_with(&format!("config.yaml:2: `{name}")), "{mistake}");
        assert!(mistake.contains("must be"), "{mistake}");
    }
}

#[test]
fn every_kind_has_a_case_that_fits() {
    for key in KEYS.iter().filter(|key| !key.is_secret()) {
        let same =
            |name| std::mem::discriminant(&find(name).unwrap().kind) == std::mem::discriminant(&key.kind);
        assert!(CASES.iter().any(|(name, _, shown)| shown.is_some() && same(name)), "{}", key.name);
    }
}

#[test]
fn what_is_shown_is_understood_as_the_same() {
    for (name, _, shown) in CASES {
        let Some(shown) = shown else { continue };
        let mut desk = Desk::new();
        desk.option(name, shown);
        assert_eq!(desk.load().get(name).unwrap().shown(), *shown, "{name}");
    }
}

#[test]
fn lists_and_maps_are_understood_as_one_text() {
    for (name, text, shown) in [
        ("sandbox.dns", "1.1.1.1, 8.8.8.8", "[1.1.1.1, 8.8.8.8]"),
        ("sandbox.dns", "", "[]"),
        ("sandbox.env", "A=1,B=x=y", "{A: 1, B: x=y}"),
    ] {
        let mut desk = Desk::new();
        desk.option(name, text);
        assert_eq!(desk.load().get(name).unwrap().shown(), shown, "{text}");
    }
    let mut desk = Desk::new();
    desk.option("sandbox.env", "A");
    assert_eq!(desk.mistake(), "`sandbox.env` must be names with a text each, not \"A\"");
}

#[test]
fn a_part_that_does_not_fit_is_named_with_its_own_line() {
    let desk = Desk::with_user(
        "quick_runs:\n  - name: a\n    command: x\n  - name: b\n    command: x\n    mode: moon\n",
    );
    assert_eq!(
        desk.mistake(),
        "config.yaml:6: `quick_runs[2].mode` must be `local`, `sandbox`, `daytona` or `auto`, not \"moon\""
    );
}

#[test]
fn the_table_is_sound() {
    for (index, key) in KEYS.iter().enumerate() {
        assert!(KEYS[..index].iter().all(|other| other.name != key.name), "{} is there twice", key.name);
        assert!(!key.doc.ends_with('.') && !key.doc.contains('|'), "{}", key.name);
        if let Some(default) = key.default {
            assert!(key.kind.read_text(default).is_ok(), "default of {}", key.name);
        }
        assert!(key.kind.read_text(&key.kind.example()).is_ok(), "example of {}", key.name);
    }
}

#[test]
fn values_are_passed_on_in_their_own_types() {
    let desk = Desk::with_user(
        "sandbox: {ttl: 1m, memory: 2 KiB, cpus: 0.5, read_only: yes, dns: [a], env: {A: b}}\n",
    );
    let config = desk.load();
    let json = |name| serde_json::to_value(config.get(name).unwrap()).unwrap()["value"].clone();
    assert_eq!(config.time("sandbox.ttl").unwrap().as_secs(), 60);
    assert_eq!((json("sandbox.ttl"), json("sandbox.memory")), (60.into(), 2048.into()));
    assert_eq!((config.size("sandbox.memory"), config.number("sandbox.cpus")), (Some(2048), Some(0.5)));
    assert_eq!(config.flag("sandbox.read_only"), Some(true));
    assert_eq!(config.list("sandbox.dns"), [Value::Text("a".to_owned())]);
    assert_eq!(config.texts("sandbox.env")["A"], "b");
}
