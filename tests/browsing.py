"""A real service for tests in a browser: `citewell build` and `citewell serve` on a free port."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
CITEWELL = [sys.executable, "-c", "from service.cli import main; main()"]
START_S, BUILD_S = 120, 300


def environment(home: Path, **changes: str) -> dict[str, str]:
    """Return an environment in which the command works in one folder only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CITEWELL_")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "CITEWELL_CORPUS_DIR": str(home / "corpus"),
        "CITEWELL_INDEX_DIR": str(home / "index"),
        "CITEWELL_CACHE_DIR": str(home / "cache"),
        "CITEWELL_STATE_DIR": str(home / "state"),
        "CITEWELL_SWAP_CHECK_S": "0.1",
        **changes,
    }


@contextmanager
def serving(home: Path, **changes: str) -> Iterator[str]:
    """Start `citewell serve` on a free port, give its address, and end it by SIGINT."""
    log = home / "serve.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*CITEWELL, "serve", "--port", "0"],
            env=environment(home, **changes),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        address = _address(process, log)
        _wait_until_ready(process, address)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    """Wait for the encoder, which is loaded while the service listens already."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{address}/health/ready", timeout=START_S):
                return
        except URLError:
            time.sleep(0.1)
    raise AssertionError(f"{address} did not become ready")


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"http://[\d.]+:\d+", log.read_text()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no address in {log.read_text()!r}")


def build(home: Path) -> None:
    """Build the index of a home's corpus."""
    done = subprocess.run(
        [*CITEWELL, "build"], env=environment(home), capture_output=True, timeout=BUILD_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
