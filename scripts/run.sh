#!/usr/bin/env bash
# `make run`: builds, then runs the command in STIGMER_COMMAND; without one, says what could be done.
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$root/scripts/need.sh" run
"$root/scripts/build.sh"
if [ -n "${STIGMER_COMMAND:-}" ]; then
    command=$STIGMER_COMMAND
    unset STIGMER_COMMAND
    exec "$target/release/stigmer" run -- "$command"
fi
"$target/release/stigmer" --help
cat <<END

The window comes with a later version; what works now is the command line. Run something with it:

  make run CMD='python3 --version'
  $target/release/stigmer run -- python3 --version
END
