//! `stigmer secret` and `stigmer run --secret`: kept in the keychain, masked wherever they would be seen.
//!
//! A real Secret Service: gnome-keyring on a D-Bus session of its own. Without the programs a test says `SKIPPED`,
//! and fails if `STIGMER_TEST_REQUIRE_ALL=1`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;

use harness::Home;

/// Runs a shell script with an unlocked keyring, `$stigmer` being the program; `None` where there is no keyring.
fn with_keyring(test: &str, home: &Home, script: &str) -> Option<String> {
    harness::keyring::unlocked(test, home, &[], script)
}

#[test]
fn secrets_are_set_from_standard_input_listed_without_values_and_removed() {
    let home = Home::new();
    let script = r#"
        printf 'one' | "$stigmer" secret set TOKEN
        echo 'two' | "$stigmer" secret set KEY
        "$stigmer" secret list
        "$stigmer" secret list --json
        "$stigmer" run --secret KEY --secret TOKEN 'test "$KEY-$TOKEN" = two-one' && echo same
        "$stigmer" secret rm KEY TOKEN
        "$stigmer" secret list
        "$stigmer" secret rm KEY 2>err || echo $?
        "$stigmer" run --secret KEY 'touch ran' 2>>err || echo $?"#;
    let Some(out) = with_keyring("secrets_are_set_listed_and_removed", &home, script) else { return };
    assert_eq!(out, "KEY\nTOKEN\n[\"KEY\",\"TOKEN\"]\nsame\n125\n125\n");
    let err = fs::read_to_string(home.work().join("err")).unwrap();
    assert_eq!(err.matches("[secret-not-found]").count(), 2, "{err}");
    assert!(!home.work().join("ran").exists());
}

#[test]
fn the_value_of_a_secret_is_seen_by_the_program_alone() {
    let home = Home::new();
    // The value is put together here, so that no file but the keyring's has it in one piece.
    let script = r#"
        value="hunter""2-and-more"
        printf %s "$value" | "$stigmer" secret set TOKEN
        line='printf %s "$TOKEN" | wc -c; echo "<$TOKEN>"; echo "<$TOKEN>" >&2
            printf "cut ${TOKEN%????}"; sleep 0.2; echo "${TOKEN#????????????}"'
        "$stigmer" run --secret TOKEN "$line; grep -lazs '[h]unter2-and-more' /proc/[0-9]*/cmdline; true" 2>&1
        "$stigmer" run --json --secret TOKEN "$line"
        "$stigmer" run --tty --secret TOKEN "$line"
        "$stigmer" runs logs
        "$stigmer" runs export --format json
        echo searched
        grep -r "$value" "$STIGMER_HOME" || true"#;
    let Some(out) = with_keyring("the_value_of_a_secret_is_seen_by_the_program_alone", &home, script) else {
        return;
    };
    assert!(!out.contains("hunter2") && !out.contains("-and-more"), "{out}");
    assert!(out.starts_with("16\n<") && out.contains("cut "), "the program had it: {out}");
    assert!(out.ends_with("searched\n") && !out.contains("/proc/"), "{out}");
}

#[test]
fn a_secret_is_given_to_a_detached_run_and_again_to_its_repetition() {
    let home = Home::new();
    let script = r#"
        printf 'long enough' | "$stigmer" secret set TOKEN
        id=$("$stigmer" run --detach --secret TOKEN 'test "$TOKEN" = "long enough" && echo had "it: $TOKEN"')
        "$stigmer" runs logs -f "$id"
        "$stigmer" runs rerun "$id""#;
    let Some(out) = with_keyring("a_secret_is_given_to_a_detached_run", &home, script) else { return };
    assert_eq!(out.matches("had it: ").count(), 2, "{out}");
    assert!(!out.contains("long enough"));
}

#[test]
fn a_name_that_is_no_variable_is_refused() {
    let home = Home::new();
    for name in ["a-b", "1A", "", "A B"] {
        let ended = home.stigmer(["secret", "set", name]).stdin("value").ended().expect(125);
        assert!(ended.err().contains("hint: "), "{}", ended.err());
    }
    home.stigmer(["run", "--secret", "a-b", "true"]).ended().expect(125);
    assert!(home.history().is_empty());
}

#[test]
fn without_a_keychain_the_words_say_so() {
    let home = Home::new();
    home.stigmer(["secret", "list"]).ended().expect(125).expect_error("keychain-absent");
    home.stigmer(["secret", "set", "A"]).stdin("value").ended().expect(125).expect_error("keychain-absent");
    let ended = home.stigmer(["run", "--secret", "A", "touch ran"]).ended().expect(125);
    assert!(ended.err().contains("[keychain-absent]"), "{}", ended.err());
    assert!(!home.work().join("ran").exists());
    // Whoever needs no secret does not notice.
    home.run("true").ended().expect(0);
}
