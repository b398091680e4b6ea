"""The token vectors of a text in 8 bits a dimension."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LARGEST_CODE = 127


@dataclass(frozen=True, slots=True)
class TokenCodes:
    """The token vectors of one text in 8 bits a dimension, special tokens left out.

    A token's vector is its row of `codes`, int8 of shape (n_tokens, dim), times its entry of `scales`,
    float32 of shape (n_tokens,). `ids`, int32 of shape (n_tokens,), are places in the encoder's vocabulary.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    ids: NDArray[np.int32]

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors that the codes stand for, shape (n_tokens, dim)."""
        return self.codes * self.scales[:, None]


def quantize_tokens(
    vectors: NDArray[np.float32], ids: NDArray[np.int64], *, special: frozenset[int]
) -> TokenCodes:
    """Return token vectors of shape (n_tokens, dim) in 8 bits a dimension, without the special tokens."""
    kept = np.array([token not in special for token in ids.tolist()], dtype=bool)
    rows = vectors[kept]
    largest = np.abs(rows).max(axis=1, initial=0)
    scales = np.where(largest > 0, largest / _LARGEST_CODE, 1).astype(np.float32)
    codes = np.rint(rows / scales[:, None]).astype(np.int8)
    return TokenCodes(codes, scales, ids[kept].astype(np.int32))


def pack_tokens(tokens: TokenCodes) -> bytes:
    """Return the bytes of a text's tokens."""
    return tokens.ids.astype("<i4").tobytes() + tokens.scales.astype("<f4").tobytes() + tokens.codes.tobytes()


def unpack_tokens(packed: bytes, *, dim: int) -> TokenCodes:
    """Return the tokens that `pack_tokens` packed; `dim` is the length of their vectors."""
    n_tokens = len(packed) // (4 + 4 + dim)
    return TokenCodes(
        codes=np.frombuffer(packed, dtype=np.int8, offset=8 * n_tokens).reshape(n_tokens, dim),
        scales=np.frombuffer(packed, dtype="<f4", count=n_tokens, offset=4 * n_tokens).astype(np.float32),
        ids=np.frombuffer(packed, dtype="<i4", count=n_tokens).astype(np.int32),
    )
