"""Running an exported encoder with OpenVINO in 16 bits (bf16): several times as fast where the processor has them."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.bert_graph import TOKEN_IDS
from index.onnx_embedding import Engine
from ingest.errors import ModelError

#: 16-bit activations of more tokens still fit a core's own cache, and each shape costs a preparation.
TOKENS_PER_BATCH = 1024
_BF16 = "BF16"
#: So many layers prepared for a shape are kept: OpenVINO's own 5,000 take gigabytes, as the texts of a corpus have
#: hundreds of shapes. Not 0: without a cache other kernels run, slower ones that round more.
_PREPARED_KEPT = "256"


def open_bf16(graph: Path, *, workers: int) -> Engine:
    """Open a graph of `index.bert_graph`, its fused operators included, for at most so many runs at once.

    Raises:
        ModelError: If OpenVINO is not installed, or this processor has no arithmetic in bf16.
    """
    if find_spec("openvino") is None:
        raise ModelError(
            "Embedding in bf16 needs OpenVINO. Install it (pip install 'citewell[openvino]'), or set "
            "CITEWELL_EMBEDDING_FORM back to exact."
        )
    import openvino  # noqa: PLC0415  # an extra, and only those who build in bf16 pay for loading it

    core = openvino.Core()
    if _BF16 not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ModelError(
            "This processor has no arithmetic in bf16, so that embedding in it would be slower. Set "
            "CITEWELL_EMBEDDING_FORM back to exact."
        )
    options = {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": workers,
        "NUM_STREAMS": workers,  # a run stays on one thread, so that no sum depends on how many there are
        "ENABLE_CPU_PINNING": False,
        "CPU_RUNTIME_CACHE_CAPACITY": _PREPARED_KEPT,
    }
    compiled = core.compile_model(core.read_model(graph), "CPU", options)
    release = openvino.get_version().split("-")[0]
    return Engine(f"openvino {release} bf16", _Session(compiled, workers), TOKENS_PER_BATCH)


class _Session:
    """A compiled graph with one request for each run at a time; further runs wait for one to be free."""

    def __init__(self, compiled: Any, runs: int) -> None:
        self._requests: SimpleQueue[Any] = SimpleQueue()
        for _ in range(runs):
            self._requests.put(compiled.create_infer_request())

    def run(
        self, names: Sequence[str], inputs: Mapping[str, NDArray[np.int64]]
    ) -> Sequence[NDArray[np.float32]]:
        """Return copies of the outputs of these names."""
        request = self._requests.get()
        try:
            request.infer({TOKEN_IDS: inputs[TOKEN_IDS]})
            return [np.array(request.get_tensor(name).data, dtype=np.float32) for name in names]
        finally:
            self._requests.put(request)
