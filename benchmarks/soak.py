"""A service that is asked for a long time while its index is rebuilt again and again: does its memory grow?

Again and again a document is replaced by another version of itself and the index is built beside the service, which
swaps to it; in between the service is sent back and forth between the versions on disk, for a build takes a while on a
busy machine and a swap is what could leak. Memory is compared between an early stretch of the time and the last. What
is remembered on purpose, replies and encoded questions, has a limit, and is filled to it before the time begins.

Example: nice .venv/bin/python -m benchmarks.soak --minutes 20
"""

import argparse
import asyncio
import re
import threading
import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.load import SMALL_REPLY_CACHE_MB, Tally, closed_loop, endless_questions, fill_caches, median
from benchmarks.serving import Service, build, home_with, serving
from index.snapshot import activate, current_version, versions

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
    parser.add_argument("--swap-s", type=float, default=10.0, help="seconds between two swaps")
    options = parser.parse_args()
    with (
        nullcontext(options.home) if options.home else home_with(_ROOT / "corpus") as home,
        serving(home, CITEWELL_REPLY_CACHE_MB=SMALL_REPLY_CACHE_MB) as service,
    ):
        report(
            home, service, seconds=60 * options.minutes, rebuild_s=options.rebuild_s, swap_s=options.swap_s
        )


def report(home: Path, service: Service, *, seconds: float, rebuild_s: float, swap_s: float) -> None:
    """Measure and print."""
    questions = endless_questions(_ROOT / "corpus" / "questions" / "dev.jsonl", seed=20261125)
    fill_caches(service.port, _ROOT / "corpus" / "questions" / "dev.jsonl")
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

    def swap() -> None:
        while not done.wait(swap_s):
            known = versions(home / "index")
            older = [each for each in known if each != current_version(home / "index")]
            if older:
                activate(home / "index", older[-1])

    threads = [threading.Thread(target=each) for each in (sample, rebuild, swap)]
    for thread in threads:
        thread.start()
    try:
        tally: Tally = asyncio.run(closed_loop(service.port, questions, clients=_CLIENTS, seconds=seconds))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    status, exposed = service.get("/metrics")
    swapped = re.search(rb"^citewell_index_swaps_total (\S+)", exposed, re.MULTILINE)
    swaps = int(float(swapped[1])) if status == 200 and swapped else 0
    _print(tally, samples, seconds=seconds, builds=builds[0], swaps=swaps)


def _print(
    tally: Tally, samples: list[tuple[float, float]], *, seconds: float, builds: int, swaps: int
) -> None:
    # The allocator's arenas and the page cache of the first swaps are in place after a fifth of the time.
    early = [mib for at, mib in samples if 0.2 * seconds <= at < 0.35 * seconds]
    late = [mib for at, mib in samples if at >= 0.85 * seconds]
    table = Table("measure", "value")
    table.add_row(
        "minutes / builds / swaps / versions that answered",
        f"{seconds / 60:.0f} / {builds} / {swaps} / {len(tally.versions)}",
    )
    table.add_row("statuses / no reply within 30 s", f"{tally.statuses} / {tally.lost}")
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
