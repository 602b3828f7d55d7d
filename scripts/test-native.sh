#!/usr/bin/env bash
# The app as it is used: its real window on a display in memory, its tray over D-Bus, its pages in the web view of
# the system. Needs the programs in target/debug and the pages in ui/dist; without a program of the system that it
# needs it says so and is skipped.
#
#   scripts/test-native.sh                                     all of it
#   scripts/test-native.sh test_tray.TrayMenu.test_open…       some of it
set -euo pipefail
. "$(dirname "$0")/common.sh"

skip() {
    echo "SKIPPED: the app in its window: no $1 here; STIGMER_TEST_INSTALL=1 make test installs it"
    if [ "${STIGMER_TEST_REQUIRE_ALL:-}" = 1 ]; then
        fail "nothing may be skipped here"
    fi
    exit 0
}

for program in Xvfb dbus-daemon xdotool import WebKitWebDriver; do
    have "$program" || skip "$program"
done
# That of the system, which has the packages of the system.
/usr/bin/python3 -c 'import dbus, gi' 2>/dev/null || skip "python3-dbus and python3-gi"

cargo build --locked -p stigmer-desktop -p stigmer -p stigmer-runner
cd src-tauri/tests/native
export STIGMER_PROGRAMS="$target/debug" PYTHONDONTWRITEBYTECODE=1
if [ $# -gt 0 ]; then
    exec /usr/bin/python3 -m unittest --verbose "$@"
fi
exec /usr/bin/python3 -m unittest discover --verbose --pattern 'test_*.py'
