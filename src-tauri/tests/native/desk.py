"""A desk for one test: a display of its own, a session bus of its own, a home of its own, and the app on it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import x11
from tray import Tray

PROGRAMS = pathlib.Path(os.environ["STIGMER_PROGRAMS"])
APP = str(PROGRAMS / "stigmer-desktop")
COMMAND_LINE = str(PROGRAMS / "stigmer")

# Only keeps a broken test from hanging: everything is waited for, and nothing is timed.
DEADLINE = 120

HERE = pathlib.Path(__file__).parent


def until(what, answer, deadline=DEADLINE):
    """Asks until there is an answer that is true, and gives it."""
    end = time.monotonic() + deadline
    while True:
        found = answer()
        if found:
            return found
        assert time.monotonic() < end, f"waited for too long until {what}"
        time.sleep(0.02)


class Desk:
    """Everything on it ends with it."""

    def __init__(self, watcher=True, bus=True):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="stigmer-desk-"))
        self.home = self.top / "home"
        self.data = self.home / ".stigmer"
        for folder in (self.home, self.top / "runtime"):
            folder.mkdir(mode=0o700)
        self.processes = []
        self.display = self.open_display()
        self.environment = {
            "DISPLAY": self.display,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "NO_AT_BRIDGE": "1",
            "PATH": os.environ["PATH"],
            "SHELL": "/bin/sh",
            "STIGMER_HOME": str(self.data),
            "STIGMER_LOG": "warn,stigmer_desktop_lib=info",
            # Newer versions of WebKit draw nothing on a display without a graphics card.
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
            "XDG_RUNTIME_DIR": str(self.top / "runtime"),
        }
        for name in ("CONFIG", "CACHE", "DATA"):
            self.environment[f"XDG_{name}_HOME"] = str(self.home / name.lower())
        self.tray = None
        if bus:
            self.open_bus()
        if bus and watcher:
            self.start(["/usr/bin/python3", str(HERE / "watcher.py")])
        self.app = None

    def open_display(self):
        reading, writing = os.pipe()
        size = ["-screen", "0", "1400x900x24", "-nolisten", "tcp"]
        self.processes.append(
            subprocess.Popen(
                ["Xvfb", "-displayfd", str(writing), *size], pass_fds=[writing], stderr=subprocess.DEVNULL
            )
        )
        os.close(writing)
        with os.fdopen(reading) as pipe:
            return f":{pipe.readline().strip()}"

    def open_bus(self):
        arguments = ["dbus-daemon", "--session", "--nofork", "--print-address=1"]
        bus = self.start(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        address = bus.stdout.readline().strip()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        self.tray = Tray(address)

    def start(self, arguments, **options):
        process = subprocess.Popen(arguments, env=self.environment, **options)
        self.processes.append(process)
        return process

    def open_app(self, **variables):
        """Starts the app and waits for the first picture; `shown` says after how many seconds it came."""
        self.log = self.top / "app.log"
        with self.log.open("w") as log:
            environment = {**self.environment, **variables}
            begun = time.monotonic()
            self.app = subprocess.Popen([APP], env=environment, stdout=log, stderr=log)
        self.processes.append(self.app)
        until("the window is on the screen", lambda: "the window is on the screen" in self.said())
        self.shown = time.monotonic() - begun
        return self.app

    def said(self):
        return self.log.read_text(errors="replace")

    def windows(self, name="Stigmer"):
        return x11.windows(self.display, name)

    def close_window(self):
        """As the cross of a window does."""
        for window in self.windows():
            x11.close(self.display, window)
        until("the window is gone", lambda: not self.windows())

    def web_processes(self):
        return [pid for pid in descendants(self.app.pid) if "WebKit" in command_of(pid)]

    def server(self):
        """The address and the token of the API that the app hosts."""
        record = until("the API is hosted", lambda: read_json(self.data / "server.json"))
        return record["address"], (self.data / "server.token").read_text().strip()

    def api(self, method, path, body=None):
        address, token = self.server()
        address = address if address.startswith("http") else f"http://{address}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        request = urllib.request.Request(address.rstrip("/") + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def run(self, line):
        """Starts a run in the app and gives its id."""
        work = {"kind": "line", "line": line}
        body = {"work": work, "workspace": str(self.home), "origin": "api"}
        return self.api("POST", "/api/v1/runs", body)["run_id"]

    def state(self, run):
        return self.api("GET", f"/api/v1/runs/{run}")["state"]

    def wait_for(self, run, state):
        until(f"the run is {state}", lambda: self.state(run) == state)

    def close(self):
        for process in reversed(self.processes):
            stop(process)
        shutil.rmtree(self.top, ignore_errors=True)


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def descendants(pid):
    """Every process below one, without it."""
    children = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


def memory(pid):
    """The proportional share of memory of a process and all below it, in MiB."""
    total = 0
    for process in [pid, *descendants(pid)]:
        try:
            for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total / 1024


def tell(text):
    print(f"  {text}", file=sys.stderr, flush=True)
