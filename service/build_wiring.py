"""Joining the real parts that build: a corpus into a version of the index, and uploads into the corpus."""

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from answer.adapting import learn
from answer.confidence import calibrate
from evaluation.significance import randomisation_p_values
from index.building import BuildReport, build_index
from index.embedding import Embedder
from index.progress import Progress
from index.vector_cache import VectorCache
from ingest.corpus_editing import NewDocument
from ingest.reading_cache import ReadingCache
from service import freshness, wiring
from service.embedding_form import embedder_of_builds
from service.fetched_documents import fetch_document
from service.job_work import Workshop
from service.settings import Settings


def build(
    settings: Settings,
    embedder: Embedder,
    *,
    progress: Progress | None = None,
    activate_anyway: bool = False,
) -> BuildReport:
    """Build a snapshot of the corpus, and activate it unless it finds its own sources significantly worse.

    The embedder is the one that serves; passages are embedded in the form of it that the settings name.
    """
    reader = wiring.make_reading_model(settings)
    return build_index(
        settings.corpus_dir,
        settings.index_dir,
        embedder=embedder_of_builds(settings, embedder, progress=progress),
        cache=VectorCache(settings.cache_dir / "vectors.sqlite"),
        calibrate=partial(calibrate, reader=reader),
        learn=learn,
        read=ReadingCache(settings.cache_dir / "readings.sqlite").read,
        paired_test=_paired_test,
        progress=progress,
        activate_anyway=activate_anyway,
    )


def _paired_test(differences: NDArray[np.float64]) -> float:
    return float(randomisation_p_values(differences[:, None])[0])


def make_workshop(settings: Settings) -> Workshop:
    """Join what working on jobs needs; the encoder is loaded when something is built."""

    @cache
    def embedder() -> Embedder:
        return wiring.make_embedder(settings, builds=True)

    def build_if_needed(
        progress: Progress, *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport | None:
        inputs = freshness.hash_inputs(settings)
        if not even_if_fresh and freshness.is_fresh(settings, inputs):
            return None
        progress("load encoder", 0, 1)
        built = build(settings, embedder(), progress=progress, activate_anyway=activate_anyway)
        freshness.remember(settings, built.version, inputs)
        return built

    def fetch(target: str, *, number: int | None) -> NewDocument:
        return fetch_document(settings, target, number=number)[0]

    return Workshop(settings, fetch=fetch, build=build_if_needed)
