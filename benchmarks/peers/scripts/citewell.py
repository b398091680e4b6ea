"""What the scripts of this library share: the encoder as it is served, on one thread, and passages to index.

A process that asks loads what answers, as `citewell ask` does; the readers of documents come with what builds.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.embedding import Embedder, locate_model
from index.model_files import DEFAULT_MODEL
from index.onnx_embedding import OnnxEmbedder
from index.onnx_export import find_export
from index.searching import Searcher
from ingest.errors import ExportError

if TYPE_CHECKING:
    from evaluation.ranking_sets import CorpusDocument
    from index.vector_cache import VectorCache

#: The encoder in the form that is served; it counts as a part of the environment.
CACHE = Path(sys.prefix) / "encoder"


def load() -> Embedder:
    """Return the encoder; the first time it is made."""
    source = locate_model(DEFAULT_MODEL)
    try:
        return OnnxEmbedder(find_export(CACHE / "models", source), workers=1)
    except ExportError:
        # Importing what makes it takes seconds, which no later process has to spend.
        from service import wiring  # noqa: PLC0415
        from service.settings import Settings  # noqa: PLC0415

        wiring.make_embedder(Settings(cache_dir=CACHE))
        return OnnxEmbedder(find_export(CACHE / "models", source), workers=1)


def documents(passages: Sequence[str]) -> "list[CorpusDocument]":
    """Return a document for each passage, its place for a name."""
    from evaluation.ranking_sets import CorpusDocument  # noqa: PLC0415

    return [CorpusDocument(name=f"{at:07d}", title="", text=text) for at, text in enumerate(passages)]


def vector_cache(folder: Path) -> "VectorCache":
    """Return a cache that holds nothing yet, beside the folder of an index: it may be deleted after a build."""
    from index.vector_cache import VectorCache  # noqa: PLC0415

    path = folder.with_name(f"{folder.name}.vectors.sqlite")
    path.unlink(missing_ok=True)
    return VectorCache(path)


def write_all(model: Embedder, passages: Sequence[str], folder: Path, *, cache: "VectorCache") -> Searcher:
    """Write everything that a `Searcher` opens, by the code that writes a version of the real index.

    Raises:
        RuntimeError: If a passage was left out or cut, so that places would mean others than the peers' do.
    """
    from evaluation.throwaway import build_throwaway  # noqa: PLC0415

    built = build_throwaway(
        folder,
        documents(passages),
        embedder=model,
        cache=cache,
        progress=lambda _stage, _done, _total: None,
    )
    if built.without_text or built.n_passages != len(passages):
        raise RuntimeError(
            f"{len(passages)} passages became {built.n_passages}; give shorter ones with words in them"
        )
    return built.searcher
