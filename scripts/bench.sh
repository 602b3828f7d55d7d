#!/usr/bin/env bash
# Measures: the benchmarks of the code, then, where it is there, the comparison with what one would use instead.
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$root/scripts/build.sh"
cargo bench --locked -p stigmer-engine
if [ -x bench/run.sh ]; then
    bench/run.sh
fi
