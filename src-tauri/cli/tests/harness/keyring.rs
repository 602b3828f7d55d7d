//! A real Secret Service: gnome-keyring on a D-Bus session of its own. Without the programs a test says `SKIPPED`, and
//! fails if `STIGMER_TEST_REQUIRE_ALL=1`.

use super::{Call, Home, is_installed, is_there};

const UNLOCK: &str = "printf %s password | gnome-keyring-daemon --unlock --components=secrets >/dev/null; ";
const START: &str = "gnome-keyring-daemon --start --components=secrets >/dev/null; ";

/// Runs a shell script with an unlocked keyring, `$stigmer` being the program, with these variables besides; gives what
/// it printed, `None` where there is no keyring.
pub(crate) fn unlocked(test: &str, home: &Home, set: &[(&str, &str)], script: &str) -> Option<String> {
    inside(test, home, set, UNLOCK, script)
}

/// The same with a keyring that is locked, after this script was run while it was not.
pub(crate) fn locked(
    test: &str,
    home: &Home,
    set: &[(&str, &str)],
    before: &str,
    script: &str,
) -> Option<String> {
    inside(test, home, set, UNLOCK, before)?;
    inside(test, home, set, START, script)
}

fn inside(test: &str, home: &Home, set: &[(&str, &str)], begin: &str, script: &str) -> Option<String> {
    let programs = ["dbus-run-session", "gnome-keyring-daemon"];
    if !is_there(test, &programs.join(", "), programs.iter().all(|program| is_installed(program))) {
        return None;
    }
    let script = home.write("script", script);
    let line = format!("{begin}. \"$1\"");
    let call = Call::of(home, "dbus-run-session").args(["--", "sh", "-ec", &line, "sh"]).arg(script);
    let mut call = call
        .env("stigmer", env!("CARGO_BIN_EXE_stigmer"))
        .env("STIGMER_RUNNER", home.path().join("bin/stigmer-runner"))
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path().join("keyring"));
    for (name, value) in set {
        call = call.env(name, *value);
    }
    let ended = call.ended();
    assert_eq!(ended.code(), 0, "{} {}", ended.out(), ended.err());
    Some(ended.out())
}
