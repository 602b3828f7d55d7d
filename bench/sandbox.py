"""Rows about sandboxes: what a command in one costs, beside the Docker client and the same image."""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

IMAGE = "stigmer-test/debian"
MIB = 1 << 20


def has_engine():
    asked = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True)
    return asked.returncode == 0


@contextmanager
def served(stigmer, home):
    """A server of this home, so that sandboxes are shared and held ready as while the app runs."""
    environment = os.environ | {"STIGMER_HOME": str(home), "STIGMER_SANDBOX_IMAGE": IMAGE}
    start = [stigmer, "server", "start", "--background", "--port", "0"]
    subprocess.run(start, env=environment, check=True, capture_output=True)
    try:
        yield environment
    finally:
        subprocess.run([stigmer, "server", "stop"], env=environment, capture_output=True)


@contextmanager
def container():
    """A container that waits for `docker exec`, from the same image."""
    name = f"bench-{os.getpid()}"
    start = ["docker", "run", "--detach", "--rm", "--network", "none", "--name", name, IMAGE, "sleep", "10000"]
    subprocess.run(start, check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True)


def reused(stigmer, home, medians):
    run = f"{stigmer} run --mode sandbox --image {IMAGE} --network none"
    with container() as name:
        plain, alone = medians(home, f"docker exec {name} true", f"{run} true", runs=40, warmup=4, shell=False)
        with served(stigmer, home):
            plain, hosted = medians(home, f"docker exec {name} true", f"{run} true", runs=40, warmup=4, shell=False)
    for what, ours in (("alone", alone), ("through a server", hosted)):
        ratio = ours / plain
        yield (
            f"`stigmer run` in a reused sandbox, {what}",
            f"`docker exec` ({plain * 1e3:.0f} ms)",
            f"{ratio:.2f}× the time ({ours * 1e3:.0f} ms)",
            "≤ 0.4×",
            ratio <= 0.4,
        )


def fresh(stigmer, home, _):
    """One at a time with a pause between, in which the next one is made ready; as a person starts them."""
    run = [stigmer, "run", "--mode", "sandbox", "--image", IMAGE, "--network", "none", "--fresh", "true"]
    rival = ["docker", "run", "--rm", "--network", "none", IMAGE, "true"]

    def timed(command, environment):
        start = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        took = time.perf_counter() - start
        time.sleep(1)
        return took

    with served(stigmer, home) as environment:
        timed(run, environment)
        pairs = [(timed(rival, os.environ), timed(run, environment)) for _ in range(15)]
    plain, ours = (sorted(times)[len(pairs) // 2] for times in zip(*pairs))
    ratio = plain / ours
    yield (
        "`stigmer run --fresh`, one held ready",
        f"`docker run --rm` ({plain * 1e3:.0f} ms)",
        f"{ratio:.1f}× as fast ({ours * 1e3:.0f} ms)",
        "≥ 8×",
        ratio >= 8,
    )


def output(stigmer, home, medians):
    lines = f"yes 'a line of output that is about as long as lines are' | head -c {256 * MIB}"
    file = Path(home) / "plain"
    run = f"{stigmer} run --mode sandbox --image {IMAGE} --network none"
    with container() as name:
        plain, ours = medians(
            home, f'docker exec {name} sh -c "{lines}" > {file}', f'{run} "{lines}" > /dev/null', runs=5, warmup=1
        )
    file.unlink()
    ratio = plain / ours
    yield (
        "256 MiB of lines from a sandbox to the log",
        f"`docker exec` to a file ({256 / plain:.0f} MiB/s)",
        f"{ratio:.2f}× the speed ({256 / ours:.0f} MiB/s)",
        "≥ 1×",
        ratio >= 1,
    )


def absent(stigmer, home, medians):
    """What a run on this machine costs more because there might be an engine: it is not looked for."""
    plain, ours = medians(
        home,
        f"env DOCKER_HOST=unix:///no/engine {stigmer} run true",
        f"{stigmer} run true",
        runs=40,
        warmup=4,
        shell=False,
    )
    more = (ours - plain) * 1e3
    yield "`stigmer run true` where Docker is", "where it is not", f"{more:+.1f} ms", "no more than 1 ms", more <= 1


ROWS = (reused, fresh, output, absent)
