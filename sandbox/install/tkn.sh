#!/bin/bash
. "$(dirname "$0")/lib.sh"

base=$TKN_URL/v$TKN_VERSION file=tkn_${TKN_VERSION}_Linux_$machine.tar.gz
fetch_checked "$base/$file" "$base/checksums.txt" "${TKN_SHA256:-}"
tar -xzf "$file" tkn
put tkn tkn
