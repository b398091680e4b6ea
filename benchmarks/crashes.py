"""Does anything get lost or mixed when the process dies, or the disk refuses, at any call of upload, build and swap?

    python -m benchmarks.crashes

Two documents are uploaded to a service over six short ones, worked on, built and swapped to; the encoder is the tests'
twin. One run counts the file-system calls of all that; then every further run meets one fault: the process is killed
before a call, or in the middle of a write, or at a random time; the disk is full or read-only from a call on; a call
fails with an I/O error; a write is short. Each time everything is started again, and what comes up is judged.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from tests.crashing import (
    CHANGES,
    READS,
    WRITES,
    ForkServer,
    Run,
    compile_shim,
    find_faults,
    known_versions,
    prepare,
)

#: mode -> the kinds of calls that it can happen to.
_AT = {
    "kill": (CHANGES, WRITES),
    "torn write": (WRITES,),
    "full disk": (CHANGES, WRITES),
    "read-only disk": (CHANGES, WRITES),
    "I/O error": (READS, CHANGES, WRITES),
    "short write": (WRITES,),
}
Fault = tuple[str | None, int, float | None]  # mode, call, seconds until it is killed


def main() -> None:
    """Print, for each kind of fault, how many runs there were and what was not as promised."""
    arguments = argparse.ArgumentParser(
        description="Faults at every file-system call of upload, build and swap."
    )
    arguments.add_argument("--random-kills", type=int, default=200)
    arguments.add_argument("--every", type=int, default=1, help="of the calls, only every so manieth")
    arguments.add_argument("--modes", nargs="*", default=list(_AT), choices=list(_AT), help="which faults")
    arguments.add_argument("--servers", type=int, default=2, help="runs side by side")
    given = arguments.parse_args()
    started = time.monotonic()
    # In memory where that can be had: a kill loses nothing that the kernel has taken, on a disk or off it.
    memory = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        bad = _run_all(Path(folder), given)
    sys.stdout.write(f"took {time.monotonic() - started:.0f} s\n")
    sys.exit(1 if bad else 0)


def _run_all(folder: Path, given: argparse.Namespace) -> int:
    library = compile_shim(folder)
    if library is None:
        sys.exit("There is no C compiler (gcc or cc), which the failpoints need.")
    prepare(folder / "base")
    known = known_versions(folder / "known")
    servers: Queue[ForkServer] = Queue()
    for _ in range(given.servers):
        servers.put(ForkServer(library))
    base = folder / "base"

    def one(fault: Fault) -> tuple[str, list[str], Run]:
        mode, at, kill_after_s = fault
        server = servers.get()
        home = Path(tempfile.mkdtemp(dir=folder))
        try:
            shutil.copytree(base, home / "home")
            run = server.run(home / "home", mode=mode, at=at, kill_after_s=kill_after_s)
            faults = find_faults(run, server.recover(home / "home"), known)
        finally:
            servers.put(server)
            shutil.rmtree(home)
        return (
            mode or "kill at random",
            [f"{mode} at call {at} (or {kill_after_s} s): {each}" for each in faults],
            run,
        )

    _, faults, clean = one((None, 0, None))
    took = _time_of_a_run(servers, base, folder / "timed")
    sys.stdout.write(f"{len(clean.calls)} calls, {sum(map(bool, clean.calls))} of them change something\n")
    counts: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    with ThreadPoolExecutor(given.servers) as pool:
        chosen = list(_faults(clean.calls, given, took))
        for name, found, run in pool.map(one, chosen):
            counts[name] += 1
            if counts.total() % 100 == 0:
                sys.stderr.write(f"{counts.total()} of {len(chosen)}\n")
            bad[name] += bool(found)
            accepted[name] += len(run.accepted)
            killed[name] += run.killed
            for each in found:
                sys.stdout.write(f"WRONG: {each}\n")
                sys.stdout.flush()
    for name, count in counts.items():
        sys.stdout.write(
            f"{name:<16} {count:>5} runs, {killed[name]:>5} killed, {accepted[name]:>5} documents accepted, "
            f"{bad[name]} wrong\n"
        )
    while not servers.empty():
        servers.get().stop()
    return sum(bad.values()) + len(faults)


def _time_of_a_run(servers: "Queue[ForkServer]", base: Path, home: Path) -> float:
    """Return how long a run takes in seconds; the first of a server takes longer."""
    server = servers.get()
    took = 0.0
    for _ in range(3):
        shutil.copytree(base, home)
        began = time.monotonic()
        server.run(home)
        took = time.monotonic() - began
        shutil.rmtree(home)
    servers.put(server)
    return took


def _faults(calls: tuple[int, ...], given: argparse.Namespace, took_s: float) -> Iterator[Fault]:
    for mode, kinds in ((mode, _AT[mode]) for mode in given.modes):
        for at in [at for at, kind in enumerate(calls) if kind in kinds][:: given.every]:
            yield mode, at, None
    chosen = random.Random(20261125)  # noqa: S311  # the same times each time
    for _ in range(given.random_kills):
        yield None, 0, chosen.uniform(0, took_s)


if __name__ == "__main__":
    main()
