#!/bin/bash
. "$(dirname "$0")/lib.sh"

# The archives that Google offers come without digests; its repository is signed.
from_repository google-cloud "$GCLOUD_URL/doc/apt-key.gpg" 35BAA0B33E9EB396F59CA838C0BA5CE6DC6315A3 \
    "$GCLOUD_URL cloud-sdk main" "google-cloud-cli=$GCLOUD_VERSION-0"
