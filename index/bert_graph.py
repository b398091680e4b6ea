"""A BERT encoder written as one ONNX graph, with pooling, from its weights.

The graph is composed and not traced: ONNX Runtime's fused operators stand in it from the start, and the
same weights give the same graph whatever version of torch loaded them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

Weights = Mapping[str, NDArray[np.float32]]
Pooling = Literal["mean", "cls"]

#: Raised whenever the composed graph changes in a way that may change a bit of a vector.
GRAPH_VERSION = 1
TOKEN_IDS, SENTENCE_VECTORS, TOKEN_VECTORS = "token_ids", "sentence_vectors", "token_vectors"

_OPSET, _IR_VERSION = 17, 10
_FUSED = "com.microsoft"


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights do not say of themselves."""

    n_layers: int
    n_heads: int
    layer_norm_epsilon: float
    pooling: Pooling


def compose_graph(weights: Weights, shape: BertShape) -> "ModelProto":
    """Return the graph: token ids in, unit vectors out.

    Input `token_ids`: int64 of shape (n_texts, n_tokens), special tokens included. All texts of a batch
    have the same number of tokens: there is no padding and no mask.
    Output `sentence_vectors`: float32 of shape (n_texts, dim), rows of length 1.
    Output `token_vectors`: float32 of shape (n_texts, n_tokens, dim), the last hidden states, each of length 1.

    Args:
        weights: The encoder's parameters under the names that transformers gives them.
        shape: What else the graph depends on.

    Raises:
        KeyError: If a weight is missing, so that this is no BERT encoder.

    Source: Devlin et al., BERT, NAACL 2019; the fused operators are those of ONNX Runtime's contrib set.
    """
    return _Composer(weights, shape).compose()


class _Composer:
    """Collects nodes and initializers, one method per part of the network."""

    def __init__(self, weights: Weights, shape: BertShape) -> None:
        from onnx import NodeProto, TensorProto  # noqa: PLC0415  # only an export needs it

        self._weights = weights
        self._shape = shape
        self._nodes: list[NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}

    def compose(self) -> "ModelProto":
        from onnx import TensorProto, helper  # noqa: PLC0415

        hidden = self._embeddings()
        for layer in range(self._shape.n_layers):
            hidden = self._layer(hidden, f"encoder.layer.{layer}")
        self._pooled(hidden)
        self._normalised(hidden, TOKEN_VECTORS)
        dim = self._weights["embeddings.LayerNorm.weight"].shape[0]
        inputs = [helper.make_tensor_value_info(TOKEN_IDS, TensorProto.INT64, ["n_texts", "n_tokens"])]
        outputs = [
            helper.make_tensor_value_info(SENTENCE_VECTORS, TensorProto.FLOAT, ["n_texts", dim]),
            helper.make_tensor_value_info(TOKEN_VECTORS, TensorProto.FLOAT, ["n_texts", "n_tokens", dim]),
        ]
        graph = helper.make_graph(
            self._nodes, "citewell-bert", inputs, outputs, list(self._initializers.values())
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)],
            ir_version=_IR_VERSION,
            producer_name="citewell",
        )

    def _embeddings(self) -> str:
        words = self._weight("embeddings.word_embeddings.weight")
        # Every text is of the first type, so its vector is added to all positions once and for all.
        positions = (
            self._weights["embeddings.position_embeddings.weight"]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        shape = self._add("Shape", [TOKEN_IDS])
        length = self._add("Slice", [shape, self._integers([1]), self._integers([2])])
        placed = self._add(
            "Slice",
            [self._constant("positions", positions), self._integers([0]), length, self._integers([0])],
        )
        summed = self._add("Add", [self._add("Gather", [words, TOKEN_IDS]), placed])  # (texts, tokens, dim)
        return self._add(
            "LayerNormalization",
            [summed, self._weight("embeddings.LayerNorm.weight"), self._weight("embeddings.LayerNorm.bias")],
            epsilon=self._shape.layer_norm_epsilon,
        )

    def _layer(self, hidden: str, name: str) -> str:
        attended = self._attention(hidden, f"{name}.attention.self")
        output = self._linear(attended, f"{name}.attention.output.dense")
        hidden = self._added_norm(output, hidden, f"{name}.attention.output")
        wide = self._linear(hidden, f"{name}.intermediate.dense")
        bias = self._weight(f"{name}.intermediate.dense.bias")
        wide = self._add("BiasGelu", [wide, bias], domain=_FUSED)
        output = self._linear(wide, f"{name}.output.dense")
        return self._added_norm(output, hidden, f"{name}.output")

    def _attention(self, hidden: str, name: str) -> str:
        parts = [f"{name}.{part}" for part in ("query", "key", "value")]
        packed = np.concatenate([self._weights[f"{part}.weight"].T for part in parts], axis=1)  # (dim, 3 dim)
        biases = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        inputs = [hidden, self._constant(f"{name}.weight", packed), self._constant(f"{name}.bias", biases)]
        return self._add("Attention", inputs, domain=_FUSED, num_heads=self._shape.n_heads)

    def _linear(self, hidden: str, name: str) -> str:
        """Multiply; the bias is added by the fused operator that follows."""
        return self._add("MatMul", [hidden, self._constant(name, self._weights[f"{name}.weight"].T)])

    def _added_norm(self, output: str, skipped: str, name: str) -> str:
        inputs = [
            output,
            skipped,
            self._weight(f"{name}.LayerNorm.weight"),
            self._weight(f"{name}.LayerNorm.bias"),
            self._weight(f"{name}.dense.bias"),
        ]
        return self._add(
            "SkipLayerNormalization", inputs, domain=_FUSED, epsilon=self._shape.layer_norm_epsilon
        )

    def _pooled(self, hidden: str) -> None:
        if self._shape.pooling == "mean":
            pooled = self._add("Squeeze", [self._summed(hidden), self._integers([1])])
        else:
            pooled = self._add("Gather", [hidden, self._constant("first", np.array(0, np.int64))], axis=1)
        self._normalised(pooled, SENTENCE_VECTORS)

    def _summed(self, hidden: str) -> str:
        """Return the sum over the tokens, (n_texts, 1, dim): the mean but for a length that is set to 1 anyway.

        ReduceMean sums in another order for one text than for several; one product a text does not.
        """
        length = self._add(
            "Slice", [self._add("Shape", [TOKEN_IDS]), self._integers([1]), self._integers([2])]
        )
        one = self._constant("one", np.ones(1, np.float32))
        row = self._add("Expand", [one, self._add("Concat", [self._integers([1]), length], axis=0)])
        return self._add("MatMul", [row, hidden])  # (1, tokens) x (texts, tokens, dim)

    def _normalised(self, vectors: str, output: str) -> None:
        self._add("LpNormalization", [vectors], output=output, axis=-1, p=2)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _integers(self, values: list[int]) -> str:
        return self._constant(f"integers{values}", np.array(values, np.int64))

    def _constant(self, name: str, values: NDArray[np.generic]) -> str:
        from onnx import numpy_helper  # noqa: PLC0415

        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def _add(
        self,
        operator: str,
        inputs: list[str],
        *,
        output: str | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        from onnx import helper  # noqa: PLC0415

        name = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name
