#!/usr/bin/env bash
# Builds what is installed: `stigmer`, and `stigmer-runner` without any shared library, so that the same file
# runs wherever a command should run.
#
#   scripts/build.sh            both
#   scripts/build.sh runner     the runner alone
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$root/scripts/need.sh" build
if [ "${1:-}" != runner ]; then
    cargo build --locked --release -p stigmer
fi
cargo rustc --locked --release -p stigmer-runner --bin stigmer-runner -- -C target-feature=+crt-static
