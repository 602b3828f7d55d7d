//! Secrets in a real Secret Service: gnome-keyring on a D-Bus session of its own, with a home of its own.
//!
//! The address of the session bus belongs to the process, so each test runs itself again, in the situation
//! that it is about. Without the programs it says `SKIPPED`, and fails if `STIGMER_TEST_REQUIRE_ALL=1`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use stigmer_engine::secrets::{KeychainState, Secret, SecretName, Secrets};

/// Set in the process that a test starts inside its situation, to the part that it has to play.
const PART: &str = "STIGMER_TEST_KEYCHAIN_PART";

/// A shell script each; `"$@"` runs the test itself. The daemon ends with its bus.
mod situation {
    pub(super) const UNLOCKED: &str = r#"
        dbus-run-session -- sh -ec '
            printf %s password | gnome-keyring-daemon --unlock --components=secrets >/dev/null
            STIGMER_TEST_KEYCHAIN_PART=only "$@"' sh "$@""#;
    pub(super) const LOCKED: &str = r#"
        dbus-run-session -- sh -ec '
            printf %s password | gnome-keyring-daemon --unlock --components=secrets >/dev/null
            STIGMER_TEST_KEYCHAIN_PART=before "$@"' sh "$@"
        dbus-run-session -- sh -ec '
            gnome-keyring-daemon --start --components=secrets >/dev/null
            STIGMER_TEST_KEYCHAIN_PART=locked "$@"' sh "$@""#;
    pub(super) const NEVER_CREATED: &str = r#"
        dbus-run-session -- sh -ec '
            gnome-keyring-daemon --start --components=secrets >/dev/null
            STIGMER_TEST_KEYCHAIN_PART=only "$@"' sh "$@""#;
    /// A bus that starts no services, as an installed gnome-keyring would be.
    pub(super) const NO_PROVIDER: &str = r#"
        printf %s "<busconfig><type>session</type><listen>unix:tmpdir=$HOME</listen>
            <policy context='default'><allow send_destination='*'/><allow receive_sender='*'/>
            <allow own='*'/></policy></busconfig>" \
            > "$HOME/bus.conf"
        dbus-run-session --config-file="$HOME/bus.conf" -- env STIGMER_TEST_KEYCHAIN_PART=only "$@""#;
    pub(super) const NO_BUS: &str = r#"STIGMER_TEST_KEYCHAIN_PART=only "$@""#;
}

/// Runs the test called `test` again inside `situation`, and there, in each of its parts, `play`.
fn inside(test: &str, situation: &str, play: impl AsyncFnOnce(&str)) {
    if let Ok(part) = std::env::var(PART) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        return runtime.block_on(play(&part));
    }
    let missing: Vec<_> = ["dbus-run-session", "gnome-keyring-daemon"]
        .into_iter()
        .filter(|program| situation.contains(program) && !is_installed(program))
        .collect();
    if !missing.is_empty() {
        // Not `eprintln!`, which the test harness would keep to itself; in one piece, as tests run side by side.
        let line = format!(
            "SKIPPED: {test}: {} not found
",
            missing.join(", ")
        );
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        assert_ne!(std::env::var("STIGMER_TEST_REQUIRE_ALL").as_deref(), Ok("1"), "{missing:?} not found");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let result = Command::new("sh")
        .args(["-ec", situation, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .envs(["XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name, home.path().join(name))))
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("GNOME_KEYRING_CONTROL")
        .env_remove("DISPLAY") // where there is one, a locked keyring shows a prompt
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        result.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&result.stdout),
        String::from_utf8_lossy(&result.stderr)
    );
    let played = format!("test {test} ... ok");
    assert!(String::from_utf8_lossy(&result.stdout).contains(&played), "the test did not run inside");
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn name(name: &str) -> SecretName {
    name.parse().unwrap()
}

fn value(value: &str) -> Secret {
    Secret::new(value).unwrap()
}

#[test]
fn an_unlocked_keyring_keeps_lists_replaces_and_removes() {
    let test = "an_unlocked_keyring_keeps_lists_replaces_and_removes";
    inside(test, situation::UNLOCKED, async |_| {
        let secrets = Secrets::new();
        assert_eq!(secrets.state().await, KeychainState::Ready);
        assert_eq!(secrets.names().await.unwrap(), []);
        assert_eq!(secrets.get(&name("TOKEN")).await.unwrap_err().code(), "secret-not-found");

        secrets.set(&name("TOKEN"), value("first")).await.unwrap();
        secrets.set(&name("TOKEN"), value("second")).await.unwrap();
        secrets.set(&name("KEY"), value("k")).await.unwrap();
        secrets.set(&SecretName::DAYTONA_API_KEY, value("ours")).await.unwrap();
        assert_eq!(secrets.get(&name("TOKEN")).await.unwrap().expose(), "second");
        assert_eq!(secrets.names().await.unwrap(), [name("KEY"), name("TOKEN")]);

        secrets.remove(&name("KEY")).await.unwrap();
        assert_eq!(secrets.remove(&name("KEY")).await.unwrap_err().code(), "secret-not-found");
        // Another handle opens the keychain for itself and finds the same.
        assert_eq!(Secrets::new().names().await.unwrap(), [name("TOKEN")]);
        let ours = Secrets::new().get(&SecretName::DAYTONA_API_KEY).await.unwrap();
        assert_eq!(ours.expose(), "ours");
    });
}

#[test]
fn values_come_back_as_they_were() {
    inside("values_come_back_as_they_were", situation::UNLOCKED, async |_| {
        let secrets = Secrets::new();
        let every_ascii: String = (1..128).map(char::from).collect();
        let largest = "x".repeat(64 * 1024);
        for text in [" ", "\n", "a\r\nb\n", "ß→🦀\u{202e}", r#"{"a":"\"$HOME`'"}"#, &every_ascii, &largest]
        {
            secrets.set(&name("VALUE"), value(text)).await.unwrap();
            assert_eq!(secrets.get(&name("VALUE")).await.unwrap().expose(), text);
        }
    });
}

#[test]
fn a_restart_of_the_keyring_goes_unnoticed() {
    inside("a_restart_of_the_keyring_goes_unnoticed", situation::UNLOCKED, async |_| {
        let secrets = Secrets::new();
        secrets.set(&name("TOKEN"), value("kept")).await.unwrap();
        let mut daemon = Command::new("gnome-keyring-daemon")
            .args(["--replace", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        daemon.stdin.take().unwrap().write_all(b"password").unwrap();
        assert!(daemon.wait().unwrap().success());
        assert_eq!(secrets.get(&name("TOKEN")).await.unwrap().expose(), "kept");
    });
}

#[test]
fn a_locked_keyring_is_a_state_with_words() {
    inside("a_locked_keyring_is_a_state_with_words", situation::LOCKED, async |part| {
        let secrets = Secrets::new();
        if part == "before" {
            secrets.set(&name("TOKEN"), value("kept")).await.unwrap();
            return;
        }
        assert_eq!(secrets.state().await, KeychainState::Locked);
        assert_eq!(secrets.get(&name("TOKEN")).await.unwrap_err().code(), "keychain-locked");
        assert_eq!(secrets.set(&name("OTHER"), value("x")).await.unwrap_err().code(), "keychain-locked");
        assert_eq!(secrets.names().await.unwrap_err().code(), "keychain-locked");
        assert_eq!(secrets.remove(&name("TOKEN")).await.unwrap_err().code(), "keychain-locked");
    });
}

#[test]
fn a_keyring_that_was_never_created_is_no_keychain() {
    let test = "a_keyring_that_was_never_created_is_no_keychain";
    inside(test, situation::NEVER_CREATED, async |_| {
        let why = "the keyring service has no default keyring".to_owned();
        let secrets = Secrets::new();
        assert_eq!(secrets.state().await, KeychainState::Absent { why });
        assert_eq!(secrets.set(&name("A"), value("x")).await.unwrap_err().code(), "keychain-absent");
        assert_eq!(secrets.get(&name("A")).await.unwrap_err().code(), "secret-not-found");
        assert_eq!(secrets.names().await.unwrap(), []);
    });
}

#[test]
fn a_bus_without_a_keyring_is_no_keychain() {
    inside("a_bus_without_a_keyring_is_no_keychain", situation::NO_PROVIDER, async |_| {
        absent("no program provides the Secret Service").await;
    });
}

#[test]
fn no_bus_is_no_keychain() {
    inside("no_bus_is_no_keychain", situation::NO_BUS, async |_| {
        absent("there is no D-Bus session").await;
    });
}

async fn absent(why: &str) {
    let secrets = Secrets::new();
    assert_eq!(secrets.state().await, KeychainState::Absent { why: why.to_owned() });
    assert_eq!(secrets.get(&name("A")).await.unwrap_err().code(), "keychain-absent");
    assert_eq!(secrets.set(&name("A"), value("x")).await.unwrap_err().code(), "keychain-absent");
    assert_eq!(secrets.remove(&name("A")).await.unwrap_err().code(), "keychain-absent");
    assert_eq!(secrets.names().await.unwrap_err().code(), "keychain-absent");
}
