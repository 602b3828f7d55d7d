#!/usr/bin/env python3
"""Holds sandbox images to sandbox/tools.json: sandbox_test.py IMAGE...

Starts a container of each image, asks every tool of its tier for its version, and tries what a run relies on. Prints a
table; ends with 1 if something is missing. What an image itself notes as skipped is named, and is no failure."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SANDBOX = Path(__file__).resolve().parent.parent / "sandbox"
TIERS = json.loads((SANDBOX / "tools.json").read_text())["tiers"]
# Every top-level module of the packages that requirements.in names.
IMPORTS = """
import importlib, importlib.metadata as metadata, sys
wanted = {name.lower() for name in sys.argv[1:]}
found = {}
for module, packages in metadata.packages_distributions().items():
    for package in packages:
        found.setdefault(package.lower(), set()).add(module)
missing = sorted(wanted - set(found))
if missing:
    sys.exit("not installed: " + ", ".join(missing))
for package in sorted(wanted):
    for module in sorted(found[package]):
        if not module.startswith("_"):
            importlib.import_module(module)
print(len(wanted), "packages")
"""


def tools_of(tier: str) -> list[dict]:
    inherited = TIERS[tier].get("includes")
    return (tools_of(inherited) if inherited else []) + TIERS[tier]["tools"]


def docker(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["docker", *arguments], text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)


class Sandbox:
    """A container that waits, hardened as those of runs are; gone at the end, whatever happens."""

    def __init__(self, image: str):
        self.image = image

    def __enter__(self):
        started = docker("run", "--detach", "--rm", "--init", "--pull", "never", "--network", "none",
                         "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                         "--label", "org.stigmer.sandbox-test", self.image, "sleep", "600")
        if started.returncode:
            sys.exit(f"error: no container of {self.image} could be started\n{started.stdout.strip()}")
        self.id = started.stdout.split()[-1]
        return self

    def __exit__(self, *_):
        docker("rm", "--force", "--volumes", self.id)

    def ask(self, command: list[str]) -> tuple[bool, str]:
        """Whether it ended well, and what it said."""
        answer = docker("exec", self.id, *command)
        return answer.returncode == 0, answer.stdout.strip()


def checks() -> list[tuple[str, list[str], str]]:
    """What a run relies on: a name, a command, and a pattern that its answer must match."""
    packages = re.findall(r"^([\w.-]+)==", (SANDBOX / "requirements.in").read_text(), re.MULTILINE)
    return [
        ("user", ["id", "-u"], r"^(1000)$"),
        ("home", ["sh", "-c", 'touch "$HOME/probe" && rm "$HOME/probe" && echo "$HOME"'], r"^(/home/\S+)$"),
        ("workspace", ["sh", "-c", 'touch /workspace/probe && rm /workspace/probe && pwd'], r"^(/workspace)$"),
        ("python -c", ["python", "-c", "print(6 * 7)"], r"^(42)$"),
        ("node -e", ["node", "-e", "console.log(6 * 7)"], r"^(42)$"),
        ("bash -c", ["bash", "-c", "echo $((6 * 7))"], r"^(42)$"),
        ("imports", ["python", "-c", IMPORTS, *packages], r"(\d+ packages)$"),
    ]


def test(image: str) -> bool:
    title = docker("image", "inspect", "--format",
                   '{{index .Config.Labels "org.opencontainers.image.title"}}', image).stdout
    tier = "full" if title.strip().endswith("full") else "basic"
    with Sandbox(image) as sandbox, ThreadPoolExecutor(4) as pool:
        if not sandbox.ask(["sleep", "0"])[0]:
            print(f"error: a container of {image} does not stay up: it has no `sleep`")
            return False
        noted = sandbox.ask(["cat", "/usr/local/share/stigmer/skipped"])
        skipped = dict(line.split(": ", 1) for line in noted[1].splitlines()) if noted[0] else {}
        asked = [(tool["name"], tool["ask"], tool["version"]) for tool in tools_of(tier)] + checks()
        answers = pool.map(lambda row: sandbox.ask(row[1]), asked)
        print(f"{image} ({tier})")
        good = True
        for (name, _, pattern), (ended_well, answer) in zip(asked, answers):
            found = re.search(pattern, answer, re.MULTILINE)
            if ended_well and found:
                state, detail = "ok", found[1]
            elif name in skipped:
                state, detail = "skipped", skipped[name]
            else:
                state, detail = "MISSING", (answer.splitlines() or ["it says nothing"])[-1]
                good = False
            print(f"  {state:<8} {name:<11} {detail}")
    for name, reason in skipped.items():
        print(f"SKIPPED: {name} in {image}: {reason}")
    return good


if not all([test(image) for image in sys.argv[1:]]):
    sys.exit(1)
