#!/usr/bin/env bash
# A first run: progress, colours, and something on standard error. Change it, save it, and run it again.
set -euo pipefail

steps=20

printf '\033[1mHello from Stigmer\033[0m, bash %s\n' "$BASH_VERSION"
bar=
for ((step = 1; step <= steps; step++)); do
    bar+='#'
    printf '\r[%-*s] %d/%d' "$steps" "$bar" "$step" "$steps"
    sleep 0.1
done
echo
echo 'warning: this line is on standard error' >&2
number=31
for color in red green yellow blue magenta cyan; do
    printf '\033[%dm%s\033[0m ' "$number" "$color"
    number=$((number + 1))
done
printf '\n\033[32mdone\033[0m\n'
