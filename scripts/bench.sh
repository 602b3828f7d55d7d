#!/usr/bin/env bash
# Measures: the benchmarks of the code, then the comparison with what one would use instead.
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$root/scripts/need.sh" bench
"$root/scripts/build.sh" command-line
cargo bench --locked -p stigmer-engine
bench/run.sh
