"""From a corpus to a new snapshot."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from index.content import Content
from index.embedding import Embedder
from index.parts import write_parts
from index.progress import Progress
from index.query_adapter import QueryAdapters
from index.searching import ADAPTERS_NAME, CONFIDENCE_NAME, RANKS_NAME, Searcher
from index.self_score import PairedTest, SelfScore, find_decline, rank_citations, score_citations
from index.snapshot import activate, build_lock, current_version, keep_aside, prune, write_snapshot
from index.vector_cache import VectorCache
from ingest.bibliography import Ledger, Numbering, number_references
from ingest.chunking import CHUNKER_VERSION, ChunkLimits, chunk_document
from ingest.corpus import LEDGER_NAME, MANIFEST_NAME, Corpus, Reader, load_corpus, reference_lists
from ingest.durable_files import exclusive
from ingest.errors import BibliographyError, CorpusError, SnapshotNotFoundError
from ingest.readers.registry import read_document
from ingest.records import BODY_KINDS, Passage


class Calibrator(Protocol):
    """Fits the confidence of an index to what the index knows of itself."""

    def __call__(self, searcher: Searcher, *, corpus_dir: Path) -> Mapping[str, Any]:
        """Return the parameters and the data they were fitted on, as JSON values."""


class Learner(Protocol):
    """Learns from the judged questions of a corpus how to rank."""

    def __call__(self, searcher: Searcher, *, corpus_dir: Path, progress: Progress) -> QueryAdapters | None:
        """Return what was learned, None for nothing."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; `not_activated_because` says why the new version does not serve where it does not."""

    version: str
    corpus_title: str
    n_documents: int
    n_passages: int
    n_sentences: int
    n_references: int
    self_score: SelfScore
    quarantined: tuple[tuple[str, str], ...]  # (path, reason)
    warnings: tuple[str, ...]
    pruned: tuple[str, ...]
    activated: bool = True
    not_activated_because: str | None = None


def build_index(
    corpus_dir: Path,
    index_dir: Path,
    *,
    embedder: Embedder,
    cache: VectorCache,
    calibrate: Calibrator,
    learn: Learner | None = None,
    read: Reader = read_document,
    progress: Progress | None = None,
    paired_test: PairedTest | None = None,
    activate_anyway: bool = False,
) -> BuildReport:
    """Build a snapshot of a corpus and make it the one that serves.

    A snapshot that finds the sources of its own cited sentences significantly worse than the one that serves
    is kept and does not serve, unless it is to `activate_anyway` or no `paired_test` is given.

    The same corpus gives the same bytes, and so the same version, whatever was built before. If
    anything fails, the version that served before still does.

    Raises:
        CorpusError: If nothing in the corpus can be indexed, or its numbers contradict each other.
        BuildInProgressError: If another process is building.
        SnapshotError: If the disk refuses.
    """
    report = progress or (lambda _stage, _done, _total: None)
    with build_lock(index_dir):
        report("load", 0, 1)
        corpus = _load(corpus_dir, read)
        numbering = number_references(corpus.pinned, reference_lists(corpus), corpus.ledger)
        _refuse_unknown_sources(corpus, numbering)
        _refuse_without_text(corpus)
        content = _content(corpus, numbering, embedder, report)
        _keep_ledger(corpus_dir, corpus.ledger, numbering.ledger)
        ranks: dict[str, float] = {}
        counts: dict[str, int] = {}

        def fill(folder: Path) -> dict[str, Any]:
            counts.update(write_parts(folder, content, embedder, cache, report))
            if learn is not None:
                _learn(folder, embedder, cache, learn, corpus_dir, report)
            report("score", 0, 1)
            found, parameters = _judge(folder, embedder, cache, calibrate, corpus_dir)
            ranks.update(found)
            _write_json(folder / CONFIDENCE_NAME, parameters)
            _write_json(folder / RANKS_NAME, ranks)
            return _manifest_fields(corpus, counts, embedder, score_citations(ranks))

        version = write_snapshot(index_dir, fill)
        worse = None if activate_anyway else _why_worse(index_dir, version, ranks, paired_test)
        if worse is None:
            activate(index_dir, version)
        else:
            keep_aside(index_dir, version, detail=worse)
        pruned = prune(index_dir)
    return BuildReport(
        version=version,
        corpus_title=corpus.title,
        n_documents=counts["documents"],
        n_passages=counts["passages"],
        n_sentences=counts["sentences"],
        n_references=counts["references"],
        self_score=score_citations(ranks),
        quarantined=tuple((each.path, each.reason) for each in corpus.quarantined),
        warnings=(*corpus.warnings, *numbering.ambiguities),
        pruned=tuple(pruned),
        activated=worse is None,
        not_activated_because=worse,
    )


def _learn(
    folder: Path,
    embedder: Embedder,
    cache: VectorCache,
    learn: Learner,
    corpus_dir: Path,
    report: Progress,
) -> None:
    """Add to the finished parts what can be learned from the corpus's judged questions."""
    with cache.remembering_queries(embedder) as remembering:
        searcher = Searcher.open(folder, embedder=remembering)
        try:
            learned = learn(searcher, corpus_dir=corpus_dir, progress=report)
        finally:
            searcher.content.close()
    if learned is not None:
        learned.write(folder / ADAPTERS_NAME)


def _judge(
    folder: Path, embedder: Embedder, cache: VectorCache, calibrate: Calibrator, corpus_dir: Path
) -> tuple[dict[str, float], Mapping[str, Any]]:
    """Return how well the finished parts find their own sources, and the parameters of their confidence."""
    with cache.remembering_queries(embedder) as remembering:
        searcher = Searcher.open(folder, embedder=remembering)
        try:
            return rank_citations(searcher), calibrate(searcher, corpus_dir=corpus_dir)
        finally:
            searcher.content.close()


def _why_worse(
    index_dir: Path, version: str, ranks: Mapping[str, float], paired_test: PairedTest | None
) -> str | None:
    """Return why a version should not serve in the place of the one that does, None if it may."""
    if paired_test is None:
        return None
    try:
        current = current_version(index_dir)
        before = json.loads((index_dir / current / RANKS_NAME).read_text(encoding="utf-8"))
    except (SnapshotNotFoundError, OSError, ValueError):
        return None  # there is nothing to compare it with
    decline = find_decline(before, ranks, p_value=paired_test)
    if decline is None:
        return None
    return (
        f"It finds the sources of its own cited sentences significantly worse than {current}: mean reciprocal rank "
        f"{decline.after:.3f} instead of {decline.before:.3f} over {decline.pairs} sentences (p = "
        f"{decline.p_value:.3f}). It is kept; `citewell rollback {version}` or a build with --activate-anyway makes "
        "it serve."
    )


def _load(corpus_dir: Path, read: Reader) -> Corpus:
    """Read a corpus while nobody changes it: a file that is just being moved away would seem to be missing."""
    with contextlib.ExitStack() as stack:
        # Where it cannot be held it cannot be changed either; what else is wrong the reading will tell.
        with contextlib.suppress(OSError):
            stack.enter_context(exclusive(corpus_dir))
        return load_corpus(corpus_dir, read=read)


def _refuse_unknown_sources(corpus: Corpus, numbering: Numbering) -> None:
    known = {reference.number for reference in numbering.entries}
    for document in corpus.documents:
        if document.reference_number is not None and document.reference_number not in known:
            raise BibliographyError(
                f"{document.doc_id} is entered as the text of reference {document.reference_number}, which no article "
                f"lists and {MANIFEST_NAME} does not describe. Correct its reference_number, or add the entry to "
                "[[references]]."
            )


def _refuse_without_text(corpus: Corpus) -> None:
    if not any(block.kind in BODY_KINDS for document in corpus.documents for block in document.blocks):
        reasons = "; ".join(f"{each.path}: {each.reason}" for each in corpus.quarantined)
        raise CorpusError(f"No document of the corpus has any text to index. {reasons}".strip())


def _content(corpus: Corpus, numbering: Numbering, embedder: Embedder, report: Progress) -> Content:
    limits = ChunkLimits.within(embedder.identity.max_tokens)

    def cut() -> Iterator[Passage]:
        for done, document in enumerate(corpus.documents):
            report("cut", done, len(corpus.documents))
            numbers = numbering.numbers.get(document.doc_id, {})
            yield from chunk_document(
                document, numbers=numbers, count_tokens=embedder.count_tokens, limits=limits
            )

    return Content(
        documents=corpus.documents,
        passages=cut(),
        references=numbering.entries,
        numbers=numbering.numbers,
    )


def _manifest_fields(
    corpus: Corpus, counts: Mapping[str, int], embedder: Embedder, self_score: SelfScore
) -> dict[str, Any]:
    return {
        "title": corpus.title,
        "model": embedder.identity.as_json(),
        "chunker": CHUNKER_VERSION,
        "documents": {document.doc_id: document.sha256 for document in corpus.documents},
        "counts": dict(counts),
        "self_score": asdict(self_score),
        "quarantined": [asdict(each) for each in corpus.quarantined],
    }


def _keep_ledger(corpus_dir: Path, before: Ledger, after: Ledger) -> None:
    """Store newly given numbers before any snapshot can show them, so that none is ever given twice."""
    if after == before:
        return
    path = corpus_dir / LEDGER_NAME
    try:
        handle, name = tempfile.mkstemp(prefix=f".{LEDGER_NAME}.", dir=corpus_dir)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(after.to_json())
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        raise CorpusError(
            f"New reference numbers cannot be stored in {path}: {error}. Make {corpus_dir} writable and build again; "
            "nothing has changed yet."
        ) from error


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")
