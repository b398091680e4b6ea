"""The composed graph against BERT written out in numpy, on a tiny network with random weights."""

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from index.bert_graph import BertShape, Pooling, compose_graph
from index.onnx_embedding import open_session, run_graph

Array = NDArray[np.float64]
DIM, HEADS, WIDE, VOCABULARY, POSITIONS, LAYERS, EPSILON = 8, 2, 12, 20, 16, 2, 1e-6


def random_weights() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (VOCABULARY, DIM),
        "embeddings.position_embeddings.weight": (POSITIONS, DIM),
        "embeddings.token_type_embeddings.weight": (2, DIM),
        "embeddings.LayerNorm.weight": (DIM,),
        "embeddings.LayerNorm.bias": (DIM,),
    }
    linear = {
        "attention.self.query": (DIM, DIM),
        "attention.self.key": (DIM, DIM),
        "attention.self.value": (DIM, DIM),
        "attention.output.dense": (DIM, DIM),
        "intermediate.dense": (WIDE, DIM),
        "output.dense": (DIM, WIDE),
    }
    for layer in range(LAYERS):
        for name, shape in linear.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = shape
            shapes[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"encoder.layer.{layer}.{name}.weight"] = (DIM,)
            shapes[f"encoder.layer.{layer}.{name}.bias"] = (DIM,)
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


WEIGHTS = random_weights()


def normed(values: Array, name: str) -> Array:
    centred = values - values.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    return np.asarray(scaled * WEIGHTS[f"{name}.LayerNorm.weight"] + WEIGHTS[f"{name}.LayerNorm.bias"])


def linear(values: Array, name: str) -> Array:
    return np.asarray(values @ WEIGHTS[f"{name}.weight"].T + WEIGHTS[f"{name}.bias"])


def hidden_states(ids: list[int]) -> Array:
    """Return (n_tokens, DIM) as the paper has it: no fused operator, one head after the other."""
    hidden = normed(
        WEIGHTS["embeddings.word_embeddings.weight"][ids].astype(np.float64)
        + WEIGHTS["embeddings.position_embeddings.weight"][: len(ids)]
        + WEIGHTS["embeddings.token_type_embeddings.weight"][0],
        "embeddings",
    )
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            linear(hidden, f"{name}.attention.self.{part}") for part in ("query", "key", "value")
        )
        heads = []
        for at in range(0, DIM, DIM // HEADS):
            part = slice(at, at + DIM // HEADS)
            weights = np.exp(query[:, part] @ key[:, part].T / math.sqrt(DIM // HEADS))
            heads.append(weights / weights.sum(axis=1, keepdims=True) @ value[:, part])
        attended = linear(np.concatenate(heads, axis=1), f"{name}.attention.output.dense")
        hidden = normed(hidden + attended, f"{name}.attention.output")
        wide = linear(hidden, f"{name}.intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        hidden = normed(hidden + linear(wide, f"{name}.output.dense"), f"{name}.output")
    return hidden


def unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def save(folder: Path, pooling: Pooling) -> Path:
    path = folder / "graph.onnx"
    onnx.save_model(compose_graph(WEIGHTS, BertShape(LAYERS, HEADS, EPSILON, pooling)), str(path))
    return path


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("length", [1, 2, 7, POSITIONS])
def test_the_graph_computes_what_the_network_is_defined_to_be(
    tmp_path: Path, pooling: Pooling, length: int
) -> None:
    ids = [[(3 * at + text) % VOCABULARY for at in range(length)] for text in range(3)]
    session = open_session(save(tmp_path, pooling))

    found = run_graph(session, ids, with_tokens=True)

    expected = np.stack([hidden_states(each) for each in ids])
    pooled = expected.mean(axis=1) if pooling == "mean" else expected[:, 0]
    assert found.token_vectors == pytest.approx(unit(expected), abs=1e-5)
    assert found.vectors == pytest.approx(unit(pooled), abs=1e-5)


def test_the_same_weights_give_the_same_graph(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files.append(save(tmp_path / name, "mean").read_bytes())

    assert files[0] == files[1]


def test_weights_of_another_network_are_refused() -> None:
    weights = {name: values for name, values in WEIGHTS.items() if "position" not in name}

    with pytest.raises(KeyError, match="position_embeddings"):
        compose_graph(weights, BertShape(LAYERS, HEADS, EPSILON, "mean"))
