"""An encoder in the form that is served, made once from the weights and kept in a folder.

<folder>/<hash of weights and configuration>/
    graph.onnx      the network with its pooling
    weights.bin     its parameters, mapped into memory by whoever opens the graph
    tokenizer.json  as sentence-transformers uses it
    record.json     what it is, and a checksum of every file
"""

import hashlib
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from index.bert_graph import GRAPH_VERSION, BertShape, Pooling, compose_graph
from index.embedding import Embedder, ModelSource, SentenceTransformerEmbedder
from index.onnx_embedding import ExportedModel
from ingest.errors import ExportError

_FORMAT = 2
_PIECE_BYTES = 1 << 16
_GRAPH, _WEIGHTS, _TOKENIZER, _RECORD = "graph.onnx", "weights.bin", "tokenizer.json", "record.json"
#: How near a vector of the exported model must be to the original's; what was seen is 1 - 1e-7.
_LEAST_COSINE = 1 - 1e-5
_MODULES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_POOLINGS: dict[str, Pooling] = {"mean": "mean", "cls": "cls"}

#: Texts on which an export must agree with its original: all lengths, cases, scripts and odd characters.
_PARAGRAPH = (
    "A cramp in the calf comes on at night, lasts for seconds or minutes, and leaves the muscle sore. Pulling the "
    "toes towards the shin stretches it; so does standing on the cold floor. Magnesium (300 mg/day) helped no more "
    "than a placebo did [2, 4–6], and quinine's risks outweigh what it does. "
)
_SAMPLES = (
    "",
    "?",
    "Cramp",
    "WHAT HELPS?",
    "Émollients, µg and 痛み — ½ tablet 💊",
    "pseudohypoparathyroidism\tand\nelectroencephalography",
    "Who must not take quinine, and why is it dangerous with warfarin?",
    *(_PARAGRAPH[:end] for end in range(10, len(_PARAGRAPH), 25)),
    _PARAGRAPH * 2,
    _PARAGRAPH * 3,
)


def find_export(folder: Path, source: ModelSource) -> ExportedModel:
    """Return the export of a model, every byte of it as it was written.

    Raises:
        ExportError: If it was not made yet, or is damaged.
    """
    return _read(folder / _export_name(source), source)


def export_model(
    original: SentenceTransformerEmbedder,
    folder: Path,
    source: ModelSource,
    *,
    serve: Callable[[ExportedModel], Embedder],
) -> Embedder:
    """Export a model, compare the export with the original, keep it, and return it as it is served.

    Args:
        original: The model as sentence-transformers runs it.
        folder: Where exports are kept for `find_export`.
        source: Where the model came from.
        serve: Opens an export.

    Raises:
        ExportError: If the model is of another kind than can be exported, or the export disagrees with it.
        OSError: If the disk refuses.
    """
    shape = _shape_of(original)
    place = folder / _export_name(source)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as name:
        made = Path(name) / place.name
        made.mkdir()
        _write(made, original, shape)
        compare_encoders(original, serve(_read(made, source)))
        _move(made, place, source)
    return serve(_read(place, source))


def compare_encoders(original: Embedder, served: Embedder, texts: Sequence[str] = _SAMPLES) -> None:
    """Make sure that two encoders cut texts into the same tokens and give them the same vectors.

    Raises:
        ExportError: If they do not; the message has the text and the figures.
    """
    pairs = zip(texts, original.encode_passages(texts), served.encode_passages(texts), strict=True)
    for text, expected, found in pairs:
        if not np.array_equal(expected.token_ids, found.token_ids):
            raise ExportError(
                f"The export cuts {text[:40]!r} into tokens {found.token_ids[:20]}, the original into "
                f"{expected.token_ids[:20]}."
            )
        cosines = np.sum(expected.token_vectors * found.token_vectors, axis=1)  # (n_tokens,)
        least = float(np.min([*cosines, expected.vector @ found.vector]))  # not a number if one is not
        if not least >= _LEAST_COSINE:
            raise ExportError(
                f"The export's vector of {text[:40]!r}, or of one of its tokens, has a cosine of {least:.6f} with "
                f"the original's; {_LEAST_COSINE:.6f} is the least allowed."
            )


def _shape_of(original: SentenceTransformerEmbedder) -> BertShape:
    """Return what the graph needs to know, or refuse a model that it would not be a faithful form of."""
    modules = [type(module).__name__ for module in original.model]
    encoder = original.model[0].auto_model
    pooling = _POOLINGS.get(str(getattr(original.model[1], "pooling_mode", ""))) if len(modules) > 1 else None
    if type(encoder).__name__ != "BertModel" or modules not in _MODULES or pooling is None:
        raise ExportError(
            f"{original.identity.model} is a {type(encoder).__name__} with {'+'.join(modules)} and "
            f"{original.identity.pooling}; BERT encoders with mean or cls pooling can be exported."
        )
    config = encoder.config
    if config.hidden_act != "gelu" or getattr(config, "position_embedding_type", "absolute") != "absolute":
        raise ExportError(f"{original.identity.model} has other activations or positions than BERT's own.")
    return BertShape(
        n_layers=int(config.num_hidden_layers),
        n_heads=int(config.num_attention_heads),
        layer_norm_epsilon=float(config.layer_norm_eps),
        pooling=pooling,
    )


def _write(folder: Path, original: SentenceTransformerEmbedder, shape: BertShape) -> None:
    import onnx  # noqa: PLC0415  # only an export needs it

    parameters = original.model[0].auto_model.state_dict()
    weights = {name: np.asarray(values.float().numpy()) for name, values in parameters.items()}
    try:
        graph = compose_graph(weights, shape)
    except KeyError as error:
        raise ExportError(f"{original.identity.model} has no weight {error}.") from error
    # The parameters lie beside the graph, where several processes can map the same pages.
    onnx.save_model(
        graph, str(folder / _GRAPH), save_as_external_data=True, location=_WEIGHTS, size_threshold=1024
    )
    _write_in_pieces(folder / _WEIGHTS)
    (folder / _TOKENIZER).write_text(original.model.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
    identity = original.identity
    about = {
        "weights_sha256": identity.weights_sha256,
        "pooling": identity.pooling,
        "dim": identity.dim,
        "max_tokens": identity.max_tokens,
    }
    for name in (_GRAPH, _WEIGHTS, _TOKENIZER):
        (folder / name).chmod(0o644)
    files = {name: _checksum(folder / name) for name in (_GRAPH, _WEIGHTS, _TOKENIZER)}
    (folder / _RECORD).write_text(json.dumps({"about": about, "files": files}, indent=1), encoding="utf-8")


def _write_in_pieces(path: Path) -> None:
    """Write a file anew, a little at a time.

    Linux keeps what was written at once in large pages, and maps them whole: of a table of word vectors written in one
    go, each row that a question needs would bring 2 MB with it.
    """
    written = path.read_bytes()
    path.unlink()
    with path.open("xb", buffering=0) as stream:
        for at in range(0, len(written), _PIECE_BYTES):
            stream.write(written[at : at + _PIECE_BYTES])


def _read(place: Path, source: ModelSource) -> ExportedModel:
    try:
        record = json.loads((place / _RECORD).read_text(encoding="utf-8"))
        damaged = [name for name, written in record["files"].items() if _checksum(place / name) != written]
        exported = ExportedModel(
            graph=place / _GRAPH, tokenizer=place / _TOKENIZER, model=source.model, **record["about"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{source.model} has no export in {place}.") from error
    if damaged:
        raise ExportError(f"{', '.join(damaged)} in {place} is not as it was written.")
    return exported


def _move(made: Path, place: Path, source: ModelSource) -> None:
    """Put an export in its place, where another process may have put one meanwhile, or a damaged one may lie."""
    try:
        _read(place, source)
    except ExportError:
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)


def _export_name(source: ModelSource) -> str:
    """Return a name that changes with the weights, with what is written beside them, and with the graph's form."""
    digest = hashlib.sha256(f"{_FORMAT} {GRAPH_VERSION} {source.weights_sha256}".encode())
    for path in sorted(source.path.rglob("*.json")):
        digest.update(path.relative_to(source.path).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{source.weights_sha256[:16]}-{digest.hexdigest()[:16]}"


def _checksum(path: Path) -> int:
    """Return the CRC-32 of a file.

    It is to find what a disk has lost; who can change a file can change the record beside it, too. Every start
    reads all of the weights, and a cryptographic hash would take a tenth of its time.
    """
    found, buffer = 0, memoryview(bytearray(1 << 18))
    with path.open("rb", buffering=0) as stream:
        while n_bytes := stream.readinto(buffer):
            found = zlib.crc32(buffer[:n_bytes], found)
    return found
