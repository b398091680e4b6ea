"""What does one changed document of a thousand cost, and are the bytes those of a full build?

    python -m benchmarks.incremental

A corpus of articles and of the sources they cite is made up and built; one sentence of one article is changed; it is
built again with what the first build remembers, and once more in a fresh place without it. The encoder is the tests'
twin, which counts; `--real` takes the real one.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from index.building import BuildReport
from index.embedding import Embedder, EncodedText
from service import build_wiring, wiring
from service.settings import Settings, read_settings
from tests.twins import TwinEmbedder

_TEXT = """\
nerve cramp spasm calf thigh sleep night stretch warm cold drink salt water tablet dose doctor trial patient adult
week month year pain relief effect side risk kidney liver heart blood test sign cause exercise rest massage heat ice
quinine magnesium baclofen spine foot toe hand neck back
"""
_WORDS = _TEXT.split()
_SOURCES_PER_ARTICLE = 4


class Counting:
    """An `Embedder` that counts what another one computes."""

    def __init__(self, real: Embedder) -> None:
        self._real = real
        self.identity = real.identity
        self.special_token_ids = real.special_token_ids
        self.count_tokens = real.count_tokens
        self.calls = 0

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Count every text."""
        self.calls += len(texts)
        return self._real.embed_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Count every text."""
        self.calls += len(texts)
        return self._real.encode_passages(texts)

    def encode_query(self, text: str) -> EncodedText:
        """Count one."""
        self.calls += 1
        return self._real.encode_query(text)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Count one."""
        self.calls += 1
        return self._real.embed_query(text)


def main() -> None:
    """Print the encoder's calls and the time of each build; exit 1 if the bytes differ or it cost too much."""
    arguments = argparse.ArgumentParser(description="One changed document of a thousand.")
    arguments.add_argument("--documents", type=int, default=1_000)
    arguments.add_argument("--real", action="store_true", help="with the real encoder")
    given = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = _write_corpus(folder / "corpus", given.documents)
        real = wiring.make_embedder(read_settings()) if given.real else TwinEmbedder()
        full = _build("full", folder, corpus, "a", real)
        changed = next(corpus.glob("article-*.md"))
        changed.write_text(changed.read_text().replace("nerve", "sinew", 1))
        again = _build("one changed", folder, corpus, "a", real)
        _build("nothing changed", folder, corpus, "a", real)
        fresh = _build("full, elsewhere", folder, corpus, "b", real)
        same = _bytes(folder / "a", again[0]) == _bytes(folder / "b", fresh[0])
    share = again[1] / full[1]
    sys.stdout.write(f"one changed document costs {100 * share:.2f} % of the encoder calls of a full build\n")
    sys.stdout.write(f"the bytes are {'those' if same else 'NOT those'} of a full build\n")
    sys.exit(0 if same and share <= 0.02 else 1)


def _build(
    name: str, folder: Path, corpus: Path, where: str, real: Embedder
) -> tuple[BuildReport, int, float]:
    counting = Counting(real)
    settings = Settings(
        corpus_dir=corpus, index_dir=folder / where / "index", cache_dir=folder / where / "cache"
    )
    stages: dict[str, float] = {}
    last = [time.perf_counter(), "load"]

    def progress(stage: str, _done: int, _total: int) -> None:
        now = time.perf_counter()
        stages[str(last[1])] = stages.get(str(last[1]), 0) + now - float(last[0])
        last[:] = [now, stage]

    started = time.perf_counter()
    report = build_wiring.build(settings, counting, progress=progress)
    progress("end", 0, 0)
    took = time.perf_counter() - started
    shown = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in stages.items())
    sys.stdout.write(
        f"{name:<16} {counting.calls:>7} encoder calls, {took:6.1f} s ({shown}); {report.n_documents} documents, "
        f"{report.n_passages} passages, version {report.version}\n"
    )
    sys.stdout.flush()
    return report, counting.calls, took


def _bytes(folder: Path, report: BuildReport) -> dict[str, bytes]:
    root = folder / "index" / report.version
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def _write_corpus(folder: Path, documents: int) -> Path:
    chosen = random.Random(20261125)  # noqa: S311  # the same corpus each time
    sources = documents // 5
    folder.mkdir()
    entries = []
    for at in range(1, sources + 1):
        entry = f"Author{at} A. On {_sentence(chosen, 4)} {at}. Journal {at}. {1990 + at % 30};{at}:1-9."
        entries.append(entry)
        (folder / f"source-{at}.md").write_text(f"# Source {at}\n\n{_paragraphs(chosen, 6)}")
    for at in range(documents - sources):
        cited = chosen.sample(range(sources), _SOURCES_PER_ARTICLE)
        text = "\n\n".join(
            f"## Part {place}\n\n{_paragraphs(chosen, 2)}{_sentence(chosen, 12)} [{place}]."
            for place in range(1, len(cited) + 1)
        )
        listed = "\n".join(f"{place}. {entries[each]}" for place, each in enumerate(cited, start=1))
        (folder / f"article-{at}.md").write_text(f"# Article {at}\n\n{text}\n\n## References\n\n{listed}\n")
    manifest = "".join(
        f'[[documents]]\ndoc_id = "source-{at}"\npath = "source-{at}.md"\nkind = "source"\nreference_number = {at}\n\n'
        for at in range(1, sources + 1)
    ) + "".join(
        f"[[references]]\nnumber = {at}\nprinted = '{entry}'\n\n" for at, entry in enumerate(entries, start=1)
    )
    (folder / "corpus.toml").write_text(f"format = 1\ntitle = 'Made up'\n\n{manifest}")
    return folder


def _paragraphs(chosen: random.Random, count: int) -> str:
    return "".join(
        " ".join(f"{_sentence(chosen, chosen.randint(8, 18))}." for _ in range(4)) + "\n\n"
        for _ in range(count)
    )


def _sentence(chosen: random.Random, words: int) -> str:
    return " ".join(chosen.choices(_WORDS, k=words)).capitalize()


if __name__ == "__main__":
    main()
