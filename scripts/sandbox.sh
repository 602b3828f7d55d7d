#!/usr/bin/env bash
# The sandbox images of sandbox/, with the Docker client of this machine.
#
#   scripts/sandbox.sh build basic|full [OPTION...]   build a tier; options are those of `docker build`
#   scripts/sandbox.sh test [IMAGE...]                ask every tool of tools.json in containers of the images
#   scripts/sandbox.sh clean                          remove what build and test made, and nothing else
#   scripts/sandbox.sh current basic|full             whether the image is there and made of what sandbox/ holds now
#   scripts/sandbox.sh lock                           renew requirements.txt and install/az.txt from their .in files
#
# STIGMER_EXTRA_CA names a certificate file, or a folder of *.crt, that the images shall trust besides Debian's.
set -euo pipefail
. "$(dirname "$0")/common.sh"

version=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# What marks an image as made here. The second holds a digest of everything that the build read.
made_by=org.stigmer.made-by=scripts/sandbox.sh
content=org.stigmer.content

need_engine() {
    have docker || fail "the Docker client is missing" "install Docker, or another engine with its command line"
    docker version >/dev/null 2>&1 || fail "no Docker engine answers" "start it; \`docker version\` says what is wrong"
}

check_tier() {
    case ${1:-} in
        basic | full) ;;
        *) fail "\`${1:-}\` is no tier" "give basic or full" ;;
    esac
}

# The files that are in the image of a tier. Full stands on basic, so a change of basic changes it too.
digest_of() { # TIER
    local files=(sandbox/Dockerfile.sandbox.basic sandbox/requirements.txt)
    [ "$1" = basic ] || files+=(sandbox/Dockerfile.sandbox.full sandbox/install/*)
    sha256sum "${files[@]}" | sha256sum | cut -c 1-16
}

current() { # TIER
    local made_of format="{{index .Config.Labels \"$content\"}}"
    made_of=$(docker image inspect --format "$format" "stigmer-sandbox-$1:local" 2>/dev/null)
    [ "$made_of" = "$(digest_of "$1")" ]
}

build() { # TIER OPTION...
    local tier=$1 context before
    shift
    need_engine
    # A copy, because certificates of this machine may come with it.
    context=$(mktemp -d)
    # shellcheck disable=SC2064 # This folder, not what the name stands for at the end.
    trap "rm -rf '$context'" EXIT
    cp -R sandbox/. "$context"
    if [ -d "${STIGMER_EXTRA_CA:-}" ]; then
        cp "$STIGMER_EXTRA_CA"/*.crt "$context/ca/"
    elif [ -n "${STIGMER_EXTRA_CA:-}" ]; then
        cp "$STIGMER_EXTRA_CA" "$context/ca/extra.crt"
    fi
    if [ "$tier" = full ] && [[ " $* " != *" BASIC_IMAGE="* ]] && ! current basic; then
        say "the full tier stands on the basic one, which is missing or of an older sandbox/"
        fail "stigmer-sandbox-basic:local must be built first" "make sandbox-build-basic"
    fi
    say "building the $tier tier, $version"
    before=$(docker image inspect --format '{{.Id}}' "stigmer-sandbox-$tier:local" 2>/dev/null || true)
    docker build --file "$context/Dockerfile.sandbox.$tier" \
        --tag "stigmer-sandbox-$tier:local" --tag "stigmer-sandbox-$tier:$version" \
        --label "$made_by" --label "$content=$(digest_of "$tier")" --build-arg "VERSION=$version" \
        "$@" "$context" ||
        fail "the $tier tier could not be built" "the step that failed stands above; what can be set: sandbox/README.md"
    # What this one replaces would stay as 600 MB without a name. Not if it has one still, or something stands on it.
    if [ -n "$before" ] && [ "$(docker image inspect --format '{{len .RepoTags}}' "$before" 2>/dev/null)" = 0 ]; then
        docker image rm "$before" >/dev/null 2>&1 || true
    fi
    say "stigmer-sandbox-$tier:local and :$version"
}

# Images that build made, by their names and by their label: what was built on one of them carries the label too.
made_here() {
    docker image ls --filter "label=$made_by" --format '{{.Repository}}:{{.Tag}}' |
        grep -E '^stigmer-sandbox-(basic|full):' || true
}

test_images() {
    need_engine
    have python3 || fail "python3 is missing" "apt-get install python3"
    if [ $# -eq 0 ]; then
        local tier
        for tier in basic full; do
            docker image inspect "stigmer-sandbox-$tier:local" >/dev/null 2>&1 || continue
            set -- "$@" "stigmer-sandbox-$tier:local"
        done
        [ $# -gt 0 ] || fail "there is no image to test" "make sandbox-build-basic"
    fi
    exec python3 "$root/scripts/sandbox_test.py" "$@"
}

clean() {
    need_engine
    local left=() images=()
    mapfile -t left < <(docker ps --all --quiet --filter label=org.stigmer.sandbox-test)
    [ ${#left[@]} -eq 0 ] || docker rm --force --volumes "${left[@]}" >/dev/null
    mapfile -t images < <(made_here)
    if [ ${#images[@]} -eq 0 ]; then
        say "no image of ours is there"
        return
    fi
    # Without force: an image that a container still stands on stays, and Docker says which.
    docker image rm "${images[@]}" | { grep -v '^Deleted: ' || true; } ||
        fail "an image is still in use" "remove the containers that are named above"
}

case ${1:-} in
    build)
        check_tier "${2:-}"
        build "${@:2}"
        ;;
    current)
        check_tier "${2:-}"
        current "$2"
        ;;
    test) test_images "${@:2}" ;;
    clean) clean ;;
    lock) exec python3 "$root/scripts/sandbox_lock.py" ;;
    *) fail "\`${1:-}\` is nothing that can be done with the images" "build, test, clean, current or lock" ;;
esac
