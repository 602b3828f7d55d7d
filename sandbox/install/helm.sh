#!/bin/bash
. "$(dirname "$0")/lib.sh"

file=helm-v$HELM_VERSION-linux-$arch.tar.gz
fetch_checked "$HELM_URL/$file" "$HELM_URL/$file.sha256sum" "${HELM_SHA256:-}"
tar -xzf "$file"
put "linux-$arch/helm" helm
