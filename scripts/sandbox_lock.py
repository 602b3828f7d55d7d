#!/usr/bin/env python3
"""Pins every Python package of the images, with the digests of its wheels for amd64 and arm64.

Reads sandbox/requirements.in and sandbox/install/az.in; writes requirements.txt and az.txt beside them. pip itself
resolves; nothing is installed."""

import json
import subprocess
import sys
from pathlib import Path

SANDBOX = Path(__file__).resolve().parent.parent / "sandbox"
PYTHON = "3.11"
# The newest first: a package may have wheels for one of them only.
MACHINES = {
    machine: [f"manylinux_2_{minor}_{machine}" for minor in (36, 34, 31, 28, 27, 26, 24, 17, 12, 5)]
    + [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    for machine in ("x86_64", "aarch64")
}


def resolve(wanted: Path, platforms: list[str]) -> dict[str, tuple[str, str]]:
    """Name to version and digest of everything that `wanted` brings on one kind of machine."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-",
               "--only-binary", ":all:", "--target", "/nowhere", "--implementation", "cp", "--python-version", PYTHON,
               *(part for platform in platforms for part in ("--platform", platform)), "--requirement", str(wanted)]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {
        package["metadata"]["name"].lower().replace("_", "-").replace(".", "-"): (
            package["metadata"]["version"], package["download_info"]["archive_info"]["hashes"]["sha256"])
        for package in report["install"]
    }


def lock(wanted: Path) -> None:
    found = [resolve(wanted, platforms) for platforms in MACHINES.values()]
    lines = [f"# Made from {wanted.name} by scripts/sandbox.sh lock; wheels of CPython {PYTHON} for amd64 and arm64."]
    for name in sorted({name for packages in found for name in packages}):
        pins = [packages[name] for packages in found if name in packages]
        if len({version for version, _ in pins}) != 1 or len(pins) != len(found):
            sys.exit(f"error: {name} is not the same on all machines: {pins}")
        digests = sorted({digest for _, digest in pins})
        lines.append(" \\\n    ".join([f"{name}=={pins[0][0]}", *(f"--hash=sha256:{digest}" for digest in digests)]))
    wanted.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    print(f"{wanted.with_suffix('.txt').name}: {len(lines) - 1} packages")


for source in (SANDBOX / "requirements.in", SANDBOX / "install" / "az.in"):
    lock(source)
