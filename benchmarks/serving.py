"""A real service in a process of its own, for benchmarks that load it: started, watched, ended."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

_CITEWELL = [sys.executable, "-c", "from service.cli import main; main()"]
_START_S = 300.0


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service listens and which process it is."""

    port: int
    pid: int
    log: Path

    def rss_mib(self) -> float:
        """Return how much memory the process holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def pss_mib(self) -> float:
        """Return how much memory the process and those that it started hold now, pages that they share once."""
        family = [self.pid]
        for pid in family:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
            family += map(int, children.split())
        found = [
            re.search(
                r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8"), re.M
            )
            for pid in family
        ]
        return sum(int(each[1]) for each in found if each is not None) / 1024

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of one GET."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextmanager
def home_with(corpus: Path, *, cache: Path | None = None) -> Iterator[Path]:
    """Copy a corpus into a folder of its own, build its index there, and remove all of it at the end.

    With a cache of vectors, which is shared and not copied, the build is soon done.
    """
    with tempfile.TemporaryDirectory(prefix="citewell-") as name:
        home = Path(name)
        shutil.copytree(corpus, home / "corpus")
        if cache is not None:
            (home / "cache").symlink_to(cache.resolve(), target_is_directory=True)
        build(home, nice=10 if cache is None else 0)
        yield home


def build(home: Path, *, nice: int = 10) -> None:
    """Build the index of a folder, at low priority, as the service's own builds are, unless told otherwise."""
    command = ["nice", "-n", str(nice), *_CITEWELL, "build"]
    done = subprocess.run(  # noqa: S603  # our own command
        command, env=environment(home), capture_output=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the build failed: {done.stderr.decode()}")


def environment(home: Path, **changes: str) -> Mapping[str, str]:
    """Return the environment of a service that works in one folder only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CITEWELL_")}
    folders = {
        f"CITEWELL_{part.upper()}_DIR": str(home / part) for part in ("corpus", "index", "cache", "state")
    }
    return {**kept, **folders, "CITEWELL_KEYS_FILE": str(home / "keys.json"), **changes}


@contextmanager
def serving(home: Path, *, log_name: str = "service.log", **changes: str) -> Iterator[Service]:
    """Serve a folder on a free port until the end of the block."""
    log = home / log_name
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [*_CITEWELL, "serve", "--port", "0"],
            env=environment(home, **changes),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield _when_ready(process, log)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _when_ready(process: subprocess.Popen[bytes], log: Path) -> Service:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text(encoding="utf-8"))
        if found:
            service = Service(int(found[1]), process.pid, log)
            if service.get("/health/ready")[0] == 200:
                return service
        time.sleep(0.1)
    raise RuntimeError(f"the service did not start: {log.read_text(encoding='utf-8')}")
