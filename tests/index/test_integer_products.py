from importlib.resources import files
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from index import integer_products as products
from index.integer_products import (
    GRAPH_NAME,
    as_unsigned,
    integer_products,
    open_products,
    products_are_exact,
)

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 20), st.integers(1, 400))


def signed_bytes(seed: int, n: int, dim: int) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, (n, dim), dtype=np.int8)


class Saturating:
    """Stands for a processor that adds two products in 16 bits."""

    def run(self, _: None, inputs: dict[str, NDArray[Any]]) -> list[NDArray[np.int32]]:
        left, right = inputs["left"].astype(np.int32), inputs["right"].astype(np.int32)
        terms = left[:, :, None] * right[None, :, :]
        terms = np.pad(terms, ((0, 0), (0, left.shape[1] % 2), (0, 0)))
        pairs = np.clip(terms[:, ::2] + terms[:, 1::2], -(2**15), 2**15 - 1)
        return [(pairs.sum(axis=1) - 128 * right.sum(axis=0)).astype(np.int32)]


@given(SHAPES, st.integers(0, 1_000))
def test_products_are_those_of_whole_numbers(shape: tuple[int, int, int], seed: int) -> None:
    n_left, n_right, dim = shape
    left, right = signed_bytes(seed, n_left, dim), signed_bytes(seed + 1, n_right, dim)

    found = integer_products(as_unsigned(left), right)

    assert np.array_equal(found, left.astype(np.int64) @ right.T.astype(np.int64))


@pytest.mark.parametrize("dim", [384, 1_024, 1_500])
def test_floats_give_the_same_bits_where_the_processor_cannot(
    dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = np.full((3, dim), -128, dtype=np.int8), signed_bytes(1, 5, dim)
    here = integer_products(as_unsigned(left), right).astype(np.float32)
    monkeypatch.setattr(products, "_session", lambda: None)

    assert np.array_equal(integer_products(as_unsigned(left), right), here)


def test_a_processor_that_cuts_sums_is_found_out() -> None:
    assert not products_are_exact(Saturating())


def test_the_graph_in_the_package_is_one_product() -> None:
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["left", "right", "zero_point"], ["products"])],
        "integer_products",
        [
            helper.make_tensor_value_info("left", TensorProto.UINT8, ["n_left", "dim"]),
            helper.make_tensor_value_info("right", TensorProto.INT8, ["dim", "n_right"]),
        ],
        [helper.make_tensor_value_info("products", TensorProto.INT32, ["n_left", "n_right"])],
        [helper.make_tensor("zero_point", TensorProto.UINT8, [], [128])],
    )
    stored = onnx.load_from_string((files("index") / GRAPH_NAME).read_bytes())

    assert stored.graph == graph


def test_the_products_of_this_machine_are_tried_before_they_are_used() -> None:
    exact = products_are_exact(open_products())

    assert (products._session() is not None) == exact
