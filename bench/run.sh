#!/usr/bin/env bash
# Measures Stigmer side by side with what a user would take instead, and prints one table of ratios.
# With names of measurements only those: bench/run.sh reused fresh
# Needs the release build, hyperfine, ripgrep, and the results of `cargo bench -p stigmer-engine`.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
for tool in hyperfine rg python3; do
    command -v "$tool" >/dev/null || { echo "bench: $tool is missing" >&2; exit 1; }
done
[ -x "$target/release/stigmer" ] || { echo "bench: build first: make build" >&2; exit 1; }
exec python3 "$here/compare.py" "$(cd "$target" && pwd)" "$@"
