#!/usr/bin/env bash
# What the tests of containers stand on: an engine, small images, a registry. An engine is started only in CI or with
# STIGMER_TEST_INSTALL=1. The images are made here also where no registry can be reached.
#
#   scripts/engine.sh up                       start the installed dockerd, unless an engine answers
#   scripts/engine.sh base                     make the images of the tests, each only if it is missing
#   scripts/engine.sh registry PORT [htpasswd] run a registry on 127.0.0.1 until it is ended; with htpasswd, for
#                                              alice, whose password is pw. Its pid: target/registry/PORT.pid
#
# The images: stigmer-test/debian, stigmer-test/python:3.11, stigmer-test/node:20 (the official ones where they can be
# pulled), stigmer-test/tiny:1 (busybox alone), stigmer-test/no-shell:1 (one file), stigmer-sandbox-basic:local.
set -euo pipefail
. "$(dirname "$0")/common.sh"

work="$root/target/engine"

# Without a pin of Debian's packages, as in sandbox/: the release is the pin. Node.js comes from npm's registry.
release=bookworm
node=20.20.2
npm=10.9.4

answers() { have docker && timeout 5 docker version >/dev/null 2>&1; }

# dockerd in the background. It outlives this script, as the engine of a machine does.
up() {
    answers && return
    may_install_daemons || fail "no Docker engine answers, and none is started on a person's machine unasked" \
        "start yours, or let STIGMER_TEST_INSTALL=1 start dockerd"
    have dockerd || fail "dockerd is not installed" "scripts/need.sh test installs it here"
    local host=${DOCKER_HOST:-unix:///var/run/docker.sock} log="$work/dockerd.log" pid deadline
    [[ $host == unix://* ]] || fail "nothing answers at $host" "unset DOCKER_HOST to have dockerd started here"
    mkdir -p "$work"
    say "starting dockerd at $host"
    # For the group of this user, who may not be root. STIGMER_DOCKERD_OPTIONS: such as `--storage-driver vfs`.
    # shellcheck disable=SC2086 # Options, split at spaces.
    as_root setsid dockerd --host "$host" --group "$(id -gn)" ${STIGMER_DOCKERD_OPTIONS:-} >"$log" 2>&1 </dev/null &
    pid=$!
    deadline=$((SECONDS + 60))
    until answers; do
        if [ ! -d "/proc/$pid" ]; then
            tail -n 15 "$log" >&2
            fail "dockerd ended instead of starting" "its last lines stand above; all of them are in $log"
        elif [ $SECONDS -ge $deadline ]; then
            tail -n 15 "$log" >&2
            fail "dockerd did not answer within a minute" "its last lines stand above; all of them are in $log"
        fi
        sleep 0.2
    done
    say "dockerd answers"
}

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# The official image under the name that the tests use; fails where it cannot be pulled.
pulled() { # OFFICIAL NAME
    timeout 120 docker pull --quiet "$1" >/dev/null 2>&1 && docker tag "$1" "$2"
}

default_of() { sed -n "s/^ARG $1=//p" sandbox/Dockerfile.sandbox.basic; }

# A Debian as slim as the official one: the same files left out, and the same rules that leave them out later.
make_debian() {
    have debootstrap || fail "debootstrap is missing" "apt-get install debootstrap"
    say "making stigmer-test/debian: debian:$release-slim cannot be pulled here"
    local tree="$work/debian"
    as_root rm -rf "$tree"
    mkdir -p "$tree"
    as_root debootstrap --variant=minbase "$release" "$tree" >"$work/debootstrap.log" 2>&1 || {
        tail -n 15 "$work/debootstrap.log" >&2
        fail "debootstrap could not make a Debian" "all of what it said is in $work/debootstrap.log"
    }
    as_root tee "$tree/etc/dpkg/dpkg.cfg.d/docker" >/dev/null <<'END'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/groff/*
path-exclude /usr/share/lintian/*
END
    as_root tee "$tree/etc/apt/apt.conf.d/docker-clean" >/dev/null <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
END
    as_root tee "$tree/etc/apt/sources.list" >/dev/null <<END
deb http://deb.debian.org/debian $release main
deb http://deb.debian.org/debian $release-updates main
deb http://deb.debian.org/debian-security $release-security main
END
    as_root find "$tree/usr/share/doc" -type f ! -name copyright -delete
    as_root rm -rf "$tree"/usr/share/{man,info,locale,groff,lintian}/* "$tree"/var/lib/apt/lists/* \
        "$tree"/var/cache/apt/*.bin "$tree"/var/cache/apt/archives/*.deb "$tree"/var/cache/debconf/*-old \
        "$tree"/var/log/*.log "$tree"/var/log/apt/*
    as_root tar -C "$tree" --one-file-system -c . |
        docker import --change 'CMD ["bash"]' - stigmer-test/debian:latest >/dev/null
    as_root rm -rf "$tree"
}

# A Dockerfile from the standard input, without a context.
build_quietly() { # NAME
    docker build --quiet --tag "$1" - >"$work/build.log" 2>&1 || {
        tail -n 15 "$work/build.log" >&2
        fail "$1 could not be made"
    }
}

make_python() {
    say "making stigmer-test/python:3.11"
    build_quietly stigmer-test/python:3.11 <<'END'
FROM stigmer-test/debian
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates python-is-python3 python3 python3-pip python3-venv && \
    rm -rf /var/lib/apt/lists/* /usr/lib/python3.11/EXTERNALLY-MANAGED
END
}

from_npm() { # PACKAGE VERSION FOLDER: unpacked there
    mkdir -p "$3"
    curl --proto '=https' -fsSL "https://registry.npmjs.org/$1/-/$1-$2.tgz" | tar -xz -C "$3" --strip-components 1
}

# The paths are those of the official image.
make_node() {
    say "making stigmer-test/node:20"
    local tree="$work/node" arch
    case $(uname -m) in
        x86_64) arch=x64 ;;
        aarch64) arch=arm64 ;;
        *) fail "there is no Node.js for $(uname -m)" ;;
    esac
    rm -rf "$tree"
    mkdir -p "$tree/usr/local"
    { from_npm "node-linux-$arch" "$node" "$tree/usr/local" &&
        from_npm npm "$npm" "$tree/usr/local/lib/node_modules/npm"; } || fail "npm's registry could not be reached"
    rm -rf "$tree"/usr/local/{share,package.json,CHANGELOG.md,LICENSE,README.md}
    tar -C "$tree" --owner 0 --group 0 -c . | docker import - stigmer-test/node:20 >/dev/null
    rm -rf "$tree"
}

# Only busybox: starts at once, and has what tests of a sandbox touch: a user 1000, a home, /workspace, /tmp.
make_tiny() {
    say "making stigmer-test/tiny:1"
    docker run --rm stigmer-test/debian bash -euc '
        { apt-get update && apt-get install -y --no-install-recommends busybox-static; } >&2
        mkdir -p /tiny/bin /tiny/etc /tiny/home/sandbox /tiny/root /tiny/tmp /tiny/workspace
        cp "$(command -v busybox)" /tiny/bin/busybox
        for name in $(busybox --list); do [ -e "/tiny/bin/$name" ] || ln -s busybox "/tiny/bin/$name"; done
        printf "root:x:0:0:root:/root:/bin/sh\nsandbox:x:1000:1000::/home/sandbox:/bin/sh\n" >/tiny/etc/passwd
        printf "root:x:0:\nsandbox:x:1000:\n" >/tiny/etc/group
        chown 1000:1000 /tiny/home/sandbox /tiny/workspace
        chmod 1777 /tiny/tmp
        tar -C /tiny -c .' 2>"$work/tiny.log" |
        docker import --change 'ENV PATH=/bin' --change 'WORKDIR /workspace' --change 'USER sandbox' \
            --change 'CMD ["sh"]' - stigmer-test/tiny:1 >/dev/null || {
        tail -n 15 "$work/tiny.log" >&2
        fail "stigmer-test/tiny:1 could not be made"
    }
}

make_no_shell() {
    say "making stigmer-test/no-shell:1"
    local tree="$work/no-shell"
    mkdir -p "$tree"
    echo "There is nothing in this image but this file." >"$tree/only-file"
    tar -C "$tree" --owner 0 --group 0 -c only-file |
        docker import --change 'CMD ["/only-file"]' - stigmer-test/no-shell:1 >/dev/null
}

make_basic() {
    # What this machine trusts beyond the distribution's authorities, the build has to trust too.
    local extra=/usr/local/share/ca-certificates
    if [ -z "${STIGMER_EXTRA_CA:-}" ] && compgen -G "$extra/*.crt" >/dev/null; then
        export STIGMER_EXTRA_CA=$extra
    fi
    scripts/sandbox.sh build basic --quiet \
        --build-arg PYTHON_IMAGE=stigmer-test/python:3.11 --build-arg NODE_IMAGE=stigmer-test/node:20
}

base() {
    answers || fail "no Docker engine answers" "scripts/engine.sh up"
    mkdir -p "$work"
    # One at a time: tests that start together ask together.
    exec 9>"$work/lock"
    flock 9
    local official=yes node_pid=
    if ! has_image stigmer-test/debian; then
        pulled "debian:$release-slim" stigmer-test/debian || official=no
    fi
    if ! has_image stigmer-test/node:20; then
        { [ "$official" = yes ] && pulled "$(default_of NODE_IMAGE)" stigmer-test/node:20; } || {
            make_node &
            node_pid=$!
        }
    fi
    has_image stigmer-test/debian || make_debian
    if ! has_image stigmer-test/python:3.11; then
        { [ "$official" = yes ] && pulled "$(default_of PYTHON_IMAGE)" stigmer-test/python:3.11; } || make_python
    fi
    has_image stigmer-test/tiny:1 || make_tiny
    has_image stigmer-test/no-shell:1 || make_no_shell
    [ -z "$node_pid" ] || wait "$node_pid"
    scripts/sandbox.sh current basic || make_basic
}

registry() { # PORT [htpasswd]
    local port=${1:-} place
    [[ $port =~ ^[0-9]+$ ]] || fail "\`$port\` is no port" "scripts/engine.sh registry 5000"
    case ${2:-} in
        '' | htpasswd) ;;
        *) fail "\`$2\` is no way to log in" "htpasswd, or nothing" ;;
    esac
    have docker-registry || fail "docker-registry is missing" "apt-get install docker-registry"
    place="$root/target/registry/$port"
    # Nothing of the one before.
    rm -rf "$place"
    mkdir -p "$place"
    # Plain HTTP: engines take 127.0.0.0/8 for a network that needs no more.
    cat >"$place/config.yml" <<END
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $place/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$port"}
END
    if [ "${2:-}" = htpasswd ]; then
        # bcrypt of `pw`.
        # shellcheck disable=SC2016
        echo 'alice:$2b$05$lfteYYwvMas9GZX.AdonW.oTj1XPCDEOvea5E4IpnbzfooetpLYxu' >"$place/htpasswd"
        echo "auth: {htpasswd: {realm: test, path: $place/htpasswd}}" >>"$place/config.yml"
    fi
    echo $$ >"$place.pid"
    exec docker-registry serve "$place/config.yml"
}

case ${1:-} in
    up) up ;;
    base) base ;;
    registry) registry "${@:2}" ;;
    *) fail "\`${1:-}\` is nothing that can be done for the tests" "up, base or registry" ;;
esac
