"""Is an index with some of its vectors exchanged found to be worse, and one that was only built again the same?

The corpus is built three times: as it is, again from nothing, and with an encoder that gives one passage or sentence
in ten the vectors of another. Each is evaluated on the corpus's own questions, and the first is compared with both.

Example: .venv/bin/python -m benchmarks.perturbed
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from answer.confidence import calibrate
from index.building import build_index
from index.embedding import Embedder, EncodedText
from index.vector_cache import VectorCache
from service import wiring
from service.settings import read_settings

_ONE_IN = 10


class Exchanging:
    """An `Embedder` that gives one text in ten the vectors of another."""

    def __init__(self, real: Embedder) -> None:
        self._real = real
        self.identity = real.identity
        self.special_token_ids = real.special_token_ids
        self.count_tokens = real.count_tokens
        self.embed_query = real.embed_query
        self.encode_query = real.encode_query

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of the texts with some exchanged."""
        return self._real.embed_passages(_with_some_exchanged(texts))

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return the vectors of the texts and their tokens with some exchanged."""
        return self._real.encode_passages(_with_some_exchanged(texts))


def main() -> None:
    """Build, evaluate, and print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    options = parser.parse_args()
    real = wiring.make_embedder(read_settings())
    with tempfile.TemporaryDirectory(prefix="citewell-perturbed-") as temporary:
        folder = Path(temporary)
        results = {}
        for name, embedder in (("first", real), ("again", real), ("exchanged", Exchanging(real))):
            cache = VectorCache(folder / f"{name}.sqlite")
            build_index(options.corpus, folder / name, embedder=embedder, cache=cache, calibrate=calibrate)
            results[name] = folder / f"{name}-results" / "results.json"
            _citewell(
                "evaluate",
                *map(str, sorted((options.corpus / "questions").glob("*.jsonl"))),
                *("--index", str(folder / name), "--out", str(results[name].parent)),
            )
        for name in ("again", "exchanged"):
            sys.stdout.write(f"\n{name}:\n")
            sys.stdout.write(_citewell("evaluate", "--compare", str(results["first"]), str(results[name])))


def _with_some_exchanged(texts: Sequence[str]) -> list[str]:
    """Return the texts, the chosen ones in each other's places."""
    chosen = [at for at, text in enumerate(texts) if _number(text) % _ONE_IN == 0]
    exchanged = list(texts)
    for at, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True):
        exchanged[at] = texts[other]
    return exchanged


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _citewell(*words: str) -> str:
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-c", "from service.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
