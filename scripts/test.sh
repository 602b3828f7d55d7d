#!/usr/bin/env bash
# Everything that must hold. Its last lines name the tests that were skipped, if any, and repeat the counts.
#
# In CI nothing may be skipped: STIGMER_TEST_REQUIRE_ALL=1 turns a skip into a failure.
set -euo pipefail
. "$(dirname "$0")/common.sh"

if [ "${CI:-}" = true ]; then
    export STIGMER_TEST_REQUIRE_ALL=1
fi

"$root/scripts/check.sh"

output=$(mktemp)
trap 'rm -f "$output"' EXIT

say "an engine for sandboxes"
if scripts/engine.sh up && scripts/engine.sh base; then
    scripts/sandbox.sh test stigmer-sandbox-basic:local
    python3 scripts/sandbox_install_test.py
elif [ "${STIGMER_TEST_REQUIRE_ALL:-}" = 1 ]; then
    fail "nothing may be skipped here"
else
    echo "SKIPPED: the images of sandboxes: no Docker engine here; STIGMER_TEST_INSTALL=1 make test starts one" |
        tee -a "$output"
fi

say "tests"
# The tests of the engine and of the command line start the runners that stand beside them.
cargo build --locked -p stigmer-runner -p stigmer -p daytona-double
scripts/build.sh sandbox-runner
# Below the workspace, wherever cargo builds.
junit="$root/target/nextest/default/junit.xml"
rm -f "$junit"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --no-fail-fast 2>&1 | tee -a "$output"
    # What a test that passes prints is only here.
    grep -oh 'SKIPPED: [^<&]*' "$junit" >>"$output" || true
else
    cargo test --locked --workspace --lib --bins --tests --no-fail-fast 2>&1 | tee -a "$output"
fi
say "Daytona's SDK against the stand-in for Daytona"
scripts/daytona-sdk.sh 2>&1 | tee -a "$output"

say "the pages"
scripts/ui.sh check
scripts/ui.sh test
scripts/ui.sh build
if have "${CHROMIUM:-chromium}"; then
    say "journeys through the pages"
    scripts/ui.sh journeys
else
    echo "SKIPPED: journeys through the pages: no Chromium here; apt-get install chromium" | tee -a "$output"
fi

say "the app in its window"
scripts/test-native.sh 2>&1 | tee -a "$output"

say "tests in the documentation of the code"
cargo test --locked --workspace --doc 2>&1 | tee -a "$output"

if [ -x scripts/check-dependencies.sh ]; then
    say "dependencies"
    scripts/check-dependencies.sh
fi
say "the tour in README.md"
scripts/tour.sh --check

skipped=$(grep -oh 'SKIPPED: .*' "$output" | sort -u || true)
echo
if [ -n "$skipped" ]; then
    printf '%s\n' "$skipped"
fi
# The counts again, without the colours that they may have.
sed 's/\x1b\[[0-9;]*m//g' "$output" | grep -E '^ +Summary \[|^test result: ' |
    grep -v 'ok. 0 passed; 0 failed' || true
