#!/usr/bin/env bash
# `make run`: builds and opens the app, with a workspace to try things on. With a command in STIGMER_COMMAND, or
# without a display, the command line does its main job instead.
set -euo pipefail
. "$(dirname "$0")/common.sh"

has_display() { [ "$(uname)" != Linux ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; }

if [ -z "${STIGMER_COMMAND:-}" ] && has_display; then
    "$root/scripts/build.sh"
    say "opening Stigmer; close its window and it stays in the tray, quit it there"
    exec "$target/release/stigmer-desktop"
fi

"$root/scripts/need.sh" run
"$root/scripts/build.sh" command-line
if [ -n "${STIGMER_COMMAND:-}" ]; then
    command=$STIGMER_COMMAND
    unset STIGMER_COMMAND
    exec "$target/release/stigmer" run -- "$command"
fi
"$target/release/stigmer" --help
cat <<END

There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the app cannot open its window. The command
line does the same work:

  make run CMD='python3 --version'
  $target/release/stigmer run -- python3 --version
END
