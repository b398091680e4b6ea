"""Joining the real parts; every other module sees protocols and values only."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from answer.answering import answer_question
from answer.confidence import ConfidenceModel, calibrate
from index.building import BuildReport, Progress, build_index
from index.embedding import Embedder, SentenceTransformerEmbedder
from index.reranking import CrossEncoderReranker, Reranker
from index.searching import OpenSnapshot, open_snapshot
from index.snapshot import built_at, current_version
from index.vector_cache import VectorCache
from ingest.errors import IndexMismatchError
from service.live_index import LiveIndex, ServingIndex
from service.settings import Settings

_WARM_UP_QUESTION = "What helps when my leg hurts?"


def make_embedder(settings: Settings) -> Embedder:
    """Load the encoder; takes seconds."""
    return SentenceTransformerEmbedder(settings.embedding_model)


def make_reranker(settings: Settings) -> Reranker | None:
    """Load the reranker where one is named."""
    return CrossEncoderReranker(settings.reranker_model) if settings.reranker_model else None


def build(settings: Settings, embedder: Embedder, *, progress: Progress | None = None) -> BuildReport:
    """Build and activate a snapshot of the corpus."""
    return build_index(
        settings.corpus_dir,
        settings.index_dir,
        embedder=embedder,
        cache=VectorCache(settings.cache_dir / "vectors.sqlite"),
        calibrate=calibrate,
        progress=progress,
    )


def open_current(index_dir: Path, embedder: Embedder, reranker: Reranker | None) -> ServingIndex:
    """Open the version that CURRENT names, verified.

    Raises:
        SnapshotError: If there is none, it is damaged, or it was built for something else.
    """
    version = current_version(index_dir)
    snapshot = open_snapshot(index_dir / version, embedder=embedder, reranker=reranker)
    model = _confidence(snapshot)
    # The first question pays for every page and pattern that is loaded late; no reader should.
    answer_question(_WARM_UP_QUESTION, searcher=snapshot.searcher, model=model, k=1)
    return ServingIndex(snapshot=snapshot, confidence=model, built_at=built_at(index_dir, version))


def _confidence(snapshot: OpenSnapshot) -> ConfidenceModel:
    try:
        return ConfidenceModel.from_json(snapshot.confidence)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexMismatchError(
            f"The confidence of version {snapshot.version} cannot be used: {error}. Run `citewell build`."
        ) from error


@contextmanager
def live_index(settings: Settings) -> Iterator[LiveIndex]:
    """Load the encoder, open the current snapshot, and follow its successors until the end of the block."""
    embedder = make_embedder(settings)
    reranker = make_reranker(settings)
    live = LiveIndex(
        open_current=lambda: open_current(settings.index_dir, embedder, reranker),
        read_version=lambda: current_version(settings.index_dir),
        check_every_s=settings.swap_check_s,
    )
    live.start()
    try:
        yield live
    finally:
        live.stop()
