"""The process that serves: how it starts, and how it ends while a question is being answered."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WAIT_S = 120.0
#: `citewell serve` with the encoder's twin, which takes its time to load, and answers slowly where a file is.
_SERVE = """
import sys, time
from pathlib import Path
from service import replying, wiring
from tests.twins import TwinEmbedder

slow, answer = Path(sys.argv.pop()), replying.answer_question

def answer_slowly(*args, **kwargs):
    if slow.exists():
        slow.with_suffix(".begun").touch()
        time.sleep(3)
    return answer(*args, **kwargs)

def make_embedder(settings):
    time.sleep(2)
    return TwinEmbedder()

replying.answer_question, wiring.make_embedder = answer_slowly, make_embedder
sys.argv[1:] = ["serve", "--port", "0"]
from service.cli import main
main()
"""


@contextmanager
def served(index_dir: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx2.Client, Path]]:
    """Serve the six documents; yield the process, a client, and the file that makes questions slow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CITEWELL_")}
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "CITEWELL_INDEX_DIR": str(index_dir),
        "CITEWELL_STATE_DIR": str(tmp_path / "state"),
        "CITEWELL_KEYS_FILE": str(tmp_path / "keys.json"),
    }
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(tmp_path / "slow")],
            env=environment,
            stderr=stderr,
            cwd=tmp_path,
        )
    try:
        until = time.monotonic() + WAIT_S
        while not (found := re.search(r"http://[\d.]+:\d+", log.read_text())):
            assert time.monotonic() < until
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        with httpx2.Client(base_url=found[0], timeout=WAIT_S, trust_env=False) as client:
            yield process, client, tmp_path / "slow"
    finally:
        process.kill()
        process.wait()


def wait_until_ready(client: httpx2.Client) -> None:
    until = time.monotonic() + WAIT_S
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_service_that_is_still_loading_says_so_instead_of_keeping_anyone_waiting(
    index_dir: Path, tmp_path: Path
) -> None:
    with served(index_dir, tmp_path) as (_, client, _):
        early = client.get("/v1/ask", params={"question": "tick"})
        alive = client.get("/health/live")
        wait_until_ready(client)
        late = client.get("/v1/ask", params={"question": "tick"})

    assert early.status_code == 503
    assert int(early.headers["retry-after"]) > 0
    assert alive.status_code == 200
    assert late.status_code == 200


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_question_in_flight_is_answered_before_the_service_ends(
    index_dir: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    with served(index_dir, tmp_path) as (process, client, slow):
        wait_until_ready(client)
        slow.touch()
        replies: list[httpx2.Response] = []
        asking = threading.Thread(
            target=lambda: replies.append(client.get("/v1/ask", params={"question": "tick"}))
        )
        asking.start()
        until = time.monotonic() + WAIT_S
        while not slow.with_suffix(".begun").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(ending)
        asking.join()
        code = process.wait(timeout=WAIT_S)

    assert [each.status_code for each in replies] == [200]
    assert code == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
