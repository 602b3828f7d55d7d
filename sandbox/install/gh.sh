#!/bin/bash
. "$(dirname "$0")/lib.sh"

base=$GH_URL/v$GH_VERSION file=gh_${GH_VERSION}_linux_$arch.tar.gz
fetch_checked "$base/$file" "$base/gh_${GH_VERSION}_checksums.txt" "${GH_SHA256:-}"
tar -xzf "$file"
put "gh_${GH_VERSION}_linux_$arch/bin/gh" gh
