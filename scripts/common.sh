# shellcheck shell=bash
# What every script here needs. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

# A cargo that was installed a moment ago is not on the caller's PATH yet; daemons never are on that of Debian's users.
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:/usr/sbin:/sbin"
export PATH

# Read by the scripts that source this file.
# shellcheck disable=SC2034
target="${CARGO_TARGET_DIR:-$root/target}"

have() { command -v "$1" >/dev/null 2>&1; }

say() { printf '── %s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$1" >&2
    if [ $# -gt 1 ]; then
        printf 'hint: %s\n' "$2" >&2
    fi
    exit 1
}

# A person's machine gets no daemon unasked.
may_install_daemons() { [ "${CI:-}" = true ] || [ "${STIGMER_TEST_INSTALL:-}" = 1 ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}
