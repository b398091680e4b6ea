"""A service that is asked four times as much as it can answer: what it still answers, how fast it says that it lives.

Goodput is the number of answers a second. The peak is measured with as many clients as keep the threads busy, before
and after each of three rounds in which questions come at four times the first peak, whatever becomes of them; a round
is held against the mean of the peaks on either side of it, since machines are not as fast at one time as at another.

Example: .venv/bin/python -m benchmarks.overload --seconds 60
"""

import argparse
import asyncio
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.load import (
    SMALL_REPLY_CACHE_MB,
    Tally,
    closed_loop,
    endless_questions,
    fill_caches,
    median,
    open_loop,
    probe_health,
)
from benchmarks.serving import Service, home_with, serving

_ROOT = Path(__file__).parents[1]
_ROUNDS = 3
_PEAK_S = 10.0
_PEAK_CLIENTS = 4  # two threads, and for each a question that waits


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is overloaded")
    parser.add_argument("--times", type=float, default=4.0, help="how much more than the peak is asked")
    parser.add_argument(
        "--home", type=Path, help="a folder with corpus/ and a built index/, instead of a copy"
    )
    options = parser.parse_args()
    with (
        nullcontext(options.home) if options.home else home_with(_ROOT / "corpus") as home,
        serving(home, CITEWELL_REPLY_CACHE_MB=SMALL_REPLY_CACHE_MB) as service,
    ):
        report(service, seconds=options.seconds, times=options.times)


def report(service: Service, *, seconds: float, times: float) -> None:
    """Measure and print."""
    questions = endless_questions(_ROOT / "corpus" / "questions" / "dev.jsonl", seed=20261125)

    def peak() -> Tally:
        return asyncio.run(closed_loop(service.port, questions, clients=_PEAK_CLIENTS, seconds=_PEAK_S))

    fill_caches(service.port, _ROOT / "corpus" / "questions" / "dev.jsonl")
    asyncio.run(closed_loop(service.port, questions, clients=_PEAK_CLIENTS, seconds=5))
    peaks, memory = [peak().of(200) / _PEAK_S], _Memory(service)
    rate, part_s = times * peaks[0], seconds / _ROUNDS
    during, alive, bare = Tally(), Tally(), Tally()
    goodputs: list[float] = []
    with multiprocessing.get_context("spawn").Pool(1) as other, memory:
        for _ in range(_ROUNDS):
            health = other.apply_async(probe_health, (service.port, part_s))
            with memory.sampling():
                found = asyncio.run(open_loop(service.port, questions, per_s=rate, seconds=part_s))
            for whole, part in zip((alive, bare, during), (*health.get(), found), strict=True):
                whole.merge(part)
            goodputs.append(found.of(200) / part_s)
            peaks.append(peak().of(200) / _PEAK_S)
    shares = [
        goodput / ((before + after) / 2)
        for goodput, before, after in zip(goodputs, peaks, peaks[1:], strict=False)
    ]
    early, late = memory.early_and_late()
    table = Table("measure", "value")
    table.add_row("peaks, answers a second", ", ".join(f"{each:.1f}" for each in peaks))
    table.add_row("asked a second", f"{rate:.0f}")
    table.add_row("goodputs, answers a second", ", ".join(f"{each:.1f}" for each in goodputs))
    table.add_row(
        "goodput against the peaks, median (each)",
        f"{median(shares):.2f} ({', '.join(f'{each:.2f}' for each in shares)})",
    )
    table.add_row("answered 200 / refused 429 / other / lost", _outcomes(during))
    table.add_row(
        "latency of answers, p50 / p99 ms", f"{during.percentile(0.5):.0f} / {during.percentile(0.99):.0f}"
    )
    table.add_row(
        "/health/live, p50 / p99 / most ms",
        f"{alive.percentile(0.5):.1f} / {alive.percentile(0.99):.1f} / {alive.percentile(1):.1f}",
    )
    table.add_row(
        "a bare server beside it, p50 / p99 / most ms",
        f"{bare.percentile(0.5):.1f} / {bare.percentile(0.99):.1f} / {bare.percentile(1):.1f}",
    )
    table.add_row("/health/live, asked / not 200", f"{sum(alive.statuses.values())} / {_not_200(alive)}")
    table.add_row("memory, MiB: first and last tenth", f"{early:.1f}, {late:.1f} ({late / early - 1:+.1%})")
    Console(width=120).print(table)


def _outcomes(tally: Tally) -> str:
    other = sum(tally.statuses.values()) - tally.of(200) - tally.of(429)
    return f"{tally.of(200)} / {tally.of(429)} / {other} / {tally.lost}"


def _not_200(tally: Tally) -> int:
    return sum(tally.statuses.values()) - tally.of(200) + tally.lost


class _Memory:
    """Samples a service's memory twice a second while it is told to, until the end of the block."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._samples: list[float] = []
        self._done = threading.Event()
        self._is_sampling = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(0.5):
            if self._is_sampling:
                self._samples.append(self._service.rss_mib())

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Sample in this block."""
        self._is_sampling = True
        try:
            yield
        finally:
            self._is_sampling = False

    def early_and_late(self) -> tuple[float, float]:
        tenth = max(len(self._samples) // 10, 1)
        return median(self._samples[:tenth]), median(self._samples[-tenth:])


if __name__ == "__main__":
    main()
