#!/usr/bin/env python3
"""A first run: progress, colours, and something on standard error.

Change it, save it, and run it again.
"""

import sys
import time

STEPS = 20


def main() -> int:
    print("\033[1mHello from Stigmer\033[0m, Python", sys.version.split()[0], flush=True)
    for step in range(1, STEPS + 1):
        bar = "#" * step + "." * (STEPS - step)
        print(f"\r[{bar}] {step}/{STEPS}", end="", flush=True)
        time.sleep(0.1)
    print()
    print("warning: this line is on standard error", file=sys.stderr, flush=True)
    for number, color in enumerate(["red", "green", "yellow", "blue", "magenta", "cyan"], start=31):
        print(f"\033[{number}m{color}\033[0m", end=" ")
    print("\n\033[32mdone\033[0m")
    return 0


if __name__ == "__main__":
    sys.exit(main())
