#!/bin/bash
# Installs one tool of the full tier, as root, during the build: install.sh TOOL
#
# TOOLS_FROM says what happens when the vendor cannot be reached: `vendor` ends the build with the tool's name,
# `skip-unavailable` goes on, says so, and notes it in /usr/local/share/stigmer/skipped. A download that is not what it
# should be ends the build either way.
set -euo pipefail

tool=$1
from=${TOOLS_FROM:-vendor}
here=$(dirname "$(readlink -f "$0")")
skipped=/usr/local/share/stigmer/skipped

case $from in
    vendor | skip-unavailable) ;;
    *)
        echo "error: TOOLS_FROM is \`$from\`; it can be \`vendor\` or \`skip-unavailable\`" >&2
        exit 1
        ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# 69 is what lib.sh ends with when something cannot be reached.
status=0
bash -euo pipefail "$here/$tool.sh" || status=$?
if [ $status = 69 ] && [ "$from" = skip-unavailable ]; then
    reason=$(cat "$work/reason")
    mkdir -p "$(dirname "$skipped")"
    echo "$tool: $reason" >>"$skipped"
    echo "SKIPPED: $tool: $reason"
elif [ $status != 0 ]; then
    [ ! -s "$work/reason" ] || cat "$work/reason" >&2
    echo "error: $tool could not be installed" >&2
    exit 1
elif ! command -v "$tool" >/dev/null; then
    echo "error: $tool was installed, but it is no command afterwards" >&2
    exit 1
fi
