"""A batch of questions beside the same number of single ones, on one service in one run, with its memory.

Single questions go over one kept connection, one after another. No question is asked twice, so that nothing
remembered flatters either side. Each round asks as many singly as in a batch, and the order changes from round
to round. Beside them, with the service idle: how many the encoder alone encodes, as a batch has them encoded, which no
batch can exceed.

Example: .venv/bin/python -m benchmarks.batch --questions 1000
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from answer.questions import read_questions
from index.embedding import Embedder
from service import wiring
from service.batch_asking import QUESTIONS_PER_WINDOW
from service.remote_service import RefusedRequestError, RemoteService
from service.settings import read_settings

_ROUNDS = 3
_START_S = 120


def main() -> None:
    """Print rates, their ratio and the memory of the service, round by round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--questions", type=int, default=1_000, help="in one batch, and as many singly, each round"
    )
    parser.add_argument("--corpus", type=Path, default=Path("corpus"), help="whose questions are asked")
    options = parser.parse_args()
    per_round = options.questions
    asked = _distinct_questions(options.corpus)
    embedder = wiring.make_embedder(read_settings())
    ways: dict[str, Callable[[RemoteService, Sequence[str]], float]] = {
        "single": _single,
        "batch": _batch,
        "encoded": lambda _, questions: _encoded(embedder, questions),
    }
    table = Table("round", "single /s", "batch /s", "ratio", "encoder alone /s", "÷ single", "memory MB")
    totals = dict.fromkeys(ways, 0.0)
    with _running() as (url, pid), closing(RemoteService(url)) as service:
        _single(service, list(islice(asked, 20)))
        _batch(service, list(islice(asked, 300)))
        table.add_row("before", "", "", "", "", "", f"{_memory_mb(pid):.1f}")
        for number in range(_ROUNDS):
            took = {}
            for kind in ways if number % 2 == 0 else reversed(ways):
                took[kind] = ways[kind](service, list(islice(asked, per_round)))
                totals[kind] += took[kind]
            table.add_row(str(number + 1), *_figures(took, per_round), f"{_memory_mb(pid):.1f}")
        table.add_section()
        table.add_row("all", *_figures(totals, _ROUNDS * per_round), "")
    Console().print(table)


def _figures(took: dict[str, float], n: int) -> tuple[str, ...]:
    single, batch, encoded = (n / took[kind] for kind in ("single", "batch", "encoded"))
    return (
        f"{single:.1f}",
        f"{batch:.1f}",
        f"{batch / single:.2f}",
        f"{encoded:.1f}",
        f"{encoded / single:.2f}",
    )


def _distinct_questions(corpus: Path) -> Iterator[str]:
    """Yield questions without end, each only once: those of the corpus, again and again with a word more."""
    base = [
        each.question
        for path in sorted((corpus / "questions").glob("*.jsonl"))
        for each in read_questions(path)
    ]
    yield from base
    for number in count():
        for question in base:
            yield f"{question} ({number})"


def _single(service: RemoteService, questions: Sequence[str]) -> float:
    started = time.perf_counter()
    for question in questions:
        service.post("/v1/ask", {"question": question})
    return time.perf_counter() - started


def _batch(service: RemoteService, questions: Sequence[str]) -> float:
    started = time.perf_counter()
    body = {"questions": [{"id": str(at), "question": text} for at, text in enumerate(questions)]}
    results = list(service.post_for_lines("/v1/ask/batch", body))
    took = time.perf_counter() - started
    if len(results) != len(questions) or any("problem" in each for each in results):
        raise SystemExit(f"{len(results)} results for {len(questions)} questions, or some of them failed")
    return took


def _encoded(embedder: Embedder, questions: Sequence[str]) -> float:
    started = time.perf_counter()
    for at in range(0, len(questions), QUESTIONS_PER_WINDOW):
        embedder.encode_passages(questions[at : at + QUESTIONS_PER_WINDOW])
    return time.perf_counter() - started


@contextmanager
def _running() -> Iterator[tuple[str, int]]:
    """Start the service on a free port, and yield its address and process id."""
    command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", "0"]
    with tempfile.NamedTemporaryFile() as log, subprocess.Popen(command, stderr=log) as process:  # noqa: S603
        try:
            yield _address(Path(log.name), process), process.pid
        finally:
            process.terminate()


def _address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8")):
            service = RemoteService(found[0])
            try:
                service.get("/health/ready")
                return found[0]
            except RefusedRequestError:  # the encoder is being loaded
                pass
            finally:
                service.close()
        time.sleep(0.1)
    raise SystemExit(f"The service did not start: {log.read_text(encoding='utf-8')}")


def _memory_mb(pid: int) -> float:
    """Return the resident memory of a process; Linux only."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1_000 if found else float("nan")


if __name__ == "__main__":
    main()
