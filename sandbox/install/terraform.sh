#!/bin/bash
. "$(dirname "$0")/lib.sh"

base=$TERRAFORM_URL/$TERRAFORM_VERSION file=terraform_${TERRAFORM_VERSION}_linux_$arch.zip
fetch_checked "$base/$file" "$base/terraform_${TERRAFORM_VERSION}_SHA256SUMS" "${TERRAFORM_SHA256:-}"
unzip -q "$file" terraform
put terraform terraform
