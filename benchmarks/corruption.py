"""Is one flipped bit always noticed, wherever it is, and does the last good version then serve?

    python -m benchmarks.corruption

A snapshot of the corpus is built with the tests' twin of the encoder; what is in its files plays no part in whether a
flip is noticed. In each of its files, and in CURRENT, one bit is flipped at random places, one after another.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import structlog

from index.snapshot import current_version
from ingest.errors import SnapshotError
from service.wiring import open_current, open_last_good
from tests.crashing import build_with_twin, write_small_corpus
from tests.twins import TwinEmbedder


def main() -> None:
    """Print how many flips there were in each file and how many were noticed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--flips", type=int, default=200, help="per file")
    arguments.add_argument("--seed", type=int, default=20261125)
    arguments.add_argument(
        "--rescues", type=int, default=10, help="flips per file after which the service is started"
    )
    given = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        index_dir, good = _two_versions(Path(folder))
        current = index_dir / current_version(index_dir)
        for path in sorted([*(each for each in current.rglob("*") if each.is_file()), index_dir / "CURRENT"]):
            noticed, saved = _flip_and_look(path, index_dir, good, given)
            missed += given.flips - noticed + given.rescues - saved
            name = path.relative_to(index_dir).as_posix()
            sys.stdout.write(
                f"{name:<50} {given.flips} flips, {noticed} noticed, {saved} times another served\n"
            )
    sys.stdout.write(f"not noticed, or nothing served: {missed}\n")
    sys.exit(1 if missed else 0)


def _two_versions(folder: Path) -> tuple[Path, set[str]]:
    corpus = write_small_corpus(folder / "corpus")
    good = {build_with_twin(corpus, folder / "index")}
    (corpus / "wasps.md").write_text("# Wasps\n\nKeep calm and move away slowly.\n", encoding="utf-8")
    build_with_twin(corpus, folder / "index")
    return folder / "index", good


def _flip_and_look(path: Path, index_dir: Path, good: set[str], given: argparse.Namespace) -> tuple[int, int]:
    chosen = random.Random(f"{given.seed}{path.name}")  # noqa: S311  # any places will do, the same ones each time
    intact = path.read_bytes()
    embedder = TwinEmbedder()
    serving = good | {current_version(index_dir)} if path.name == "CURRENT" else good
    noticed = saved = 0
    for at in range(given.flips):
        flipped = bytearray(intact)
        flipped[chosen.randrange(len(flipped))] ^= 1 << chosen.randrange(8)
        path.write_bytes(flipped)
        noticed += _is_noticed(index_dir, embedder)
        if at < given.rescues:
            saved += open_last_good(index_dir, embedder, None).version in serving
    path.write_bytes(intact)
    return noticed, saved


def _is_noticed(index_dir: Path, embedder: TwinEmbedder) -> bool:
    try:
        open_current(index_dir, embedder, None)
    except SnapshotError:
        return True
    return False


if __name__ == "__main__":
    main()
