"""Reordering the best passages by reading query and passage together; off unless a model is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.model_files import find_model_folder
from ingest.errors import ModelError


class Reranker(Protocol):
    """Scores pairs of query and passage."""

    @property
    def depth(self) -> int:
        """How many of the best passages are worth reordering."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return shape (len(texts),), higher is better, in the same order."""


class CrossEncoderReranker:
    """A `Reranker` on a sentence-transformers CrossEncoder.

    Raises:
        ModelError: If the model is nowhere, cannot be loaded, or was made for something else.
    """

    def __init__(self, model: str, *, depth: int = 40) -> None:
        path = find_model_folder(
            model, what="reranker", setting="CITEWELL_RERANKER_MODEL", otherwise="to rank without one"
        )
        self._model = _load_model(path)
        self.depth = depth

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return shape (len(texts),), higher is better, in the same order."""
        # One pair at a time, so that a score never depends on what is scored beside it.
        scores = [self._model.predict([(query, text)], show_progress_bar=False)[0] for text in texts]
        return np.asarray(scores, dtype=np.float64)


def _load_model(path: Path) -> Any:
    """Load the model for single-threaded use on the CPU; importing torch takes seconds, so only here."""
    import torch  # noqa: PLC0415
    from sentence_transformers import CrossEncoder  # noqa: PLC0415
    from transformers import AutoConfig  # noqa: PLC0415

    torch.set_num_threads(1)
    try:
        made_as = AutoConfig.from_pretrained(path, local_files_only=True).architectures or []
        model = CrossEncoder(str(path), device="cpu", local_files_only=True)
    except Exception as error:  # each library has its own words for a file that it cannot read
        raise ModelError(
            f"The reranker model in {path} cannot be loaded: {error}. Save it again, or unset "
            "CITEWELL_RERANKER_MODEL."
        ) from error
    # A bare encoder is loaded too: with a last layer made up at random, another one at each start.
    if made_as and all(name.endswith("Model") for name in made_as):
        raise ModelError(
            f"{path} holds an encoder ({made_as[0]}), which cannot compare a query with a passage. Give a "
            "CrossEncoder in CITEWELL_RERANKER_MODEL, or unset it."
        )
    return model
