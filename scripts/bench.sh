#!/usr/bin/env bash
# Measures: the benchmarks of the code, then the comparison with what one would use instead, then the window.
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$root/scripts/need.sh" bench
"$root/scripts/build.sh"
cargo build --locked --release -p daytona-double
cargo bench --locked -p stigmer-engine
missed=0
bench/run.sh || missed=1
say "the window: a flood of output, and jumps in a long log"
# A display and a session of their own, whatever there is here: sizes are then the same everywhere. Nothing draws
# by a graphics card there, so WebKit is told not to look for one.
xvfb-run --auto-servernum --server-args="-screen 0 1400x900x24 -nolisten tcp" dbus-run-session -- \
    env WEBKIT_DISABLE_COMPOSITING_MODE=1 scripts/ui.sh node bench/window/measure.mjs "$target/release" window || missed=1
exit $missed
