#!/usr/bin/env bash
# Holds a running server to what its description says: scripts/schemathesis.sh ADDRESS TOKEN
#
#   scripts/schemathesis.sh --ready    only sees to it that this is possible here, and says why if it is not
#
# It starts runs and writes files with whatever names occur to it, so give it a server that cannot reach anything that
# matters, as the test does.
set -euo pipefail
. "$(dirname "$0")/common.sh"

version=4.32.5
venv="$target/schemathesis"
st="$venv/bin/st"

if [ "$("$st" --version 2>/dev/null)" != "st, version $version" ]; then
    python3 -m venv --clear "$venv" >/dev/null 2>&1 || fail "python3 cannot make a venv" "apt-get install python3-venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >/dev/null 2>&1 ||
        fail "schemathesis $version could not be installed"
fi
[ "${1:-}" != --ready ] || exit 0

# Seeded, so that what fails today fails tomorrow; WebSockets are no requests and answers.
cd "${TMPDIR:-/tmp}"
exec "$st" --config-file "$root/scripts/schemathesis.toml" run "$1/api/openapi.json" \
    --header "Authorization: Bearer $2" --exclude-tag websocket --checks all \
    --max-examples "${STIGMER_SCHEMATHESIS_EXAMPLES:-20}" --seed 1 --continue-on-failure \
    --generation-database none --no-color
