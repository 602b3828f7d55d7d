//! `stigmer auth` with a real keychain.

use std::fs;

use daytona_double::{Effect, Fault};

use crate::harness::keyring;
use crate::sky::{KEY, Sky};

#[test]
fn a_key_is_tested_kept_used_and_removed() {
    let sky = Sky::new();
    let url = sky.double.url();
    let script = r#"
        printf ' %s\n' "$key" | "$stigmer" --verbose auth login 2>&1
        "$stigmer" auth status --json
        "$stigmer" snapshot list | head -1
        "$stigmer" secret list
        "$stigmer" --verbose auth logout 2>&1
        "$stigmer" auth status || echo $?
        "$stigmer" --verbose auth logout 2>&1
        grep -rl "$key" "$STIGMER_HOME" || echo nowhere"#;
    let set = [("DAYTONA_API_URL", url.as_str()), ("key", KEY)];
    let Some(out) = keyring::unlocked("a_key_is_tested_kept_used_and_removed", &sky.home, &set, script)
    else {
        return;
    };
    assert!(!out.contains(KEY), "{out}");
    let told = [
        "the key `double` works",
        "it may do all that is needed",
        "the key is in the keychain",
        r#""source":"keychain","key":"dtn_…sky7""#,
        "SNAPSHOT",
        "the key is removed from the keychain",
        "no key",
        "1\nthe keychain had no key\nnowhere",
    ];
    let mut rest = out.as_str();
    for part in told {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("no {part:?} in {rest}")).1;
    }
}

#[test]
fn a_key_that_does_not_work_is_not_kept() {
    let sky = Sky::new();
    sky.double.fault(Fault::once("GET", "/api/config", Effect::html(200)));
    let url = sky.double.url();
    let script = r#"
        printf %s "$key" | "$stigmer" auth login 2>&1 || echo $?
        printf %s dtn_another_one_that_is_wrong | "$stigmer" auth login 2>&1 || echo $?
        printf 'two words' | "$stigmer" auth login 2>&1 || echo $?
        "$stigmer" auth status || echo $?
        printf %s dtn_untested_and_long_enough_1234 | "$stigmer" auth login --no-test
        "$stigmer" auth status --no-test --json"#;
    let set = [("DAYTONA_API_URL", url.as_str()), ("key", KEY)];
    let Some(out) = keyring::unlocked("a_key_that_does_not_work_is_not_kept", &sky.home, &set, script) else {
        return;
    };
    assert!(!out.contains(KEY) && !out.contains("dtn_another") && !out.contains("dtn_untested"), "{out}");
    for part in ["[daytona-wrong-address]\n125", "[daytona-key-refused]\n125", "[usage]\n125", "no key"] {
        assert!(out.contains(part), "no {part:?}: {out}");
    }
    assert!(out.contains("the key was not kept") && out.contains("dtn_…1234"), "{out}");
}

#[test]
fn a_key_moves_from_the_settings_file_into_the_keychain() {
    let sky = Sky::new();
    fs::create_dir_all(sky.home.data()).unwrap();
    let file = sky.home.data().join("config.yaml");
    let text =
        format!("# mine\nmode: local\ndaytona:\n  api_key: {KEY} # old\n  api_url: {}\n", sky.double.url());
    fs::write(&file, text).unwrap();
    let script = r#"
        "$stigmer" --verbose auth login --from-config 2>&1
        "$stigmer" auth status
        "$stigmer" auth login --from-config 2>&1 || echo $?"#;
    let test = "a_key_moves_from_the_settings_file_into_the_keychain";
    let Some(out) = keyring::unlocked(test, &sky.home, &[], script) else { return };
    assert!(!out.contains(KEY) && out.contains("from      the keychain"), "{out}");
    assert!(out.contains("has no daytona.api_key") && out.ends_with("125\n"), "{out}");
    let now = fs::read_to_string(&file).unwrap();
    assert!(!now.contains(KEY) && now.contains("# mine") && now.contains("api_url: http"), "{now}");
}

#[test]
fn a_locked_keychain_is_said_with_what_to_do() {
    let sky = Sky::new();
    let url = sky.double.url();
    let before = r#"printf %s "$key" | "$stigmer" auth login"#;
    let script = r#"
        printf %s "$key" | "$stigmer" auth login 2>&1 || echo $?
        "$stigmer" auth status 2>&1 || echo $?
        DAYTONA_API_KEY="$key" "$stigmer" auth status
        "$stigmer" auth logout 2>&1 || echo $?"#;
    let set = [("DAYTONA_API_URL", url.as_str()), ("key", KEY)];
    let test = "a_locked_keychain_is_said_with_what_to_do";
    let Some(out) = keyring::locked(test, &sky.home, &set, before, script) else { return };
    assert!(!out.contains(KEY), "{out}");
    assert_eq!(out.matches("[keychain-locked]\n125").count(), 3, "{out}");
    assert!(out.contains("unlock the keychain of your desktop") && out.contains("works     yes"), "{out}");
    assert!(out.contains("keychain  the keychain is locked"), "{out}");
}
