"""How fast questions are answered over HTTP: beside the bare encoder call and an endpoint written in an afternoon.

Run: python -m benchmarks.asking
Every round runs all of them in turn; a busy neighbour is a process that does nothing but compute, one a core.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import load
from benchmarks.encoding import on_one_core, questions
from benchmarks.rounds import interleave, table
from benchmarks.serving import home_with, serving
from index.cores import available_cores
from index.embedding import Embedder
from service import wiring
from service.settings import read_settings

_ROOT = Path(__file__).parents[1]
_QUESTIONS = _ROOT / "corpus" / "questions" / "dev.jsonl"
_YARDSTICK = "the afternoon endpoint"
#: More questions than are encoded in a second.
_MOST_PER_S = 5_000
#: What no service that encodes each question by itself can reach on this machine.
_ENCODER_ALONE = "the encoder alone, on every core"
#: The yardstick refuses nobody either.
_PATIENT = {"CITEWELL_MAX_WAITING": "200"}
_TWO = {"CITEWELL_WORKERS": "2"}


@contextmanager
def afternoon() -> Iterator[tuple[int, int]]:
    """Serve the endpoint of `benchmarks.afternoon`; yield its port and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-m", "benchmarks.afternoon", str(port)],
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(port: int) -> None:
    for _ in range(1_200):
        with contextlib.suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/empty")
            connection.getresponse().read()
            return
        time.sleep(0.25)
    raise RuntimeError("the yardstick did not start")


def p50_ms(port: int, requests: Iterator[bytes], *, count: int) -> float:
    """Return the median time of one request after the other over one connection, in ms."""

    async def run() -> float:
        connection, took = load.Connection(port), []
        for request in itertools.islice(requests, count):
            began = time.perf_counter()
            status, _ = await connection.send(request)
            took.append(1_000 * (time.perf_counter() - began))
            if status != 200:
                raise RuntimeError(f"status {status}")
        connection.close()
        return statistics.median(took)

    return asyncio.run(run())


def per_s(port: int, *, clients: int, seconds: float) -> float:
    """Return how many questions a second are answered, none of them twice."""
    requests = load.endless_questions(_QUESTIONS, seed=time.perf_counter_ns())
    tally = asyncio.run(load.closed_loop(port, requests, clients=clients, seconds=seconds))
    return tally.of(200) / seconds


def encodings_per_s(embedder: Embedder, *, seconds: float) -> float:
    """Return how many questions a second are encoded, one by one on every core at once, and nothing else done."""
    fresh = load.endless_questions(_QUESTIONS, seed=time.perf_counter_ns())
    texts = iter(_texts(itertools.islice(fresh, round(_MOST_PER_S * seconds))))
    until = time.perf_counter() + seconds

    def encode() -> int:
        done = 0
        while time.perf_counter() < until:
            embedder.encode_query(next(texts))
            done += 1
        return done

    with ThreadPoolExecutor(available_cores()) as pool:
        return (
            sum(each.result() for each in [pool.submit(encode) for _ in range(available_cores())]) / seconds
        )


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep every core busy until the end of the block."""
    neighbours = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(available_cores())]
    for each in neighbours:
        each.start()
    try:
        yield
    finally:
        for each in neighbours:
            each.kill()


def _compute() -> None:
    while True:
        sum(range(10_000))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--home", type=Path, help="A folder with corpus, index and cache; one is made by default."
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="of load, for each thing in each round")
    parser.add_argument("--clients", type=int, nargs="+", default=[32])
    options = parser.parse_args()
    with (
        _home(options.home) as home,
        serving(home, **_PATIENT) as ours,
        afternoon() as (port, pid),
    ):
        _say(_latencies(ours.port, port, rounds=options.rounds))
        _say(_profile(ours.log.read_text(encoding="utf-8")))
        single = on_one_core(read_settings())
        with serving(home, log_name="two.log", **_PATIENT, **_TWO) as two:
            asked = {_YARDSTICK: port, "this service": ours.port, "this service, two processes": two.port}
            for clients, busy in itertools.product(options.clients, (False, True)):
                with busy_neighbour() if busy else contextlib.nullcontext():
                    rates = interleave(
                        {
                            **{
                                name: partial(per_s, each, clients=clients, seconds=options.seconds)
                                for name, each in asked.items()
                            },
                            _ENCODER_ALONE: partial(encodings_per_s, single, seconds=options.seconds),
                        },
                        rounds=options.rounds,
                        yardstick=_YARDSTICK,
                    )
                heading = f"questions a second, {clients} clients{', busy neighbour' if busy else ''}"
                _say(table(heading, rates, unit="a second", yardstick=_YARDSTICK))
            _say(
                f"Resident after it: this service {ours.rss_mib():.0f} MiB, {_YARDSTICK} {_rss_mib(pid):.0f} MiB; "
                f"what is shared counted once: this service {ours.pss_mib():.0f} MiB, two processes and their "
                f"parent {two.pss_mib():.0f} MiB."
            )


def _latencies(ours: int, theirs: int, *, rounds: int) -> str:
    os.environ["HF_HUB_OFFLINE"] = "1"
    embedder, asked = wiring.make_embedder(read_settings()), questions(20)
    single = on_one_core(read_settings())
    fresh = load.endless_questions(_QUESTIONS, seed=1)
    again, nothing = itertools.repeat(load.ask(asked[0])), itertools.repeat(load.get("/empty"))
    measured = interleave(
        {
            _YARDSTICK: lambda: p50_ms(theirs, fresh, count=20),
            "this service": lambda: p50_ms(ours, fresh, count=20),
            "this service, asked before": lambda: p50_ms(ours, again, count=100),
            "an empty route": lambda: p50_ms(theirs, nothing, count=100),
            # Questions of the same making: what tells each from the others is some tokens long.
            "the bare encoder call": lambda: _bare_ms(embedder, _texts(itertools.islice(fresh, 20))),
            "the bare encoder call, on one core": lambda: _bare_ms(
                single, _texts(itertools.islice(fresh, 20))
            ),
        },
        rounds=rounds,
        yardstick=_YARDSTICK,
    )
    lines = [table("p50 of one question, one client", measured, unit="ms", yardstick=_YARDSTICK), ""]
    _, whole, kept, empty, bare, bare_alone = (each.values for each in measured)
    lines.append(
        f"This service ÷ the bare encoder call: {_median_ratio(whole, bare):.3g}; on one core: "
        f"{_median_ratio(whole, bare_alone):.3g}."
    )
    lines.append(f"This service, asked before ÷ an empty route: {_median_ratio(kept, empty):.3g}.")
    return "\n".join(lines)


def _texts(requests: Iterable[bytes]) -> list[str]:
    return [str(json.loads(each.partition(b"\r\n\r\n")[2])["question"]) for each in requests]


def _bare_ms(embedder: Embedder, asked: Sequence[str]) -> float:
    """Return the median time of encoding a question in this process, in ms."""
    took = []
    for question in asked:
        began = time.perf_counter()
        embedder.encode_query(question)
        took.append(1_000 * (time.perf_counter() - began))
    return statistics.median(took)


def _median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def _profile(log: str) -> str:
    """Return where the time of a question went, by the service's own log, as a Markdown table of medians."""
    lines = [json.loads(line)["stages_ms"] for line in log.splitlines() if '"stages_ms": {"' in line]
    rows = [
        f"| {name} | {statistics.median(line.get(name, 0.0) for line in lines):.2f} ms |"
        for name in sorted({name for line in lines for name in line})
    ]
    return "\n".join(["| stage of a question, one client | median |", "| --- | --- |", *rows])


def _rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _say(text: str) -> None:
    print(f"{text}\n", flush=True)  # noqa: T201  # what a benchmark is for


def _home(given: Path | None) -> AbstractContextManager[Path]:
    made = home_with(_ROOT / "corpus", cache=read_settings().cache_dir)
    return contextlib.nullcontext(given) if given else made


if __name__ == "__main__":
    main()
