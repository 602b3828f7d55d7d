#!/bin/bash
. "$(dirname "$0")/lib.sh"

# The client alone: the engine is never inside a sandbox. Docker offers archives without digests; its repository is
# signed.
. /etc/os-release
from_repository docker "$DOCKER_URL/gpg" 9DC858229FC7DD38854AE2D88D81803C0EBFCD88 \
    "$DOCKER_URL $VERSION_CODENAME stable" "docker-ce-cli=5:$DOCKER_VERSION-1~debian.$VERSION_ID~$VERSION_CODENAME"
