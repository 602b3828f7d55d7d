#!/usr/bin/env bash
# Builds what is installed: the app, `stigmer`, and `stigmer-runner` without any shared library, so that the same
# file runs wherever a command should run.
#
#   scripts/build.sh                all of it, with the pages of the window
#   scripts/build.sh command-line   what works without a display
#   scripts/build.sh runner         the runner alone
#   scripts/build.sh sandbox-runner the same beside the programs that tests run, which have another of their own
set -euo pipefail
. "$(dirname "$0")/common.sh"

case "${1:-all}" in
    all)
        "$root/scripts/need.sh" app
        # First: both programs have the pages in them.
        "$root/scripts/ui.sh" build
        cargo build --locked --release -p stigmer-desktop -p stigmer
        ;;
    command-line)
        "$root/scripts/need.sh" build
        cargo build --locked --release -p stigmer
        ;;
    runner) "$root/scripts/need.sh" build ;;
    sandbox-runner)
        # In a folder of its own: where it is linked decides what it is, and both would take turns in one.
        cargo rustc --locked -p stigmer-runner --bin stigmer-runner --target-dir "$target/static" -- \
            -C target-feature=+crt-static
        # One that runs in a container may not be written over.
        cp --remove-destination "$target/static/debug/stigmer-runner" "$target/debug/stigmer-runner-linux-$(uname -m)"
        exit
        ;;
    *) fail "\`$1\` is nothing that can be built" "give command-line, runner or nothing" ;;
esac
cargo rustc --locked --release -p stigmer-runner --bin stigmer-runner -- -C target-feature=+crt-static
