"""As `citewell_passages`, with passages embedded in 16 bits; questions stay exact."""

from benchmarks.peers.protocol import serve
from benchmarks.peers.scripts.citewell import CACHE, load
from benchmarks.peers.scripts.citewell_passages import build, open_index
from index.embedding import Embedder, locate_model
from index.embedding_form import TwoFormEmbedder
from index.model_files import DEFAULT_MODEL
from index.onnx_embedding import OnnxEmbedder
from index.onnx_export import find_export
from index.openvino_engine import open_bf16


def load_both() -> Embedder:
    """Return the encoder as CITEWELL_EMBEDDING_FORM=bf16 has it build; the trial that comes once before is left out."""
    exact = load()
    exported = find_export(CACHE / "models", locate_model(DEFAULT_MODEL))
    fast = OnnxEmbedder(exported, workers=1, engine=open_bf16(exported.graph, workers=1))
    return TwoFormEmbedder(exact, fast)


if __name__ == "__main__":
    serve(load=load_both, build=build, open_index=open_index)
