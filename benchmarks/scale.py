"""What an index of a thousand, a hundred thousand and a million passages costs: to build, to open, to hold and to ask.

Passages are real texts as long as there are enough; beyond, one is made of the first half of one real text and the
second half of another, and its vector is the mean of theirs. So words are as frequent, and vectors lie as near each
other, as real ones do. Questions are real ones. Encoding the passages is not part of it (`benchmarks.encoding` is);
encoding the questions is. Each index is built in one process and asked in another.

Example: .venv/bin/python -m benchmarks.scale ../shared/eval --sizes 1000 100000 --vectors var/real.npy
"""

import argparse
import json
import multiprocessing
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from answer.answering import answer_question
from answer.confidence import ConfidenceModel
from answer.features import FEATURE_NAMES
from evaluation.ranking_sets import read_beir_folder, read_corpus
from index.coded_vectors import exact_nearest
from index.content import Content
from index.embedding import Embedder, EncodedText
from index.parts import write_parts
from index.searching import CONFIDENCE_NAME, ROWS_NAME, open_snapshot
from index.snapshot import write_snapshot
from index.stored_rows import StoredRows
from index.vector_cache import VectorCache
from ingest.records import Block, Document, Passage, Sentence, passage_id
from service import wiring
from service.settings import read_settings

_SIZES = (1_000, 100_000)
_QUESTIONS = 300
_RECALL_QUESTIONS = 200
_PASSAGES_PER_DOCUMENT = 50
_WORDS_PER_PASSAGE, _FEWEST_WORDS = 90, 12
_SENTENCE = re.compile(r"(?:\S+\s*){1,18}")
#: So many characters at either end tell which real text a half is of.
_TOLD_BY = 40
_SAMPLE_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class RealTexts:
    """Real passages with their vectors, and real questions."""

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]  # (n_texts, dim)
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """What building cost."""

    n_passages: int
    version: str
    build_s: float
    private_mib: float  # the most memory of its own that the process had
    disk_mib: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What opening and asking cost."""

    open_s: float
    search_p50_ms: float
    search_p99_ms: float
    answer_p50_ms: float
    answer_p99_ms: float
    resident_mib: float
    recall_at_10: float
    bits_a_vector: int | None  # of the codes; None where the vectors themselves are compared


class StandInEmbedder:
    """An `Embedder` that knows the vectors of the passages, and has a real one encode questions."""

    def __init__(self, real: Embedder, texts: RealTexts) -> None:
        self._real = real
        self.identity = real.identity
        self.special_token_ids = real.special_token_ids
        self.count_tokens = real.count_tokens
        self.embed_query = real.embed_query
        self.encode_query = real.encode_query
        self._vectors = texts.vectors
        self._beginning = {text[:_TOLD_BY]: at for at, text in enumerate(texts.texts)}
        self._end = {text[-_TOLD_BY:]: at for at, text in enumerate(texts.texts)}

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean of the vectors of the real texts that each begins and ends as."""
        pairs = [self._halves(text) for text in texts]
        first, last = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        mean = self._vectors[first] + self._vectors[last]
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), dtype=np.float32)

    def _halves(self, text: str) -> tuple[int, int]:
        """Return the real texts that a text begins and ends as; for a sentence one of them, or any."""
        first, last = self._beginning.get(text[:_TOLD_BY]), self._end.get(text[-_TOLD_BY:])
        if first is not None and last is not None:
            return first, last
        only = first if first is not None else last
        only = crc32(text.encode()) % len(self._vectors) if only is None else only
        return only, only

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return vectors as above, with those of a text's tokens as the real encoder has them."""
        encoded = self._real.encode_passages(texts)
        vectors = self.embed_passages(texts)
        return [
            EncodedText(vector, each.token_vectors, each.token_ids)
            for vector, each in zip(vectors, encoded, strict=True)
        ]


class NoCache(VectorCache):
    """A cache that keeps no vector: what is looked up here costs less than keeping it."""

    def embed(
        self, embedder: Embedder, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """Compute all of it."""
        del progress
        return embedder.embed_passages(texts)


def make_content(texts: RealTexts, n_passages: int) -> Content:
    """Make documents of fifty paragraphs; each paragraph is a passage, which is made while it is written."""
    documents = tuple(
        _document(f"d{first:07}", [passage_text(texts.texts, at) for at in range(first, last)])
        for first, last in _runs(n_passages, _PASSAGES_PER_DOCUMENT)
    )
    passages = (_passage(document, block) for document in documents for block in document.blocks)
    return Content(documents, passages, references=(), numbers={})


def _runs(total: int, length: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + length, total)) for first in range(0, total, length))


def _document(doc_id: str, paragraphs: Sequence[str]) -> Document:
    ends = np.cumsum([len(each) + 1 for each in paragraphs]) - 1
    blocks = tuple(
        Block("paragraph", int(end) - len(each), int(end)) for each, end in zip(paragraphs, ends, strict=True)
    )
    return Document(doc_id, f"Document {doc_id}", "source", "full_text", "\n".join(paragraphs), blocks)


def _passage(document: Document, block: Block) -> Passage:
    text = document.text[block.start : block.end]
    sentences = tuple(
        Sentence(block.start + found.start(), block.start + found.end()) for found in _SENTENCE.finditer(text)
    )
    name = passage_id(document.doc_id, block.start, text)
    return Passage(name, document.doc_id, text, block.start, block.end, text, sentences)


def passage_text(real: Sequence[str], at: int) -> str:
    """Return the text of one passage: a real one, or beyond their number the halves of two."""
    if at < len(real):
        return real[at]
    # The second half goes on by more than the first each time all texts have had their turn, so that pairs differ.
    turn = at // len(real)
    one, other = real[at * 7_919 % len(real)], real[(at * 104_729 + turn * 1_299_709) % len(real)]
    return one[: max(_TOLD_BY, len(one) // 2)] + " " + other[-max(_TOLD_BY, len(other) // 2) :]


def read_texts(folder: Path) -> tuple[list[str], list[str]]:
    """Return passages of at most ninety words of all judged sets in a folder, and the sets' questions."""
    texts: dict[str, None] = {}
    questions: list[str] = []
    for each in sorted(folder.iterdir()):
        corpus = each / "corpus.jsonl.gz"
        if not corpus.exists():
            continue
        for document in read_corpus(corpus):
            words = f"{document.title}. {document.text}".split()
            for first in range(0, len(words), _WORDS_PER_PASSAGE):
                part = words[first : first + _WORDS_PER_PASSAGE]
                if len(part) >= _FEWEST_WORDS:
                    texts.setdefault(" ".join(part))
        splits = sorted(each.glob("qrels/*.tsv"))
        questions += read_beir_folder(each, split=splits[0].stem).queries.values()
    return list(texts), questions


def build(folder: Path, texts: RealTexts, n_passages: int) -> Built:
    """Build an index and say what that cost."""
    embedder = StandInEmbedder(wiring.make_embedder(read_settings()), texts)

    def fill(target: Path) -> dict[str, Any]:
        counts = write_parts(
            target,
            make_content(texts, n_passages),
            embedder,
            NoCache(folder / "tokens.sqlite"),
            _stages_said(),
        )
        (target / CONFIDENCE_NAME).write_text("{}")
        return {"model": embedder.identity.as_json(), "counts": counts}

    started = time.perf_counter()
    with most_private_memory() as most:
        version = write_snapshot(folder, fill)
    size = sum(path.stat().st_size for path in (folder / version).rglob("*") if path.is_file())
    return Built(n_passages, version, time.perf_counter() - started, most[0] / 1024, size / 2**20)


def ask(folder: Path, version: str, questions: Sequence[str]) -> Asked:
    """Open an index in this process, ask it, and say what that cost."""
    embedder = wiring.make_embedder(read_settings())
    embedder.encode_query("warm")
    started = time.perf_counter()
    snapshot = open_snapshot(folder / version, embedder=embedder)
    opened_s = time.perf_counter() - started
    searcher, model = snapshot.searcher, ConfidenceModel(0.0, (0.0,) * len(FEATURE_NAMES))
    warm, timed = questions[:20], questions[20:]
    for question in warm:
        answer_question(question, searcher=searcher, model=model, k=5)
    searches = [_timed_ms(partial(searcher.search, question, k=5)) for question in timed]
    answers = [
        _timed_ms(partial(answer_question, question, searcher=searcher, model=model, k=5))
        for question in timed
    ]
    resident = _status_kib("VmRSS")
    queries = np.stack([embedder.embed_query(question) for question in questions[:_RECALL_QUESTIONS]])
    every = np.arange(len(searcher.vectors), dtype=np.int64)
    coded = hasattr(searcher.vectors, "bits_a_vector")
    found = [set(searcher.vectors.search(query, k=10)[0].tolist()) for query in queries]
    nearest = (
        [
            set(each.tolist())
            for each in exact_nearest(StoredRows(folder / version / ROWS_NAME), queries, k=10)
        ]
        if coded
        else [set(searcher.vectors.search(query, k=10, among=every)[0].tolist()) for query in queries]
    )
    return Asked(
        open_s=opened_s,
        search_p50_ms=statistics.median(searches),
        search_p99_ms=float(np.percentile(searches, 99)),
        answer_p50_ms=statistics.median(answers),
        answer_p99_ms=float(np.percentile(answers, 99)),
        resident_mib=resident / 1024,
        recall_at_10=statistics.mean(len(a & b) / len(b) for a, b in zip(found, nearest, strict=True)),
        bits_a_vector=searcher.vectors.bits_a_vector if coded else None,  # type: ignore[attr-defined]
    )


def _timed_ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1_000 * (time.perf_counter() - started)


@contextmanager
def most_private_memory() -> Iterator[list[float]]:
    """Give a list whose one value is, in the end, the most memory that is no file's, in KiB."""
    most, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(_SAMPLE_EVERY_S):
            most[0] = max(most[0], _status_kib("RssAnon"))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()


def _status_kib(field: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1])
    raise ValueError(f"this system does not say {field}")


def _stages_said() -> Callable[[str, int, int], None]:
    """Return what says on stderr when each stage of a build began."""
    began = time.perf_counter()
    said: set[str] = set()

    def say(stage: str, _done: int, total: int) -> None:
        if stage not in said:
            said.add(stage)
            sys.stderr.write(f"{time.perf_counter() - began:8.1f} s  {stage} ({total})\n")

    return say


def embed_texts(texts: Sequence[str], cache: Path) -> NDArray[np.float32]:
    """Return the vectors of real texts, kept in a cache: only the first time is slow."""

    def say(done: int, total: int) -> None:
        sys.stderr.write(f"\rembedding {done} of {total}")

    return VectorCache(cache).embed(wiring.make_embedder(read_settings()), texts, progress=say)


def measure(folder: Path, texts: RealTexts, sizes: Sequence[int]) -> list[tuple[Built, Asked]]:
    """Build and ask an index of each size, each in a process of its own; one that is there already is only asked."""
    found = []
    context = multiprocessing.get_context("spawn")
    for size in sizes:
        target = folder / str(size)
        record = target / "built.json"
        if not record.exists():
            target.mkdir(parents=True)
            with context.Pool(1) as pool:
                record.write_text(json.dumps(asdict(pool.apply(build, (target, texts, size)))))
        built = Built(**json.loads(record.read_text()))
        with context.Pool(1) as pool:
            asked = pool.apply(ask, (target, built.version, texts.questions[:_QUESTIONS]))
        found.append((built, asked))
    return found


def show(found: Sequence[tuple[Built, Asked]], console: Console) -> None:
    """Print one column for each size."""
    table = Table("", *(f"{built.n_passages:,} passages" for built, _ in found))
    base = found[0][1]
    rows: list[tuple[str, Callable[[Built, Asked], str]]] = [
        ("build, without encoding passages", lambda built, _: f"{built.build_s:.1f} s"),
        ("most memory of its own while building", lambda built, _: f"{built.private_mib:,.0f} MiB"),
        ("size on disk", lambda built, _: f"{built.disk_mib:,.0f} MiB"),
        ("open, every byte verified", lambda _, asked: f"{asked.open_s:.2f} s"),
        (
            "search, p50 / p99",
            lambda _, asked: f"{asked.search_p50_ms:.1f} / {asked.search_p99_ms:.1f} ms",
        ),
        (
            "search p50 ÷ that of the first",
            lambda _, asked: f"{asked.search_p50_ms / base.search_p50_ms:.2f}",
        ),
        (
            "search and answer, p50 / p99",
            lambda _, asked: f"{asked.answer_p50_ms:.1f} / {asked.answer_p99_ms:.1f} ms",
        ),
        ("p50 ÷ that of the first", lambda _, asked: f"{asked.answer_p50_ms / base.answer_p50_ms:.2f}"),
        ("resident after asking", lambda _, asked: f"{asked.resident_mib:,.0f} MiB"),
        ("recall@10 of the nearest vectors", lambda _, asked: f"{asked.recall_at_10:.4f}"),
        (
            "bits of a code",
            lambda _, asked: "no codes" if asked.bits_a_vector is None else str(asked.bits_a_vector),
        ),
    ]
    for name, cell in rows:
        table.add_row(name, *(cell(built, asked) for built, asked in found))
    console.print(table)


def main() -> None:
    """Print what each size costs."""
    arguments = argparse.ArgumentParser(description="An index of a thousand passages, and of a million.")
    arguments.add_argument(
        "texts", type=Path, help="folder of judged sets, whose texts and questions are used"
    )
    arguments.add_argument("--sizes", type=int, nargs="+", default=list(_SIZES))
    arguments.add_argument("--vectors", type=Path, help="the vectors of the texts, as np.save writes them")
    arguments.add_argument("--cache", type=Path, default=Path("var/cache/scale.sqlite"))
    arguments.add_argument(
        "--folder", type=Path, help="where the indexes are made and kept; nowhere otherwise"
    )
    arguments.add_argument("--json", type=Path, help="write the figures here too")
    given = arguments.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    texts, questions = read_texts(given.texts)
    vectors = np.load(given.vectors) if given.vectors else embed_texts(texts, given.cache)
    real = RealTexts(tuple(texts[: len(vectors)]), vectors[: len(texts)], tuple(_spread(questions)))
    with tempfile.TemporaryDirectory() as name:
        found = measure(given.folder or Path(name), real, given.sizes)
    Console(width=140).print(f"{len(real.texts):,} real texts, {len(questions):,} real questions")
    show(found, Console(width=140))
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for pair in found for each in pair], indent=1))


def _spread(questions: Sequence[str]) -> list[str]:
    """Return some of the questions, evenly from all sets."""
    return list(questions[:: max(1, len(questions) // _QUESTIONS)])[:_QUESTIONS]


if __name__ == "__main__":
    main()
