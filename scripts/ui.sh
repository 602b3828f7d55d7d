#!/usr/bin/env bash
# The pages of the window, in ui/.
#
#   scripts/ui.sh build       what the window and the server show: ui/dist
#   scripts/ui.sh check       types, lints, format
#   scripts/ui.sh test        what the pages compute
#   scripts/ui.sh screenshots of every screen, into target/screenshots
#   scripts/ui.sh node FILE   a program of Node.js with the packages of the pages
#   scripts/ui.sh journeys    through a real browser, against the programs in target/debug
#
# Where there is no Node.js that is new enough (Debian 12 has 18), one is fetched into target/node, from npm's own
# registry, and nothing of the system changes.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# What Vite asks for, and what is fetched.
least=20.19.0
fetched=22.23.3

node_is_new() {
    have node && have npm &&
        [ "$(printf '%s\n%s\n' "$least" "$(node --version | tr -d v)" | sort -V | head -n 1)" = "$least" ]
}

need_node() {
    local own="$root/target/node/node_modules/node/bin"
    node_is_new && return
    if [ ! -x "$own/node" ]; then
        "$root/scripts/need.sh" ui
        node_is_new && return
        say "fetching Node.js $fetched into target/node"
        npm install --silent --no-audit --no-fund --prefix "$root/target/node" "node@$fetched" >&2 ||
            fail "Node.js $least or later is needed, and it could not be fetched" "install it from https://nodejs.org"
    fi
    PATH="$own:$PATH"
}

# Installed exactly as the lock file says, and again only when that changed.
need_packages() {
    local stamp=ui/node_modules/.installed
    if [ ! -f "$stamp" ] || ! cmp -s ui/package-lock.json "$stamp"; then
        say "packages of the pages"
        (cd ui && npm ci --silent --no-audit --no-fund >&2) || fail "npm could not install the packages of ui/"
        cp ui/package-lock.json "$stamp"
    fi
}

need_node
need_packages
if [ "${1:-}" = node ]; then
    exec "$@"
fi
cd ui
case "${1:-build}" in
    build) npm run --silent build >&2 ;;
    check) npm run --silent check ;;
    test) npm run --silent test ;;
    journeys)
        shift
        npx playwright test "$@"
        ;;
    screenshots) npx playwright test --config screenshots.config.ts ;;
    *) fail "\`$1\` is nothing that can be done with the pages" "build, check, test, journeys, screenshots or node" ;;
esac
