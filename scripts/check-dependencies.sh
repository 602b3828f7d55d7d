#!/bin/sh
# Holds the crates to who may import whom (see ARCHITECTURE.md): the engine knows no face, the runner no runtime.
set -eu
cd "$(dirname "$0")/.."

failed=0

# forbid CRATE WHY DEPENDENCY...: none of them is among what CRATE is built with, on any system.
forbid() {
    crate=$1 why=$2
    shift 2
    tree=$(cargo tree --locked --package "$crate" --edges normal --target all --prefix none --format '{p}')
    for dependency in "$@"; do
        found=$(printf '%s\n' "$tree" | sed -nE "s/^($dependency) v.*/\1/p" | sort -u)
        [ -n "$found" ] || continue
        printf '%s depends on %s: %s\n' "$crate" "$found" "$why" >&2
        failed=1
    done
}

forbid stigmer-engine 'faces use the engine, never the other way round' \
    'tauri[a-z-]*' 'clap[a-z_-]*' axum
forbid stigmer-server 'it has no face of its own, and one way to encrypt what goes far away' \
    'tauri[a-z-]*' 'clap[a-z_-]*' h2 native-tls openssl
forbid stigmer-tree 'it goes into the runner' tokio async-std smol
forbid stigmer-runner 'it is one thread that must stay small and start at once' \
    tokio async-std smol
forbid stigmer-server 'the shell uses the server, never the other way round' 'tauri[a-z-]*'

exit "$failed"
