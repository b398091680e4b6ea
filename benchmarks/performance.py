"""The short form of the speed benchmarks, ten minutes in all, written to docs/performance.md.

Run: make benchmark
"""

import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from index.cores import available_cores

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "performance.md"
#: What stands between the marks is written anew; the rest of the page is kept.
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_PARTS = (
    ("Encoding", ["benchmarks.encoding", "--passages", "48"]),
    ("Asking", ["benchmarks.asking", "--seconds", "2"]),
    ("Starting", ["benchmarks.starting"]),
)
#: What measures processor time keeps what it is held against to one core; whoever serves may use them all.
_ON_ONE_CORE = ("Encoding", "Starting")


def measure(command: list[str], *, on_one_core: bool) -> str:
    """Run one benchmark and return what it printed."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **({"OMP_NUM_THREADS": "1"} if on_one_core else {})}
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", *command], cwd=_ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def machine() -> str:
    """Return what the figures were measured on."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    name = found[1] if found else platform.processor()
    return f"{name}, {available_cores()} cores, load {os.getloadavg()[0]:.1f} when it began"


def main() -> None:
    """Measure, and put the figures in their place on the page."""
    parts = [f"{datetime.datetime.now(datetime.UTC):%d %B %Y}, {machine()}."]
    for heading, command in _PARTS:
        print(f"{heading} …", file=sys.stderr)  # noqa: T201
        found = measure(command, on_one_core=heading in _ON_ONE_CORE)
        parts.append(f"### {heading}\n\n`python -m {' '.join(command)}`\n\n{found}")
    before, rest = _PAGE.read_text(encoding="utf-8").split(_BEGIN)
    after = rest.split(_END)[1]
    measured = "\n\n".join([_BEGIN, *parts, _END])
    _PAGE.write_text(f"{before}{measured}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
