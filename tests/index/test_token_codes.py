import numpy as np

from index.token_codes import pack_tokens, quantize_tokens, unpack_tokens

_X, _Y, _Z = np.eye(3, dtype=np.float32)
NO_SPECIAL: frozenset[int] = frozenset()


def test_special_tokens_are_left_out() -> None:
    found = quantize_tokens(np.stack([_X, _Y, _Z]), np.array([101, 7, 102]), special=frozenset({101, 102}))

    assert found.ids.tolist() == [7]
    assert found.codes.tolist() == [[0, 127, 0]]


def test_packed_tokens_come_back_as_they_were() -> None:
    tokens = quantize_tokens(np.stack([_X + 0.25 * _Y, _Z]), np.array([7, 30_521]), special=NO_SPECIAL)

    again = unpack_tokens(pack_tokens(tokens), dim=3)

    assert again.codes.tolist() == tokens.codes.tolist()
    assert again.scales.tobytes() == tokens.scales.tobytes()
    assert again.ids.tolist() == [7, 30_521]


def test_a_text_without_tokens_comes_back_without_any() -> None:
    nothing = quantize_tokens(np.empty((0, 3), np.float32), np.empty(0, np.int64), special=NO_SPECIAL)

    assert unpack_tokens(pack_tokens(nothing), dim=3).ids.tolist() == []
