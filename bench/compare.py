"""The table of `make bench`: each row is a ratio or a difference of two things measured in one run."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cloud
import sandbox

TARGET = Path(sys.argv[1])
STIGMER = TARGET / "release" / "stigmer"
GIB = 1 << 30
LINES = f"seq 1 110000000 | head -c {GIB}"


def medians(home, *commands, runs=10, warmup=2, shell=True):
    """Median seconds of each command, measured in turn by hyperfine."""
    with tempfile.NamedTemporaryFile() as result:
        how = [] if shell else ["--shell=none"]
        arguments = ["hyperfine", "--style=none", "--export-json", result.name, f"--runs={runs}", f"--warmup={warmup}"]
        environment = os.environ | {"STIGMER_HOME": str(home)}
        measured = subprocess.run([*arguments, *how, *commands], env=environment, capture_output=True, text=True)
        if measured.returncode != 0:
            sys.exit(measured.stderr)
        return [entry["median"] for entry in json.load(result)["results"]]


def peak_memory(home, *command):
    """Largest resident sizes of `stigmer` and its runner, added up, in bytes, over the life of `command`.

    Read from the kernel's own high-water marks while they live: what a parent is told of its children has the
    parent's size as its floor.
    """
    environment = os.environ | {"STIGMER_HOME": str(home)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peaks = {}
    while process.poll() is None:
        for pid in [str(process.pid), *descendants(process.pid)]:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            if fields["Name"].startswith("stigmer") and "VmHWM" in fields:
                peaks[pid] = int(fields["VmHWM"].split()[0]) * 1024
        time.sleep(0.005)
    if process.returncode != 0 or not peaks:
        sys.exit(f"bench: {command} ended with {process.returncode}")
    return sum(peaks.values())


def descendants(pid):
    """Ids of the processes that threads of `pid` started."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += thread.read_text().split()
        except OSError:
            pass
    return found


def criterion(*name):
    """Median of a criterion benchmark in seconds, or None if it was not run."""
    path = TARGET.joinpath("criterion", *name, "new", "estimates.json")
    return json.loads(path.read_text())["median"]["point_estimate"] / 1e9 if path.is_file() else None


def short_run(home):
    plain, ours = medians(home, "sh -c true", f"{STIGMER} run true", runs=100, warmup=10, shell=False)
    return "`stigmer run true`", "`sh -c true`", f"{(ours - plain) * 1e3:.1f} ms more", "≤ 15 ms more", ours - plain <= 15e-3


def hosted_run(_):
    plain, ours = criterion("run", "bare spawn and wait"), criterion("run", "run in a hosted engine")
    if plain is None or ours is None:
        return None
    return "run in a hosted engine", "bare spawn and wait", f"{(ours - plain) * 1e3:.1f} ms more", "≤ 2 ms more", ours - plain <= 2e-3


def output_to_disk(home):
    file = home / "plain"
    producer = f"head -c {GIB} /dev/zero"
    plain, ours = medians(
        home, f"{producer} | cat > {file}", f"{STIGMER} run '{producer}' > /dev/null", runs=5, warmup=1
    )
    file.unlink()
    ratio = plain / ours
    return "1 GiB, process to log", "`cat >file`", f"{ratio:.2f}× the speed", "≥ 0.5×", ratio >= 0.5


def memory(home):
    idle = peak_memory(home, STIGMER, "run", "sleep 1")
    busy = peak_memory(home, STIGMER, "run", f"yes 'a line of output' | head -c {GIB}")
    more = (busy - idle) / (1 << 20)
    return "memory over 1 GiB of output", "a run of `sleep 1`", f"{more:.1f} MiB more ({busy / (1 << 20):.0f} MiB in all)", "≤ 64 MiB more", more <= 64


def searched(home, against, make_file):
    """A row that compares a search of a 1 GiB log with `rg` in the file that `make_file` leaves."""
    environment = os.environ | {"STIGMER_HOME": str(home), "STIGMER": str(STIGMER)}
    subprocess.run([STIGMER, "run", LINES], check=True, env=environment, stdout=subprocess.DEVNULL)
    one = home / "one.log"
    subprocess.run(f"{make_file} > {one}", check=True, env=environment, shell=True)
    pattern = "77777[0-9]9$"
    plain, ours = medians(
        home, f"rg --count '{pattern}' {one}", f"{STIGMER} runs search --count '{pattern}' last", runs=5, warmup=1
    )
    one.unlink()
    measured = f"{ours / plain:.2f}× the time ({ours * 1e3:.0f} against {plain * 1e3:.0f} ms)"
    return "search of a 1 GiB log", against, measured, "≤ 2×", ours / plain <= 2


def search_redirected(home):
    return searched(home, "`rg`, the same output redirected", LINES)


def search_copy(home):
    return searched(home, "`rg`, a copy of the log", '"$STIGMER" runs logs last')


def history(_):
    root = TARGET / "criterion"
    worst = {
        entry.parent.parent.relative_to(root): json.loads(entry.read_text())["median"]["point_estimate"]
        for entry in root.glob("*/list*/new/estimates.json")
    }
    if not worst:
        return None
    name = max(worst, key=worst.get)
    slowest = worst[name] / 1e6
    return "filtered list of 100,000 runs, the slowest", "", f"{slowest:.1f} ms", "≤ 50 ms", slowest <= 50


def machine():
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory_total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return f"{os.cpu_count()} × {model}, {memory_total:.0f} GiB, Linux {platform.release()}"


def told(row):
    """Prints a row; whether it met its target."""
    what, against, measured, target, met = row
    print(f"| {what} | {against} | {measured} | {target} | {'met' if met else 'MISSED'} |", flush=True)
    return met


def main():
    folder = Path(tempfile.mkdtemp(prefix="stigmer-bench-"))
    print(f"{machine()}\n\n| what | against | measured | target | |\n| --- | --- | --- | --- | --- |")
    missed = False
    try:
        wanted = lambda measure: len(sys.argv) < 3 or measure.__name__ in sys.argv[2:]
        rows = (short_run, hosted_run, output_to_disk, memory, search_redirected, search_copy, history)
        for measure in filter(wanted, rows):
            home = folder / measure.__name__
            home.mkdir()
            row = measure(home)
            shutil.rmtree(home)
            if row is None:
                print(f"| {measure.__name__} | | not measured: run `make bench` | | |")
                continue
            missed |= not told(row)
        for measure in filter(wanted, sandbox.ROWS):
            if not sandbox.has_engine():
                print(f"| {measure.__name__} | | not measured: no engine; scripts/engine.sh up && scripts/engine.sh base | | |")
                continue
            home = folder / measure.__name__
            home.mkdir()
            for row in measure(STIGMER, home, medians):
                missed |= not told(row)
            # What it left behind ends by itself; its folder is not needed for that.
            environment = os.environ | {"STIGMER_HOME": str(home)}
            subprocess.run([STIGMER, "sandbox", "rm", "--all"], env=environment, capture_output=True)
            shutil.rmtree(home)
        for measure in filter(wanted, cloud.ROWS):
            if why := cloud.ready(TARGET):
                print(f"| {measure.__name__} | | not measured: {why} | | |")
                continue
            home = folder / measure.__name__
            home.mkdir()
            for row in measure(TARGET, home):
                missed |= not told(row)
            shutil.rmtree(home)
    finally:
        shutil.rmtree(folder)
    sys.exit(1 if missed else 0)


main()
