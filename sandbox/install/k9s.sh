#!/bin/bash
. "$(dirname "$0")/lib.sh"

base=$K9S_URL/v$K9S_VERSION file=k9s_Linux_$arch.tar.gz
fetch_checked "$base/$file" "$base/checksums.sha256" "${K9S_SHA256:-}"
tar -xzf "$file" k9s
put k9s k9s
