"""Do readers notice a swap: failed requests, replies that mix two versions, waiting?

    python -m benchmarks.swaps

Two versions of the corpus are built with the real encoder and served by a real process; sixteen readers ask without a
pause while the pointer goes to and fro between the versions. Every reply is held against what the version that it
names answers when nobody else asks. A swap lasts from the pointer's change until the first reply of the new version.
"""

import argparse
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from index.snapshot import activate, current_version
from service import build_wiring, wiring
from service.asking import answer_request
from service.schemas import AskRequest
from service.settings import Settings, read_settings

_CORPUS = Path(__file__).parents[1] / "corpus"
_QUESTIONS = 40
_START_S = 300


@dataclass
class Seen:
    """What the readers saw. `times` are of the end of each request and how long it took, in seconds."""

    times: list[tuple[float, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    mixed: int = 0
    newest: tuple[str, float] = ("", 0.0)


def main() -> None:
    """Print how many requests failed or mixed versions, and the 99th percentiles; exit 1 if it is not as promised."""
    arguments = argparse.ArgumentParser(description="Swaps under load.")
    arguments.add_argument("--swaps", type=int, default=50)
    arguments.add_argument("--readers", type=int, default=16)
    arguments.add_argument("--between-s", type=float, default=2.0)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        settings = _prepare(Path(name))
        versions, expected = _expected(settings)
        with (Path(name) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", "0"],
                env=_environment(settings),
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            port = _wait_for_port(process, Path(name) / "log")
            _say("readers begin to ask")
            seen, swaps = _load(port, settings, versions, expected, given)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    sys.exit(0 if _report(seen, swaps) else 1)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _prepare(folder: Path) -> Settings:
    settings = Settings(
        corpus_dir=folder / "corpus",
        index_dir=folder / "index",
        cache_dir=read_settings().cache_dir.resolve(),  # what other builds have computed is not computed again
        state_dir=folder / "state",
        swap_check_s=0.1,
        # One machine asks for all readers, and everyone is to be answered: no limit is what is measured here.
        max_waiting=1_000,
        rate_limit_per_minute=None,
    )
    shutil.copytree(_CORPUS, settings.corpus_dir)
    embedder = wiring.make_embedder(settings)
    _say("building two versions")
    build_wiring.build(settings, embedder)
    # The other version has other words in its article, so that many questions are answered otherwise.
    article = settings.corpus_dir / "article.md"
    article.write_text(re.sub(r"\bcramps\b", "spasms", article.read_text(encoding="utf-8")), encoding="utf-8")
    build_wiring.build(settings, embedder, activate_anyway=True)
    return settings


def _expected(settings: Settings) -> tuple[list[str], dict[tuple[str, str], Any]]:
    """Return both versions, and what each of them answers to each question."""
    lines = (_CORPUS / "questions" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines][:: max(1, len(lines) // _QUESTIONS)]
    embedder = wiring.make_embedder(settings)
    versions = sorted(path.parent.name for path in settings.index_dir.glob("*/manifest.json"))
    expected = {}
    for version in versions:
        serving = wiring.open_version(settings.index_dir, version, embedder, None)
        for question in asked:
            reply = answer_request(AskRequest(question=question), serving).model_dump(mode="json")
            expected[version, question] = {name: reply[name] for name in reply if name != "took_ms"}
    return versions, expected


def _environment(settings: Settings) -> dict[str, str]:
    chosen = {name: getattr(settings, name) for name in settings.model_fields_set}
    given = {f"CITEWELL_{name.upper()}": str(each) for name, each in chosen.items() if each is not None}
    return {**os.environ, **given, "PYTHONPATH": str(_CORPUS.parent), "OMP_NUM_THREADS": "1"}


def _wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"http://[\d.]+:(\d+)", log.read_text()):
            port = int(found[1])
            if _status(port, "/health/ready") == 200:
                return port
        time.sleep(0.2)
    raise SystemExit(f"the service did not start: {log.read_text()}")


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _load(
    port: int,
    settings: Settings,
    versions: list[str],
    expected: dict[tuple[str, str], Any],
    given: argparse.Namespace,
) -> tuple[Seen, list[tuple[float, float]]]:
    """Ask until all swaps are done, and return what was seen and from when to when each swap lasted."""
    seen, done = Seen(), threading.Event()
    readers = [
        threading.Thread(target=_read, args=(port, expected, seen, done, at)) for at in range(given.readers)
    ]
    for reader in readers:
        reader.start()
    time.sleep(2 * given.between_s)
    swaps = []
    for _ in range(given.swaps):
        other = next(each for each in versions if each != current_version(settings.index_dir))
        began = time.monotonic()
        activate(settings.index_dir, other)
        while seen.newest[0] != other or seen.newest[1] < began:
            time.sleep(0.01)
        swaps.append((began, time.monotonic()))
        _say(f"swap {len(swaps)} of {given.swaps}")
        time.sleep(given.between_s)
    done.set()
    for reader in readers:
        reader.join()
    return seen, swaps


def _read(
    port: int, expected: dict[tuple[str, str], Any], seen: Seen, done: threading.Event, seed: int
) -> None:
    chosen = random.Random(seed)  # noqa: S311  # any questions will do
    questions = sorted({question for _, question in expected})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not done.is_set():
        question = chosen.choice(questions)
        began = time.monotonic()
        try:
            body = json.dumps({"question": question})
            connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            reply = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            seen.failed.append(repr(error))
            connection.close()
            continue
        ended = time.monotonic()
        seen.times.append((ended, ended - began))
        if response.status != 200:
            seen.failed.append(f"{response.status} {reply.get('detail')}")
            continue
        reply.pop("took_ms")
        version = reply["index"]["version"]
        seen.mixed += reply != expected[version, question]
        seen.newest = (version, began)
    connection.close()


def _report(seen: Seen, swaps: list[tuple[float, float]]) -> bool:
    during = [
        took for at, took in seen.times if any(began <= at and at - took <= ended for began, ended in swaps)
    ]
    outside = [
        took
        for at, took in seen.times
        if not any(began <= at and at - took <= ended for began, ended in swaps)
    ]
    slow_in, slow_out = (1_000 * float(np.percentile(each, 99)) for each in (during, outside))
    lasted = [1_000 * (ended - began) for began, ended in swaps]
    sys.stdout.write(
        f"{len(swaps)} swaps under load, each {np.median(lasted):.0f} ms (median) to the first reply\n"
        f"{len(seen.times)} requests, {len(seen.failed)} failed, {seen.mixed} mixed versions\n"
        f"p99 without a swap {slow_out:.0f} ms ({len(outside)} requests), during one {slow_in:.0f} ms "
        f"({len(during)} requests): {slow_in / slow_out:.2f} times\n"
    )
    for reason in sorted(set(seen.failed))[:5]:
        sys.stdout.write(f"failed: {reason}\n")
    return not seen.failed and not seen.mixed and slow_in <= 2 * slow_out


if __name__ == "__main__":
    main()
