//! What may be in a file, and what is said about the rest.

use super::*;
use crate::spec::Mode;

#[test]
fn files_without_settings_are_fine() {
    for text in
        ["", "\n\n", "# nothing\n", "---\n", "sandbox:\n", "sandbox:\n  # ttl: 5\nmode:\n", "{}", "\u{feff}"]
    {
        let desk = Desk::with_user(text);
        assert_eq!((desk.mistakes(), desk.warnings()), (vec![], vec![]), "{text:?}");
    }
}

#[test]
fn settings_are_found_however_they_are_written() {
    for text in [
        "mode: auto",
        "\u{feff}mode: auto\r\n",
        "---\nmode: 'auto'\n...\n",
        "{mode: auto}",
        "\"mode\": \"auto\" # why\n",
        "ui: {theme: &a dark}\nmode: auto\n",
        "mode: &m auto\nquick_runs: [{name: x, command: y, mode: *m}]\n",
    ] {
        assert_eq!(Desk::with_user(text).load().mode(), Mode::Auto, "{text:?}");
    }
    assert_eq!(Desk::with_user("sandbox.ttl: 7\n").load().get("sandbox.ttl").unwrap().shown(), "7");
}

#[test]
fn a_file_that_cannot_be_understood_is_named_with_its_line() {
    let aliases = (1..12).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let below = format!("*a{}, ", level - 1).repeat(10);
        format!("{text}a{level}: &a{level} [{below}]\n")
    });
    let cases: &[(&[u8], &str)] = &[
        (b"- mode\n", "config.yaml:1: a list is not settings"),
        (b"\n\nmode\n", "config.yaml:3: a lone text is not settings"),
        (b"mode: local\nmode: auto\n", "config.yaml:2: `mode` is there twice"),
        (
            b"sandbox.ttl: 1\nsandbox:\n  ttl: 2\n",
            "config.yaml:3: `sandbox.ttl` is there twice, first on line 1",
        ),
        (b"mode: local\n\xff\xfe\n", "config.yaml:2: this is not UTF-8"),
        (b"mode: local\n---\nmode: auto\n", "config.yaml:2: a second document begins"),
        (b"mode: !secret x\n", "config.yaml:1: tags such as `!name` mean nothing here"),
        (b"ui: &u {theme: dark}\nlocal:\n  <<: *u\n", "config.yaml:3: merge keys (`<<`) are not supported"),
        (b"? [a]\n: b\n", "config.yaml:1: the name of a setting is not a word"),
        (b"a: &a [*a]\n", "config.yaml:1: an alias stands inside of what it names"),
        (aliases.as_bytes(), "config.yaml:6: there are too many values"),
    ];
    for (text, said) in cases {
        assert_eq!(Desk::with_user(text).mistake(), *said);
    }
}

#[test]
fn a_file_cut_off_in_the_middle_is_named_with_its_line() {
    for text in
        ["mode: local\nsandbox: {ttl: 5", "mode: local\nui: {theme: \"da", "mode: local\nsandbox: [1,"]
    {
        let mistake = Desk::with_user(text).mistake();
        assert!(mistake.starts_with("config.yaml:2: this is not YAML: "), "{mistake}");
    }
}

#[test]
fn tabs_are_answered_with_what_to_do() {
    let desk = Desk::with_user("sandbox:\n\tttl: 5\n");
    let error = Config::load(&desk.sources).unwrap_err();
    assert!(desk.mistake().starts_with("config.yaml:2: this is not YAML"), "{error}");
    assert_eq!(hint(&error), "indent with spaces, not tabs");
}

#[test]
fn hostile_files_are_refused() {
    for unit in ["[", "- ", "? ", "{a: ", "a:\n", "*a ", "&a "] {
        let desk = Desk::with_user(unit.repeat((1 << 20) / unit.len()));
        assert_eq!(desk.mistakes().len(), 1, "{unit:?}");
    }
    let desk = Desk::with_user("#".repeat((1 << 20) + 1));
    assert_eq!(desk.mistake(), "config.yaml: is larger than 1 MiB");
}

#[test]
fn only_a_named_file_must_be_there() {
    let mut desk = Desk::new();
    assert_eq!(desk.mistakes(), Vec::<String>::new());
    desk.sources.user = UserFile::Named(desk.user());
    assert_eq!(desk.mistake(), "config.yaml: there is no such file");
}

#[test]
fn a_folder_in_place_of_the_file_is_a_mistake() {
    let desk = Desk::new();
    std::fs::create_dir(desk.user()).unwrap();
    assert!(desk.mistake().starts_with("config.yaml: cannot be read"), "{}", desk.mistake());
}
