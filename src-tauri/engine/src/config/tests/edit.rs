//! Changing a file leaves the rest of it alone.

use proptest::prelude::*;

use super::super::{set, unset};
use super::*;

#[test]
fn set_keeps_everything_else_byte_for_byte() {
    for (before, name, value, after) in [
        ("", "mode", "auto", "mode: auto\n"),
        ("# mine\n", "mode", "auto", "# mine\nmode: auto\n"),
        ("mode: local # why\nui: {}\n", "mode", "auto", "mode: auto # why\nui: {}\n"),
        ("mode: 'local'   # ü\n", "mode", "auto", "mode: auto   # ü\n"),
        ("mode: \"lo\\x63al\" # \"x\"\n", "mode", "auto", "mode: auto # \"x\"\n"),
        ("mode:\nui:\n", "mode", "auto", "mode: auto\nui:\n"),
        ("mode: # later\n", "mode", "auto", "mode: auto # later\n"),
        ("mode: ~\n", "mode", "auto", "mode: auto\n"),
        ("mode: local", "mode", "auto", "mode: auto"),
        (
            "# a\nsandbox:\n  # b\n  ttl: 5 # c\n\n  warm: 2\n",
            "sandbox.ttl",
            "2h",
            "# a\nsandbox:\n  # b\n  ttl: 2h # c\n\n  warm: 2\n",
        ),
        (
            "sandbox:\n    ttl: 5 # c\n# end\nmode: auto\n",
            "sandbox.warm",
            "3",
            "sandbox:\n    ttl: 5 # c\n    warm: 3\n# end\nmode: auto\n",
        ),
        (
            "sandbox:  # empty\nmode: auto\n",
            "sandbox.warm",
            "3",
            "sandbox:  # empty\n  warm: 3\nmode: auto\n",
        ),
        ("sandbox: ~\nmode: auto\n", "sandbox.warm", "3", "sandbox:\n  warm: 3\nmode: auto\n"),
        ("mode: auto\n\n# end\n", "sandbox.warm", "3", "mode: auto\n\n# end\nsandbox:\n  warm: 3\n"),
        ("mode: auto", "sandbox.warm", "3", "mode: auto\nsandbox:\n  warm: 3"),
        ("sandbox:\n  ttl: 5", "sandbox.warm", "3", "sandbox:\n  ttl: 5\n  warm: 3"),
        (
            "mode: auto\r\nsandbox:\r\n  ttl: 5 # ö\r\n",
            "sandbox.ttl",
            "6",
            "mode: auto\r\nsandbox:\r\n  ttl: 6 # ö\r\n",
        ),
        ("mode: auto\r\n", "sandbox.ttl", "6", "mode: auto\r\nsandbox:\r\n  ttl: 6\r\n"),
        ("sandbox: {ttl: 5, warm: 1} # x\n", "sandbox.ttl", "6", "sandbox: {ttl: 6, warm: 1} # x\n"),
        ("sandbox: {ttl: 5 } # x\n", "sandbox.warm", "2", "sandbox: {ttl: 5, warm: 2 } # x\n"),
        ("sandbox: {}\n", "sandbox.warm", "2", "sandbox: {warm: 2}\n"),
        ("{mode: auto}\n", "sandbox.warm", "2", "{mode: auto, sandbox: {warm: 2}}\n"),
        ("sandbox.ttl: 5\n", "sandbox.ttl", "6", "sandbox.ttl: 6\n"),
        (
            "sandbox:\n  dns: # ours\n  - a # one\n  - b\n  ttl: 5\n",
            "sandbox.dns",
            "c,d",
            "sandbox:\n  dns: [c, d] # ours\n  ttl: 5\n",
        ),
        ("sandbox:\n  dns:\n    - a\n    - 'b' # two", "sandbox.dns", "c", "sandbox:\n  dns: [c]"),
        (
            "sandbox:\n  env:\n    A: 1\n\n  ttl: 5\n",
            "sandbox.env",
            "B=2",
            "sandbox:\n  env: {B: 2}\n\n  ttl: 5\n",
        ),
        (
            "local:\n  shell: |\n    bash\n\nmode: auto\n",
            "local.shell",
            "zsh",
            "local:\n  shell: zsh\n\nmode: auto\n",
        ),
        ("\u{feff}mode: local\n", "mode", "auto", "\u{feff}mode: auto\n"),
        ("---\nmode: local\n", "sandbox.ttl", "5", "---\nmode: local\nsandbox:\n  ttl: 5\n"),
        ("  mode: local\n", "sandbox.ttl", "5", "  mode: local\n  sandbox:\n    ttl: 5\n"),
        ("what: ever\nmode: wrong\n", "mode", "auto", "what: ever\nmode: auto\n"),
        ("", "local.shell", "a: b # c", "local:\n  shell: \"a: b # c\"\n"),
        ("", "local.shell", "null", "local:\n  shell: \"null\"\n"),
    ] {
        let desk = Desk::with_user(before);
        set(&desk.user(), name, value).unwrap_or_else(|error| panic!("{before:?}: {error}"));
        assert_eq!(read(&desk.user()), after, "{before:?}");
    }
}

#[test]
fn unset_keeps_everything_else_byte_for_byte() {
    for (before, name, after) in [
        ("mode: auto\n", "mode", ""),
        ("# a\nmode: auto # b\n# c\n", "mode", "# a\n# c\n"),
        ("sandbox:\n  ttl: 5\n  warm: 1\n", "sandbox.ttl", "sandbox:\n  warm: 1\n"),
        ("sandbox:\n  ttl: 5\n\nmode: auto\n", "sandbox.ttl", "\nmode: auto\n"),
        ("sandbox:\n  # keep\n  ttl: 5\nmode: auto\n", "sandbox.ttl", "sandbox:\n  # keep\nmode: auto\n"),
        ("mode: auto\nsandbox:\n  ttl: 5", "sandbox.ttl", "mode: auto"),
        ("mode: auto\r\nsandbox:\r\n  ttl: 5\r\n", "sandbox.ttl", "mode: auto\r\n"),
        ("sandbox: {ttl: 5, warm: 1}\n", "sandbox.ttl", "sandbox: {warm: 1}\n"),
        ("sandbox: {ttl: 5, warm: 1}\n", "sandbox.warm", "sandbox: {ttl: 5}\n"),
        ("sandbox:\n  dns:\n  - a\n  - b # x\n  ttl: 5\n", "sandbox.dns", "sandbox:\n  ttl: 5\n"),
        ("daytona:\n  api_key: hush\n  cpu: 2\n", "daytona.api_key", "daytona:\n  cpu: 2\n"),
    ] {
        let desk = Desk::with_user(before);
        assert!(unset(&desk.user(), name).unwrap(), "{before:?}");
        assert_eq!(read(&desk.user()), after, "{before:?}");
        assert!(!unset(&desk.user(), name).unwrap(), "{before:?}");
        assert_eq!(read(&desk.user()), after, "{before:?}");
    }
}

#[test]
fn what_must_not_be_written_is_refused_and_changes_nothing() {
    for (before, name, value, said) in [
        ("", "sandbox.tll", "5", "there is no setting `sandbox.tll`"),
        ("", "ui.theme", "pink", "`ui.theme` must be `system`, `light` or `dark`, not \"pink\""),
        ("", "daytona.api_key", "x", "`daytona.api_key` is not written to a file"),
        (
            "mode: [\n",
            "mode",
            "auto",
            "config.yaml:1: this is not YAML: while parsing a node, did not find expected node content",
        ),
        ("- a\n", "mode", "auto", "config.yaml:1: a list is not settings"),
        (
            "sandbox: 5\n",
            "sandbox.ttl",
            "5",
            "config.yaml: `sandbox.ttl` cannot be changed without touching what stands around it",
        ),
        (
            "x: &x {ttl: 5}\nsandbox: *x\n",
            "sandbox.ttl",
            "6",
            "config.yaml: `sandbox.ttl` cannot be changed without touching what stands around it",
        ),
        (
            "mode: &m auto\nquick_runs: [{name: x, command: y, mode: *m}]\n",
            "mode",
            "local",
            "config.yaml: `mode` cannot be changed without touching what stands around it",
        ),
    ] {
        let desk = Desk::with_user(before);
        let error = set(&desk.user(), name, value).unwrap_err();
        assert_eq!(desk.without_folder(&error.to_string()), said);
        assert_eq!(read(&desk.user()), before);
        assert_eq!(std::fs::read_dir(desk.folder.path()).unwrap().count(), 2, "a draft was left behind");
    }
}

#[cfg(unix)]
#[test]
fn new_files_are_private_and_old_ones_keep_their_mode_and_their_link() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let desk = Desk::new();
    let fresh = desk.folder.path().join("new/config.yaml");
    set(&fresh, "mode", "auto").unwrap();
    assert_eq!((mode(&fresh), mode(fresh.parent().unwrap())), (0o600, 0o700));

    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("new/config.yaml", desk.user()).unwrap();
    set(&desk.user(), "mode", "local").unwrap();
    assert_eq!((mode(&fresh), read(&fresh)), (0o640, "mode: local\n".to_owned()));
    assert!(std::fs::symlink_metadata(desk.user()).unwrap().is_symlink());

    std::fs::remove_file(&fresh).unwrap();
    set(&desk.user(), "mode", "auto").unwrap();
    assert_eq!(read(&fresh), "mode: auto\n");
}

/// Files in the ways that people write them.
fn some_file() -> impl Strategy<Value = String> {
    let line =
        prop_oneof![Just("# a comment: {x"), Just(""), Just("mode: auto  # why"), Just("what: 'e''ver'"),];
    let inner = prop_oneof![
        Just("  ttl: 5 # ü"),
        Just("  env: {A: 1}"),
        Just("  dns:\n  - a\n  - b"),
        Just(""),
        Just("    # deep"),
        Just("  image: \"a#b\""),
    ];
    let section =
        (proptest::collection::hash_set(inner, 0..6), prop_oneof![Just("sandbox:"), Just("sandbox: # s")])
            .prop_map(|(inner, head)| {
                let mut lines: Vec<_> = inner.into_iter().collect();
                if !lines.iter().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
                    lines.insert(0, head);
                }
                lines
            });
    (proptest::collection::hash_set(line, 0..5), section, any::<bool>(), any::<bool>()).prop_map(
        |(lines, section, crlf, end)| {
            let mut lines: Vec<_> = lines.into_iter().collect();
            lines.extend(section);
            let mut text = lines.join("\n");
            if end && !text.is_empty() {
                text.push('\n');
            }
            if crlf { text.replace('\n', "\r\n") } else { text }
        },
    )
}

fn some_setting() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![
        (0u64..100_000).prop_map(|seconds| ("sandbox.ttl", seconds.to_string())),
        "[ -~ü\n\t]{0,12}[!-~]".prop_map(|text| ("local.shell", text)),
        "[ -~ü\n\t]{0,12}[!-~]".prop_map(|text| ("sandbox.image", text)),
        proptest::collection::vec("[a-z0-9.:]{1,8}", 1..4).prop_map(|items| ("sandbox.dns", items.join(","))),
        prop_oneof![Just("local"), Just("cloud"), Just("auto")].prop_map(|mode| ("mode", mode.to_owned())),
        (1u64..1 << 50).prop_map(|bytes| ("logs.max_run_size", bytes.to_string())),
    ]
}

/// Pieces of YAML in no order: mostly not settings, sometimes settings written in the oddest ways.
fn some_soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "mode",
        "sandbox",
        "ttl",
        "warm",
        "dns",
        ":",
        ": ",
        "- ",
        "? ",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "#",
        " # c",
        "&a ",
        "*a",
        "!t ",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "ü",
        "5",
        "~",
        "---\n",
        "...\n",
        "\t",
        "sandbox:\n",
        "  ttl: 5\n",
        "mode: auto\n",
        "sandbox: {",
        "\\",
        "\u{feff}",
    ]);
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_odd_file_is_edited_rightly_or_not_at_all(text in some_soup(), name in prop::sample::select(vec!["mode", "sandbox.ttl", "sandbox.dns"])) {
        let desk = Desk::with_user(&text);
        let value = if name == "mode" { "auto" } else { "7" };
        if set(&desk.user(), name, value).is_err() {
            prop_assert_eq!(read(&desk.user()), text);
        } else {
            let findings = check(&desk.sources);
            prop_assert!(!findings.problems.iter().any(|error| error.to_string().contains(name)), "{:?}", findings);
            if unset(&desk.user(), name).is_ok() {
                prop_assert!(!unset(&desk.user(), name).unwrap());
            }
        }
    }

    #[test]
    fn what_is_set_is_loaded_and_unset_restores(text in some_file(), (name, value) in some_setting()) {
        let desk = Desk::with_user(&text);
        let was_there = unset(&desk.user(), name).unwrap();
        let without = read(&desk.user());
        prop_assert!(was_there || without == text);

        set(&desk.user(), name, &value).unwrap();
        let mut wanted = Desk::new();
        wanted.option(name, &value);
        let (loaded, wanted) = (desk.load(), wanted.load());
        prop_assert_eq!(&loaded.get(name).unwrap().value, &wanted.get(name).unwrap().value);

        prop_assert!(unset(&desk.user(), name).unwrap());
        let restored = read(&desk.user());
        // A section without settings goes with the last one that was in it.
        prop_assert!(restored == without || without.contains("sandbox:"), "{:?} {:?}", without, restored);
    }
}
