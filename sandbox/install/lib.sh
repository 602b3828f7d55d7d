# shellcheck shell=bash
# What the installers of the tools share. install.sh runs them in an empty folder, with bash -euo pipefail.

# Read by the installers that source this, as are the names of the machine that vendors use.
# shellcheck disable=SC2034
here=$(dirname "$(readlink -f "$0")")

# shellcheck disable=SC2034
case $(dpkg --print-architecture) in
    amd64) arch=amd64 machine=x86_64 short=x64 ;;
    arm64) arch=arm64 machine=aarch64 short=arm64 ;;
    *)
        echo "error: no vendor has tools for $(dpkg --print-architecture)" >&2
        exit 1
        ;;
esac

fail() {
    echo "error: $*" >&2
    exit 1
}

unavailable() {
    echo "$*" >reason
    exit 69
}

fetch() { # URL FILE
    local message
    message=$(curl --fail --silent --show-error --location --proto-redir '=https' --connect-timeout 20 --retry 2 \
        --output "$2" "$1" 2>&1) || unavailable "$1 could not be fetched: ${message##*curl: }"
}

check() { # FILE SHA256
    echo "$2  $1" | sha256sum --check --strict --quiet || fail "$1 is not the file whose digest is $2"
}

# The digest of a file in a list of them. Lists come as `DIGEST  NAME`, as `SHA256 (NAME) = DIGEST` among other kinds of
# digests, and as a digest alone.
digest_in() { # LIST FILE
    awk -v name="$2" '
        NF == 1 { print $1 }
        NF == 2 && ($2 == name || $2 == "*" name || $2 == "./" name) { print $1 }
        NF == 4 && $1 == "SHA256" && $2 == "(" name ")" { print $4 }
    ' "$1" | grep -E -m 1 -x '[0-9a-fA-F]{64}' || fail "the vendor's list has no digest of $2"
}

# Fetches a file into this folder and holds it to the digest that was given to the build, or else to the one that the
# vendor publishes beside it. Over plain HTTP a published one would prove nothing.
fetch_checked() { # URL-OF-FILE URL-OF-LIST DIGEST-OR-EMPTY
    local file=${1##*/} digest=$3
    fetch "$1" "$file"
    if [ -z "$digest" ]; then
        [[ $2 == https://* ]] || fail "$2 is not https: give the digest of $file as a build argument"
        fetch "$2" list
        digest=$(digest_in list "$file")
    fi
    check "$file" "$digest"
}

put() { # FILE NAME
    install -m 755 "$1" "/usr/local/bin/$2"
}

# Installs one version of a package from a vendor's own repository: its index is signed, and names the digest of the
# package. The key is the one with this fingerprint or none.
from_repository() { # NAME KEY-URL FINGERPRINT "URL SUITE COMPONENT" PACKAGE=VERSION
    local keyring=/usr/share/keyrings/$1.gpg list=/etc/apt/sources.list.d/$1.list
    fetch "$2" key
    export GNUPGHOME=$PWD/gnupg
    mkdir -m 700 "$GNUPGHOME"
    # Whatever else the file holds stays out.
    { gpg --batch --quiet --import key && gpg --batch --export "$3" >"$keyring"; } || true
    [ -s "$keyring" ] || fail "$2 has no key $3"
    echo "deb [arch=$arch signed-by=$keyring] $4" >"$list"
    # This repository alone: a mirror of Debian that is away for a moment has nothing to do with it.
    if ! apt-get update -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 \
        -o APT::Update::Error-Mode=any >answer 2>&1; then
        cat answer >&2
        rm -f "$list" "$keyring"
        # A wrong signature is no matter of being away.
        ! grep -qE 'NO_PUBKEY|BADSIG|EXPKEYSIG|not signed' answer || fail "the index of $4 is not signed as it should be"
        unavailable "the index of $4 could not be fetched"
    fi
    # What the package depends on is Debian's.
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$5" ||
        fail "$5 could not be installed from $4"
    # An image that is built on this one shall not need this vendor to install something else.
    rm -rf "$list" "$keyring" /var/lib/apt/lists/*
}
