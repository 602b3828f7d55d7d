#!/usr/bin/env bash
# Renders the PNGs of icons/ from icon.svg. They are committed, so that a build needs no renderer.
set -euo pipefail
. "$(dirname "$0")/common.sh"

have rsvg-convert || fail "rsvg-convert is missing" "apt-get install librsvg2-bin"
render() { rsvg-convert -w "$2" -h "$2" "icons/$1.svg" -o "icons/$3"; }
render icon 32 32x32.png
render icon 128 128x128.png
render icon 256 128x128@2x.png
render icon 512 icon.png
for state in idle running failed; do
    render "tray-$state" 32 "tray-$state.png"
done
