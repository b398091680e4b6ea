"""Joining the real parts that answer; every other module sees protocols and values only.

What builds is joined in `service.build_wiring`, which loads the readers of every format as well. `citewell ask` starts
a process for one question, so what only a service needs is imported where the service is put together.
"""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from answer.answering import answer_question
from answer.confidence import ConfidenceModel
from answer.reading import ReadingModel, TransformersReadingModel
from index.cores import available_cores
from index.embedding import Embedder, ModelSource, SentenceTransformerEmbedder, locate_model
from index.onnx_embedding import ExportedModel, OnnxEmbedder
from index.onnx_export import export_model, find_export
from index.openvino_engine import open_bf16
from index.progress import Progress
from index.query_memory import RememberedQueries
from index.reranking import CrossEncoderReranker, Reranker
from index.searching import OpenSnapshot, open_snapshot
from index.snapshot import built_at, current_version
from index.spelling import english_words
from index.versions import served_before
from ingest.durable_files import exclusive
from ingest.errors import ExportError, IndexMismatchError, ModelError, SnapshotError
from service.serving_index import ServingIndex
from service.settings import Settings

if TYPE_CHECKING:
    from service.live_index import LiveIndex

_log = logging.getLogger(__name__)
_WARM_UP_QUESTION = "What helps when my leg hurts?"
#: Said where a reading model is named that the confidence of the index knows nothing of.
READER_UNUSED = (
    "The reading model is not used: the confidence of this index was fitted without it. Run `citewell build`, with "
    "judged questions in the corpus's questions folder, answerable ones among them."
)


def make_embedder(settings: Settings, *, progress: Progress | None = None, builds: bool = False) -> Embedder:
    """Open the encoder in the form that is served, which is made when it is not there yet or damaged.

    Making it takes some ten seconds and needs torch; opening it takes less than one. Of several processes one
    makes it and the others wait. A model that has no such form is served by sentence-transformers.

    Args:
        settings: Which model, and how many processes share the cores.
        progress: Told when the form has to be made.
        builds: Whether it is for many passages, of which each core takes its own, and not for one question at a time.
    """
    source, folder = locate_model(settings.embedding_model), settings.cache_dir / "models"
    # Processes that share the cores do not help each other's questions.
    serve = partial(OnnxEmbedder, threads=1 if builds else max(1, available_cores() // settings.workers))
    with suppress(ExportError):
        return serve(find_export(folder, source))
    with _alone_in(folder):
        try:
            return serve(find_export(folder, source))  # whoever held the lock has made it meanwhile
        except ExportError as missing:
            _log.info("encoder is exported", extra={"reason": str(missing)})
        return _make_served(settings, folder, source, serve=serve, progress=progress)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        # Where nothing can be written there is nothing to be made by two at once.
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(folder))
        yield


def _make_served(
    settings: Settings,
    folder: Path,
    source: ModelSource,
    *,
    serve: Callable[[ExportedModel], Embedder],
    progress: Progress | None,
) -> Embedder:
    if progress is not None:
        progress("export encoder", 0, 1)
    original = SentenceTransformerEmbedder(settings.embedding_model)
    try:
        served = export_model(original, folder, source, serve=serve)
    except (ExportError, OSError) as error:
        _log.warning("The encoder runs on sentence-transformers, several times as slow: %s", error)
        return original
    if progress is not None:
        progress("export encoder", 1, 1)
    return served


def make_bf16_encoder(settings: Settings) -> Embedder:
    """Open the form that is served, which must be there, in 16 bits: for passages, and only once it was compared.

    Raises:
        ModelError: If there is no such form, no OpenVINO, or a processor without bf16.
    """
    source = locate_model(settings.embedding_model)
    try:
        exported = find_export(settings.cache_dir / "models", source)
    except ExportError as error:
        raise ModelError(
            f"Only an encoder that was exported runs in bf16: {error} Set CITEWELL_EMBEDDING_FORM back to exact."
        ) from error
    return OnnxEmbedder(exported, engine=open_bf16(exported.graph, workers=available_cores()))


def make_reranker(settings: Settings) -> Reranker | None:
    """Load the reranker where one is named."""
    return CrossEncoderReranker(settings.reranker_model) if settings.reranker_model else None


def make_reading_model(settings: Settings) -> ReadingModel | None:
    """Load the reading model where one is named."""
    return TransformersReadingModel(settings.reading_model) if settings.reading_model else None


def open_current(
    index_dir: Path, embedder: Embedder, reranker: Reranker | None, reader: ReadingModel | None = None
) -> ServingIndex:
    """Open the version that CURRENT names, verified.

    Raises:
        SnapshotError: If there is none, it is damaged, or it was built for something else.
    """
    return open_version(index_dir, current_version(index_dir), embedder, reranker, reader)


def open_last_good(
    index_dir: Path, embedder: Embedder, reranker: Reranker | None, reader: ReadingModel | None = None
) -> ServingIndex:
    """Open the version that CURRENT names, or where that cannot be used the last one before it that can.

    Raises:
        SnapshotError: What is wrong with the current one, if no other can be used either.
    """
    try:
        return open_current(index_dir, embedder, reranker, reader)
    except (SnapshotError, OSError) as error:
        import structlog  # noqa: PLC0415  # only a service opens an older one

        for version in served_before(index_dir):
            with suppress(SnapshotError, OSError):
                older = open_version(index_dir, version, embedder, reranker, reader)
                structlog.get_logger(__name__).error(
                    "an older version serves", version=version, reason=str(error)
                )
                return older
        raise


def open_version(
    index_dir: Path,
    version: str,
    embedder: Embedder,
    reranker: Reranker | None,
    reader: ReadingModel | None = None,
) -> ServingIndex:
    """Open a version, verified and warm.

    Raises:
        SnapshotError: If it is not there, is damaged, or was built for something else.
    """
    snapshot = open_snapshot(index_dir / version, embedder=embedder, reranker=reranker)
    model = _confidence(snapshot, reader)
    if reader is not None and model.reader is None:
        _log.warning(READER_UNUSED)
    # The first question pays for every page and pattern that is loaded late; no reader should.
    answer_question(_WARM_UP_QUESTION, searcher=snapshot.searcher, model=model, k=1)
    return ServingIndex(snapshot=snapshot, confidence=model, built_at=built_at(index_dir, version))


def _confidence(snapshot: OpenSnapshot, reader: ReadingModel | None) -> ConfidenceModel:
    try:
        return ConfidenceModel.from_json(snapshot.confidence, reader=reader)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexMismatchError(
            f"The confidence of version {snapshot.version} cannot be used: {error}. Run `citewell build`."
        ) from error


@contextmanager
def live_index(settings: Settings) -> Iterator["LiveIndex"]:
    """Load the encoder, open the current snapshot, and follow its successors until the end of the block."""
    from service.live_index import LiveIndex  # noqa: PLC0415

    english_words()  # before a question needs them
    embedder = RememberedQueries(make_embedder(settings))
    reranker, reader = make_reranker(settings), make_reading_model(settings)
    live = LiveIndex(
        open_first=lambda: open_last_good(settings.index_dir, embedder, reranker, reader),
        open_current=lambda: open_current(settings.index_dir, embedder, reranker, reader),
        read_version=lambda: current_version(settings.index_dir),
        check_every_s=settings.swap_check_s,
    )
    # A full collection of what is loaded for good would stop everyone for some 75 ms, and every swap brings one about.
    gc.collect()
    gc.freeze()
    live.start()
    try:
        yield live
    finally:
        live.stop()
