#!/usr/bin/env bash
# The tour in README.md: runs the real program in a home of its own and takes down what it prints.
#
#   scripts/tour.sh            print it
#   scripts/tour.sh --write    put it into README.md
#   scripts/tour.sh --check    compare it with README.md; ids, times and what belongs to a machine may differ
set -euo pipefail
. "$(dirname "$0")/common.sh"

# A line each; an empty one separates. A line that begins with `?` shows the exit code of the one before.
steps() {
    cat <<'END'
stigmer run 'echo "hello from $(basename "$PWD")"; ls nothing; exit 3'
?

stigmer run --lang python --env NAME=you <<< 'import os; print("hello", os.environ["NAME"])'

stigmer run --verbose --timeout 1s -- sleep 60
?

stigmer run --dry-run make test

stigmer run --json 'sleep 0.1; echo hi' | tail -n 1

stigmer runs

stigmer runs show

stigmer runs search --context 1 'hello|cannot'

stigmer run --detach 'for part in 1 2 3; do echo "part $part"; sleep 0.3; done'
stigmer runs logs --follow --timestamps

stigmer run --mode auto make test
?

stigmer doctor
END
}

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# Runs every step and prints commands and answers as a terminal would show them.
record() {
    cargo build --quiet --locked -p stigmer -p stigmer-runner
    mkdir -p "$place/bin" "$place/demo"
    ln -s "$target/debug/stigmer" "$place/bin/stigmer"
    cd "$place/demo"
    local step code=0
    while IFS= read -r step; do
        case $step in
            '') echo ;;
            '?') printf '$ echo $?\n%s\n' "$code" ;;
            *)
                printf '$ %s\n' "$step"
                code=0
                # Nothing of this machine's but its programs.
                env -i HOME="$place" SHELL=/bin/sh PATH="$place/bin:/usr/local/bin:/usr/bin:/bin" \
                    LANG=C.UTF-8 TZ=UTC bash -c "$step" </dev/null 2>&1 || code=$?
                ;;
        esac
    done < <(steps) | sed "s|$place|/home/you|g"
    cd "$root"
}

begin='<!-- tour: made by scripts/tour.sh -->'
end='<!-- end of the tour -->'

# What may differ between two machines and two moments, made equal.
alike() {
    sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g' \
        -e 's/\b[0-9a-f]{8}\b/ID/g' \
        -e 's/[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+/CLOCK/g' \
        -e 's/[0-9.]+ (ms|s|min|KiB|MiB)\b/SIZE/g' \
        -e 's/"duration_ms":[0-9]+/"duration_ms":N/' \
        -e 's/just now|[0-9]+ s ago/AGO/' \
        -e 's/ +/ /g' \
        -e '/^(ok|limited|broken|  +hint:) ?/d' -e '/^ hint: start a Secret/d'
}

written() { sed -n "\|^$begin\$|,\|^$end\$|p" README.md | sed -e '1,3d' -e '$d' | sed -e '$d' | sed -e '$d'; }

case ${1:-} in
    '') record ;;
    --write)
        record >"$place/tour"
        {
            sed "\|^$begin\$|q" README.md
            printf '\n```console\n'
            cat "$place/tour"
            printf '```\n\n'
            sed -n "\|^$end\$|,\$p" README.md
        } >"$place/README.md"
        cat "$place/README.md" >README.md
        ;;
    --check)
        record | alike >"$place/now"
        written | alike >"$place/then"
        diff -u --label README.md "$place/then" --label "what it prints" "$place/now" >&2 ||
            fail "the tour in README.md is not what the program prints" "make tour"
        ;;
    *) fail "\`$1\` is no option" "give --write or --check" ;;
esac
