#!/bin/bash
. "$(dirname "$0")/lib.sh"

# In an environment of its own: it pins a hundred packages. Microsoft publishes it on PyPI, for both architectures.
index=${PIP_INDEX_URL:-https://pypi.org/simple}
fetch "${index%/}/azure-cli/" index
python3 -m venv /opt/az
/opt/az/bin/pip install --quiet --only-binary :all: --require-hashes --requirement "$here/az.txt" ||
    fail "pip could not install what az.txt pins"
ln -s /opt/az/bin/az /usr/local/bin/az
