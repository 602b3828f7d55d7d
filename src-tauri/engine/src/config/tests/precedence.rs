//! Which source wins.

use super::super::{Guard, Origin, Which, nearest};
use super::*;
use crate::spec::Mode;

#[test]
fn each_source_wins_over_all_weaker_ones() {
    let mut desk = Desk::new();
    let ttl = |desk: &Desk| {
        let config = desk.load();
        let setting = config.get("sandbox.ttl").unwrap();
        (setting.shown(), setting.origin.clone())
    };
    let file = |path, line, which| Origin::File { path, line, which };

    assert_eq!(ttl(&desk), ("3600".to_owned(), Origin::Default));
    std::fs::write(desk.user(), "sandbox:\n  ttl: 1\n").unwrap();
    assert_eq!(ttl(&desk), ("1".to_owned(), file(desk.user(), 2, Which::User)));
    std::fs::write(desk.project(), "# ours\nsandbox:\n  ttl: 2\n").unwrap();
    assert_eq!(ttl(&desk), ("2".to_owned(), file(desk.project(), 3, Which::Project)));
    desk.variable("STIGMER_SANDBOX_TTL", "3");
    assert_eq!(ttl(&desk), ("3".to_owned(), Origin::Environment { variable: "STIGMER_SANDBOX_TTL" }));
    desk.option("sandbox.ttl", "4");
    assert_eq!(ttl(&desk), ("4".to_owned(), Origin::Option));
}

#[test]
fn the_file_of_older_versions_is_valid_with_one_warning() {
    let desk = Desk::with_user(
        "mode: cloud\nsandbox:\n  type: daytona\n  snapshot_id: snapshot-abc123def456\n\
         daytona:\n  api_key: your-api-key      # accepted\n",
    );
    let config = desk.load();
    assert_eq!(config.mode(), Mode::Daytona);
    assert_eq!(config.text("sandbox.snapshot_id"), Some("snapshot-abc123def456"));
    assert_eq!(config.secret("daytona.api_key").unwrap().expose(), "your-api-key");
    assert_eq!(
        desk.warnings(),
        ["config.yaml:6: `daytona.api_key` stands in a plain file; \
         `stigmer auth login --from-config` moves it into the keychain"]
    );
}

#[test]
fn the_api_key_is_never_shown() {
    let mut desk = Desk::with_user("daytona:\n  api_key: hush-hush\n");
    let shows_nothing = |desk: &Desk| {
        let config = desk.load();
        let setting = config.get("daytona.api_key").unwrap();
        let json = serde_json::to_string(setting).unwrap();
        let all = format!("{config:?} {setting:?} {:?} {} {json}", desk.sources, setting.shown());
        assert!(!all.contains("hush"), "{all}");
    };
    shows_nothing(&desk);
    desk.variable("DAYTONA_API_KEY", "hush-variable");
    shows_nothing(&desk);
    desk.option("daytona.api_key", "hush-option");
    shows_nothing(&desk);

    let desk = Desk::with_user("daytona:\n  api_key: [hush-hush]\n");
    assert_eq!(desk.mistake(), "config.yaml:2: `daytona.api_key` must be a text, not a list");
}

#[test]
fn older_names_of_modes_are_understood() {
    for (variable, value, mode) in [
        ("STIGMER_EXECUTION_MODE", "sandbox", Mode::Sandbox),
        ("STIGMER_EXECUTION_MODE", "", Mode::Local),
        ("MODE", "cloud", Mode::Daytona),
        ("MODE", "production", Mode::Local),
    ] {
        let mut desk = Desk::new();
        desk.variable(variable, value);
        assert_eq!(desk.load().mode(), mode, "{variable}={value}");
    }
    let mut desk = Desk::new();
    desk.sources.environment = [("MODE", "cloud"), ("STIGMER_EXECUTION_MODE", "auto")].into_iter().collect();
    assert_eq!(desk.load().mode(), Mode::Auto);
}

#[test]
fn the_nearest_project_file_counts() {
    let desk = Desk::new();
    std::fs::write(desk.project(), "mode: auto\n").unwrap();
    assert_eq!(desk.load().mode(), Mode::Auto);
    std::fs::write(desk.sources.workspace.as_ref().unwrap().join(".stigmer.yaml"), "mode: sandbox\n")
        .unwrap();
    assert_eq!(desk.load().mode(), Mode::Sandbox);
}

#[test]
fn a_project_cannot_decide_what_is_the_users_alone() {
    let desk = Desk::with_user("local:\n  guard: workspace\n");
    std::fs::write(desk.project(), "local: {guard: off, shell: ./trap}\ndaytona: {api_url: https://evil}\n")
        .unwrap();
    let config = desk.load();
    assert_eq!((config.guard(), config.shell()), (Guard::Workspace, None));
    assert_eq!(config.text("daytona.api_url"), None);
    assert_eq!(desk.warnings().len(), 3);
}

#[test]
fn the_limits_of_logs_have_defaults() {
    let logs = Desk::new().load().logs();
    assert_eq!((logs.max_run_size, logs.max_total_size), (1 << 30, 5 << 30));
    assert_eq!(logs.retention.as_secs(), 30 * 86_400);
}

#[test]
fn a_misspelt_name_is_answered_with_the_nearest() {
    for (name, near) in [
        ("sandbox.tll", Some("sandbox.ttl")),
        ("sandbx", Some("sandbox")),
        ("modes", Some("mode")),
        ("ttl", Some("sandbox.ttl")),
        ("daytona.api_kye", Some("daytona.api_key")),
        ("weather.tomorrow", None),
    ] {
        assert_eq!(nearest(name), near, "{name}");
    }
    let error = Desk::new().load().get("sandbox.tll").unwrap_err();
    assert_eq!(hint(&error), "did you mean `sandbox.ttl`?");
    let error = Desk::new().load().get("sandbox").unwrap_err();
    assert_eq!(error.to_string(), "`sandbox` is a section of settings");
}

#[test]
fn all_mistakes_of_all_sources_are_collected() {
    let mut desk = Desk::with_user("mode: lunar\nsandbox:\n  ttl: soon\n  imge: x\nlogs: 5\n");
    std::fs::write(desk.project(), "sandbox: [\n").unwrap();
    desk.variable("STIGMER_SANDBOX_CLEANUP", "perhaps");
    desk.option("ui.font_size", "200");
    desk.option("ui.fnt_size", "12");
    assert_eq!(
        desk.mistakes(),
        [
            "config.yaml:1: `mode` must be `local`, `sandbox`, `daytona` or `auto`, not \"lunar\"",
            "config.yaml:3: `sandbox.ttl` must be a number of seconds, or a time such as `90s`, `15m`, `2h`, \
             not \"soon\"",
            "config.yaml:5: `logs` must be a section of settings",
            "project/.stigmer.yaml:1: this is not YAML: while parsing a node, did not find expected node content",
            "STIGMER_SANDBOX_CLEANUP: `sandbox.cleanup` must be `true` or `false`, not \"perhaps\"",
            "`ui.font_size` must be a whole number from 8 to 32, not \"200\"",
            "there is no setting `ui.fnt_size`",
        ]
    );
    assert_eq!(
        desk.warnings(),
        ["config.yaml:4: `sandbox.imge` is not a setting; did you mean `sandbox.image`?"]
    );
}
