#!/usr/bin/env bash
# Drives the double of Daytona with Daytona's official SDK: scripts/daytona-sdk.sh [WORD]...
#
#   WORD      only the flows whose name contains one of them
#   --ready   only sees to it that this is possible here, and says why if it is not
#   --python  prints the Python that has the SDK
#
# What is not possible here is skipped and named, except where STIGMER_TEST_REQUIRE_ALL=1 forbids that.
set -euo pipefail
. "$(dirname "$0")/common.sh"

version=0.226.1
venv="$target/daytona-sdk"
python="$venv/bin/python"

skip() {
    [ "${STIGMER_TEST_REQUIRE_ALL:-}" != 1 ] || fail "nothing may be skipped here: $1"
    echo "SKIPPED: the flows of Daytona's SDK: $1"
    exit 0
}

[ "$(uname)" = Linux ] || skip "the double needs Linux"
unshare --user --map-root-user --mount --pid --fork true 2>/dev/null ||
    unshare --mount --pid --fork true 2>/dev/null || skip "this machine gives no namespaces to programs"
if ! "$python" -c "import importlib.metadata as m, sys; sys.exit(m.version('daytona') != '$version')" 2>/dev/null; then
    python3 -m venv --clear "$venv" >/dev/null 2>&1 || skip "python3 cannot make a venv; apt-get install python3-venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "daytona==$version" >/dev/null 2>&1 ||
        skip "daytona $version could not be installed"
fi
case "${1:-}" in
--ready) exit 0 ;;
--python) echo "$python" && exit 0 ;;
esac

cargo build --quiet --locked -p daytona-double
exec "$python" src-tauri/daytona/double/tests/sdk_flows.py "$target/debug/daytona-double" "$@"
