#!/bin/bash
. "$(dirname "$0")/lib.sh"

# That of Mike Farah. Debian has another program of this name, with another language.
base=$YQ_URL/v$YQ_VERSION
fetch_checked "$base/yq_linux_$arch" "$base/checksums-bsd" "${YQ_SHA256:-}"
put "yq_linux_$arch" yq
