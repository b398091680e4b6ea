"""Fixtures for tests in a browser: a real server over the default corpus."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
        yield _address(process, log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


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


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the default corpus and its index; only for reading.

    BROWSED_HOME names one that was built before, for whoever runs these tests again and again.
    """
    if kept := os.environ.get("BROWSED_HOME"):
        return Path(kept)
    home = tmp_path_factory.mktemp("browsed")
    shutil.copytree(ROOT / "corpus", home / "corpus")
    build(home)
    return home


@pytest.fixture(scope="session")
def site(built_home: Path) -> Iterator[str]:
    """The address of a running service over the default corpus; no test changes it."""
    with serving(built_home) as address:
        yield address
