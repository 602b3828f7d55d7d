"""Rows about the cloud: runs in a sandbox that is up, and bringing a workspace there, beside Daytona's official SDK.

Both ask the same stand-in for Daytona on this machine, in one run. It answers at once, so what is compared is how often they ask
and what they do meanwhile; over a network each question costs more.
"""

import http.client
import json
import os
import statistics
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
KEY = "dtn_0123456789abcdef0123456789abcdefbench"
FILES, CHANGED = 10_000, 10
LINES = "for i in $(seq 60); do date +%s.%N; sleep 0.05; done"


class Cloud:
    """The stand-in, the SDK, and a home of ours with a workspace."""

    def __init__(self, target, home):
        self.stigmer = target / "release" / "stigmer"
        command = [target / "release" / "daytona-double", "--key", KEY]
        self.double = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.double.stdout.readline().strip()
        self.python = subprocess.run(
            [HERE.parent / "scripts" / "daytona-sdk.sh", "--python"],
            env=os.environ | {"CARGO_TARGET_DIR": str(target)}, check=True, capture_output=True, text=True,
        ).stdout.strip()
        self.home, self.workspace = home, home / "work"
        self.workspace.mkdir()
        self.environment = os.environ | {
            "STIGMER_HOME": str(home / "stigmer"),
            "DAYTONA_API_URL": self.url,
            "DAYTONA_API_KEY": KEY,
        }

    def sdk_command(self, *words):
        return [self.python, str(HERE / "cloud_sdk.py"), *map(str, words)]

    def sdk(self, *words):
        done = subprocess.run(self.sdk_command(*words), env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: the SDK failed: {done.stderr[-2000:]}")
        return done.stdout.strip()

    @contextmanager
    def sdk_running(self, *words):
        """Yields what has the SDK's program do its work once more, and returns what it prints then."""
        pipe = subprocess.PIPE
        program = subprocess.Popen(self.sdk_command(*words), env=self.environment, stdin=pipe, stdout=pipe, text=True)

        def answer():
            program.stdin.write("\n")
            program.stdin.flush()
            return program.stdout.readline()

        try:
            yield answer
        finally:
            program.communicate()

    def run_command(self, line):
        words = ["run", "--mode", "daytona", "--no-input", "--workspace", self.workspace, line]
        return [str(word) for word in [self.stigmer, *words]]

    def run(self, line):
        """Runs a line in the workspace's sandbox; what it printed, and seconds."""
        start = time.perf_counter()
        done = subprocess.run(self.run_command(line), env=self.environment, capture_output=True, text=True)
        took = time.perf_counter() - start
        if done.returncode != 0:
            raise SystemExit(f"bench: a run failed: {done.stderr}")
        return done.stdout, took

    def asked(self):
        """Questions since the last time."""
        base = self.url.removesuffix("/api") + "/__double/requests"
        import urllib.request

        with urllib.request.urlopen(base) as answer:
            asked = json.load(answer)
        urllib.request.urlopen(urllib.request.Request(base, method="DELETE")).close()
        return [f"{one['method']} {one['path']}" for one in asked]

    @contextmanager
    def served(self):
        """A server of this home. Yields what runs a line through its API over a connection that stays."""
        start = [self.stigmer, "server", "start", "--background", "--port", "0"]
        subprocess.run(start, env=self.environment, check=True, capture_output=True)
        folder = self.home / "stigmer"
        record = json.loads((folder / "server.json").read_text())
        token = (folder / "server.token").read_text().strip()
        place = urlsplit(f"//{record['address']}")
        connection = http.client.HTTPConnection(place.hostname, place.port)

        def ask(line):
            body = {"command": line, "mode": "daytona", "workspace": str(self.workspace)}
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            begun = time.perf_counter()
            connection.request("POST", "/api/v1/agents/bench/execute", json.dumps(body), headers)
            answer = json.load(connection.getresponse())
            took = time.perf_counter() - begun
            if not answer.get("success"):
                raise SystemExit(f"bench: a run through the API failed: {answer}")
            return answer["output"], took

        try:
            yield ask
        finally:
            connection.close()
            subprocess.run([self.stigmer, "server", "stop"], env=self.environment, capture_output=True)

    def end(self):
        self.double.stdin.close()
        self.double.wait(60)


@contextmanager
def cloud(target, home):
    one = Cloud(target, home)
    try:
        yield one
    finally:
        one.end()


def ready(target):
    """Why this cannot be measured here, if it cannot."""
    if not (target / "release" / "daytona-double").is_file():
        return "build it first: cargo build --release -p daytona-double"
    env = os.environ | {"CARGO_TARGET_DIR": str(target)}
    asked = subprocess.run([HERE.parent / "scripts" / "daytona-sdk.sh", "--ready"], env=env, capture_output=True, text=True)
    return asked.stdout.strip() or asked.stderr.strip()


def less(what, against, ours, theirs, most):
    ratio = ours / theirs
    told = f"{ratio:.2f}× the time ({ours * 1e3:.1f} ms)"
    return what, f"{against}: {theirs * 1e3:.1f} ms", told, f"≤ {most}×", ratio <= most


def at_most(what, against, seconds, theirs, most_ms):
    return what, f"{against}: {theirs * 1e3:.1f} ms", f"{seconds * 1e3:.1f} ms", f"≤ {most_ms} ms", seconds * 1e3 <= most_ms


def cloud_command(target, home):
    """A command on a sandbox that is up."""
    with cloud(target, home) as one:
        other = one.sdk("make")
        one.run("true")
        ours, theirs = [], []
        for _ in range(15):
            ours.append(one.run("true")[1])
            begun = time.perf_counter()
            one.sdk("exec", other)
            theirs.append(time.perf_counter() - begun)
        alone, whole = statistics.median(ours[2:]), statistics.median(theirs[2:])
        yield less("`stigmer run -m daytona` on a sandbox that is up, whole process", "the SDK, whole program", alone, whole, 0.7)
        with one.served() as ask:
            one.run("true")
            hosted = statistics.median(one.run("true")[1] for _ in range(15))
            yield less("the same through a server", "the SDK, whole program", hosted, whole, 0.7)
            ask("true")
            ours, theirs = [], []
            with one.sdk_running("warm", other) as answer:
                # In turn, so that whatever else this machine does slows both.
                for _ in range(60):
                    ours.append(ask("true")[1])
                    theirs.append(float(answer()))
            warm, calls = statistics.median(ours), statistics.median(theirs)
            yield less("a command inside a running engine", "`process.exec` in a running program", warm, calls, 0.7)
            one.asked()
            ask("true")
            print(f"<!-- asked by a run: {', '.join(one.asked())} -->", flush=True)


def fill(folder, count=FILES):
    for number in range(count):
        path = folder / f"d{number % 100:02}" / f"f{number:05}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"file {number}\n" * 20)


def cloud_copy(target, home):
    """The first copy of many small files, and the next one."""
    with cloud(target, home) as one:
        other = one.sdk("make")
        empty = one.run("true")[1]
        fill(one.workspace)
        theirs = float(one.sdk("upload", other, one.workspace))
        said, took = one.run("find . -type f | wc -l")
        assert int(said) == FILES, said
        yield (
            f"first copy of {FILES:,} small files, the whole run",
            f"`fs.upload_files`, the call alone: {theirs:.1f} s",
            f"{theirs / took:.1f}× as fast ({took:.2f} s; without files {empty:.2f} s)",
            "≥ 3×",
            theirs / took >= 3,
        )

        def change(round):
            for number in range(CHANGED):
                (one.workspace / f"d{number:02}" / f"f{number:05}.txt").write_text(f"changed {round}\n")

        def again(run, count=9):
            times = []
            for round in range(count):
                change(f"{count} {round}")
                said, took = run("cat d03/f00003.txt")
                assert said == f"changed {count} {round}\n", said
                times.append(took)
            return statistics.median(times)

        alone = again(one.run)
        with one.served() as ask:
            ask("true")
            ask("true")
            took = again(ask, 11)
            idle = statistics.median(ask("true")[1] for _ in range(9))
            yield (
                f"{CHANGED} of {FILES:,} files changed: from the change to the end of a run that reads one, in a running engine",
                f"the same without a change: {idle * 1e3:.0f} ms; a command alone: {alone * 1e3:.0f} ms",
                f"{took * 1e3:.0f} ms",
                "≤ 200 ms",
                took <= 0.2,
            )


def delays(lines):
    """Medians of the delays of lines that are the time of their printing, with the time of their arrival before."""
    pairs = [line.split() for line in lines if line.strip()]
    return statistics.median(float(came) - float(printed) for came, printed in pairs)


def cloud_log(target, home):
    """How soon a viewer sees a line, and the end."""
    with cloud(target, home) as one:
        other = one.sdk("make")
        one.run("true")

        def viewed():
            process = subprocess.Popen(one.run_command(LINES), env=one.environment, stdout=subprocess.PIPE, text=True)
            lines = [f"{time.time()} {line}" for line in process.stdout]
            process.wait()
            return lines

        theirs = delays(one.sdk("lines", other, LINES).splitlines())
        with one.served():
            ours = delays(viewed())
            yield at_most("a line of output, from the program to whoever watches `stigmer run`", "the SDK's followed log", ours, theirs, 100)

            def over():
                said, _ = one.run("date +%s.%N")
                return time.time() - float(said)

            took = statistics.median(over() for _ in range(15))
            yield at_most("the end, from the last act of a program to the end of `stigmer run`", "`process.exec`", took, float(one.sdk("end", other, 15)), 300)


ROWS = (cloud_command, cloud_copy, cloud_log)
