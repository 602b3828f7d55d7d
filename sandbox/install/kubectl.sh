#!/bin/bash
. "$(dirname "$0")/lib.sh"

base=$KUBECTL_URL/v$KUBECTL_VERSION/bin/linux/$arch
fetch_checked "$base/kubectl" "$base/kubectl.sha256" "${KUBECTL_SHA256:-}"
put kubectl kubectl
