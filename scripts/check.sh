#!/usr/bin/env bash
# Format and lints. Changes nothing.
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$root/scripts/need.sh" test
say "format"
cargo fmt --all --check
say "lints"
cargo clippy --locked --workspace --all-targets -- -D warnings
if have shellcheck; then
    say "scripts"
    shellcheck scripts/*.sh sandbox/install/*.sh .ci/run
fi
