#!/bin/bash
. "$(dirname "$0")/lib.sh"

# The command and the language hosts that it starts, which must stand beside it.
file=pulumi-v$PULUMI_VERSION-linux-$short.tar.gz
fetch_checked "$PULUMI_URL/$file" "$PULUMI_URL/pulumi-$PULUMI_VERSION-checksums.txt" "${PULUMI_SHA256:-}"
tar -xzf "$file"
for program in pulumi/*; do
    put "$program" "${program##*/}"
done
