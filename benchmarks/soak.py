"""A service that is asked for a long time while its index is rebuilt again and again: does its memory grow?

Every minute a document is replaced by another version of itself, the index is built beside the service, and the
service swaps to it. Memory is compared between the first minutes after three swaps and the last.

Example: nice .venv/bin/python -m benchmarks.soak --minutes 20
"""

import argparse
import asyncio
import threading
import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.load import Tally, closed_loop, endless_questions, median
from benchmarks.serving import Service, build, home_with, serving

_ROOT = Path(__file__).parents[1]
_CLIENTS = 2
_DOCUMENT = "soak.md"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rebuild-s", type=float, default=60.0, help="seconds between two builds")
    parser.add_argument(
        "--home", type=Path, help="a folder with corpus/ and a built index/, instead of a copy"
    )
    options = parser.parse_args()
    with (
        nullcontext(options.home) if options.home else home_with(_ROOT / "corpus") as home,
        serving(home) as service,
    ):
        report(home, service, seconds=60 * options.minutes, rebuild_s=options.rebuild_s)


def report(home: Path, service: Service, *, seconds: float, rebuild_s: float) -> None:
    """Measure and print."""
    questions = endless_questions(_ROOT / "corpus" / "questions" / "dev.jsonl", seed=20261125)
    samples: list[tuple[float, float]] = []  # seconds since the start, MiB
    started, done, builds = time.monotonic(), threading.Event(), [0]

    def sample() -> None:
        while not done.wait(1.0):
            samples.append((time.monotonic() - started, service.rss_mib()))

    def rebuild() -> None:
        while not done.wait(rebuild_s):
            builds[0] += 1
            _write_version(home, builds[0])
            build(home)

    threads = [threading.Thread(target=each) for each in (sample, rebuild)]
    for thread in threads:
        thread.start()
    try:
        tally: Tally = asyncio.run(closed_loop(service.port, questions, clients=_CLIENTS, seconds=seconds))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    _print(tally, samples, seconds=seconds, builds=builds[0])


def _print(tally: Tally, samples: list[tuple[float, float]], *, seconds: float, builds: int) -> None:
    # The allocator's arenas and the page cache of the first swaps are in place after a fifth of the time.
    early = [mib for at, mib in samples if 0.2 * seconds <= at < 0.35 * seconds]
    late = [mib for at, mib in samples if at >= 0.85 * seconds]
    table = Table("measure", "value")
    table.add_row(
        "minutes / builds / versions that answered", f"{seconds / 60:.0f} / {builds} / {len(tally.versions)}"
    )
    other = sum(tally.statuses.values()) - tally.of(200) + tally.lost
    table.add_row("answered / not answered", f"{tally.of(200)} / {other}")
    table.add_row("latency, p50 / p99 ms", f"{tally.percentile(0.5):.0f} / {tally.percentile(0.99):.0f}")
    table.add_row("memory, MiB: at the start", f"{samples[0][1]:.1f}")
    table.add_row(
        "memory, MiB: medians of 20 to 35 % and of the last 15 % of the time",
        f"{median(early):.1f}, {median(late):.1f} ({median(late) / median(early) - 1:+.2%})",
    )
    table.add_row("memory, MiB: most at any time", f"{max(mib for _, mib in samples):.1f}")
    Console(width=120).print(table)


def _write_version(home: Path, number: int) -> None:
    # As long each time, so that the index does not grow with the number of builds.
    text = f"# Notes on walking\n\nWalker {number:05d} felt a cramp at dawn and stretched the calf until it was gone.\n"
    (home / "corpus" / _DOCUMENT).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
