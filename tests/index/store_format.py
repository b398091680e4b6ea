"""Stores an index of the six documents as this release writes it: `python -m tests.index.store_format`.

To be run once for each format, before the next one replaces it; `test_formats.py` reads what it made.
"""

import tarfile
import tempfile
from pathlib import Path

import numpy as np

from index.progress import Progress
from index.query_adapter import QueryAdapter, QueryAdapters
from index.searching import Searcher
from index.snapshot import FORMAT_VERSION
from tests.crashing import build_with_twin, write_small_corpus

FORMATS = Path(__file__).with_name("formats")


def learn_nothing(searcher: Searcher, *, corpus_dir: Path, progress: Progress) -> QueryAdapters:
    """Stand in for a `Learner`: adapters that turn nothing."""
    dim = searcher.embedder.identity.dim
    unturned = QueryAdapter(np.zeros((dim, dim), dtype=np.float32))
    return QueryAdapters.of(unturned, [unturned], seen=[corpus_dir.name])


def main() -> None:
    """Write formats/format-N.tar.xz."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        build_with_twin(write_small_corpus(Path(folder) / "corpus"), index, learn=learn_nothing)
        with tarfile.open(FORMATS / f"format-{FORMAT_VERSION}.tar.xz", "w:xz") as archive:
            for path in sorted(index.iterdir()):
                if path.name != "lock":
                    archive.add(path, path.name)


if __name__ == "__main__":
    main()
