#!/usr/bin/env bash
# Installs what is missing to build or test, on Debian and Ubuntu; elsewhere says what is missing.
#
#   scripts/need.sh build    what building needs: a C compiler (for the bundled SQLite) and Rust
#   scripts/need.sh app      and what the app is built on: the web view of the system
#   scripts/need.sh ui       what the pages of the window are made with: Node.js
#   scripts/need.sh run      and what the first command of the README runs
#   scripts/need.sh test     and what the tests run
#   scripts/need.sh bench    and what the comparison runs
#
# Looks for the programs themselves, so it costs nothing and asks nobody when they are there. Daemons (D-Bus,
# gnome-keyring, Docker) come only where CI=true or STIGMER_TEST_INSTALL=1 asks for them.
set -euo pipefail
. "$(dirname "$0")/common.sh"

purpose="${1:-build}"

# The `rust-version` of the workspace.
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

can_install() { have apt-get && { [ "$(id -u)" = 0 ] || have sudo; }; }

indexed=no
renew_index() {
    if [ "$indexed" = no ] && can_install; then
        as_root apt-get update -qq || say "the package index could not be renewed; trying with the old one"
    fi
    indexed=yes
}

install_packages() {
    say "installing $*"
    if ! have apt-get; then
        fail "missing here: $*" "install what these Debian packages hold with the package manager of this system"
    fi
    if ! can_install; then
        fail "missing here: $*" "as root: apt-get install $*"
    fi
    renew_index
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
        fail "apt-get could not install $*"
}

# The version that the distribution offers of a package, such as 1.85.0; nothing if it has none.
offered() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \([0-9][0-9.]*\).*/\1/p'; }

# Whether version $1 is at least $2.
at_least() { [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

cargo_version() { cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9][0-9.]*\).*/\1/p'; }

how_to_get_rust() {
    fail "Rust $rust or later is needed, and $1" \
        "install it from https://rustup.rs, or, where the distribution has it: apt-get install rustup && rustup default stable"
}

# From the distribution where it has one that is new enough, else with Rust's own installer, into ~/.cargo.
install_rust() {
    if have rustup && [ -n "$(cargo_version)" ]; then
        # Which toolchain is the default is the user's choice.
        how_to_get_rust "the default toolchain of rustup has $(cargo_version): rustup update stable && rustup default stable"
    elif have rustup; then
        rustup default stable >&2 || how_to_get_rust "rustup could not fetch it"
    elif renew_index && can_install && [ -n "$(offered rustup)" ]; then
        install_packages rustup
        rustup default stable >&2 || how_to_get_rust "rustup could not fetch it"
    elif can_install && at_least "$(offered cargo)" "$rust"; then
        install_packages cargo rustc rustfmt rust-clippy
    else
        have curl || install_packages curl ca-certificates
        say "installing Rust from rustup.rs into ${CARGO_HOME:-$HOME/.cargo}"
        installer=$(mktemp)
        trap 'rm -f "$installer"' EXIT
        curl --proto '=https' --tlsv1.2 -sSf -o "$installer" https://sh.rustup.rs ||
            how_to_get_rust "rustup.rs could not be reached"
        sh "$installer" -y --no-modify-path --profile minimal --component rustfmt --component clippy >&2 ||
            how_to_get_rust "its installer failed"
    fi
    at_least "$(cargo_version)" "$rust" || how_to_get_rust "it could not be installed"
}

missing=()
need() { # PROGRAM PACKAGE...
    have "$1" || missing+=("${@:2}")
}
want() { # the same for what tests can do without: they skip themselves and say so
    have "$1" || ! can_install || missing+=("${@:2}")
}

if [ "$purpose" = ui ]; then
    # Which version is a matter of scripts/ui.sh.
    need node nodejs
    need npm npm
    if [ ${#missing[@]} -gt 0 ]; then
        install_packages "${missing[@]}"
    fi
    exit
fi
need cc build-essential
if [ "$purpose" = app ] || [ "$purpose" = test ]; then
    need pkg-config pkg-config
    have pkg-config && pkg-config --exists webkit2gtk-4.1 || missing+=(libwebkit2gtk-4.1-dev)
    # Loaded when the tray is shown; without it there is a window and no tray.
    ldconfig -p 2>/dev/null | grep -q 'libayatana-appindicator3\.so' || missing+=(libayatana-appindicator3-1)
fi
if [ "$purpose" = run ]; then
    # What the first command of the README runs; a bare machine has none.
    need python3 python3
fi
if [ "$purpose" = bench ]; then
    need hyperfine hyperfine
    need rg ripgrep
    need python3 python3
    need chromium chromium
    need xvfb-run xvfb xauth
    need dbus-run-session dbus dbus-daemon
    need WebKitWebDriver webkit2gtk-driver
fi
if [ "$purpose" = test ]; then
    need python3 python3
    # Schemathesis is installed into an environment of its own.
    python3 -c 'import ensurepip' >/dev/null 2>&1 || ! can_install || missing+=(python3-venv)
    want node nodejs
    need ps procps
    need setsid util-linux
    if may_install_daemons; then
        need dbus-run-session dbus dbus-daemon
        # Containers, their base image where none can be pulled, and a registry; scripts/engine.sh starts them.
        need dockerd docker.io iptables
        # Debian 13 has the client in a package of its own.
        have docker || [ -z "$(offered docker-cli)" ] || missing+=(docker-cli)
        need debootstrap debootstrap debian-archive-keyring
        need docker-registry docker-registry
        need curl curl ca-certificates
        need zsh zsh
        need fish fish
        need gnome-keyring-daemon gnome-keyring
        need chromium chromium
        need Xvfb xvfb
        need xdotool xdotool
        need import imagemagick
        need WebKitWebDriver webkit2gtk-driver
        /usr/bin/python3 -c 'import dbus, gi' 2>/dev/null || missing+=(python3-dbus python3-gi)
    fi
fi
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}"
fi

at_least "$(cargo_version)" "$rust" || install_rust

if [ "$purpose" = test ]; then
    for component in rustfmt clippy; do
        case $component in
            rustfmt) program=cargo-fmt ;;
            clippy) program=cargo-clippy ;;
        esac
        "$program" --version >/dev/null 2>&1 && continue
        if have rustup; then
            rustup component add "$component" >&2
        else
            fail "$program is missing" "install it beside cargo"
        fi
    done
fi
