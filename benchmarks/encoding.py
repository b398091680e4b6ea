"""How fast texts become vectors: the encoder as it is served, beside sentence-transformers and the processor's limit.

Run: OMP_NUM_THREADS=1 python -m benchmarks.encoding
Processor time of one core, which a busy machine lengthens much less than the time on the clock; for one question also
the time on the clock, since a second core that is free helps with it.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.rounds import Measured, interleave, table
from evaluation.form_agreement import measure_agreement
from index.embedding import Embedder, SentenceTransformerEmbedder, locate_model
from index.onnx_embedding import OnnxEmbedder
from index.onnx_export import find_export
from ingest.errors import ModelError
from service import wiring
from service.settings import Settings, read_settings

_ROOT = Path(__file__).parents[1]
#: Multiplications and additions of a BERT of six layers of 384: linear layers a token, and attention a token and token.
_FLOP_PER_TOKEN, _FLOP_PER_PAIR = 21.2e6, 9.2e3
_QUESTIONS_COMPARED = 200


def questions(count: int) -> list[str]:
    """Return questions of the judged set, evenly picked."""
    lines = (_ROOT / "corpus" / "questions" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    found = [str(json.loads(line)["question"]) for line in lines]
    return found[:: max(1, len(found) // count)][:count]


def mixed_passages(count: int, *, fits: Callable[[str], bool] = lambda _text: True) -> list[str]:
    """Return passages of 5 to 160 words, made of the corpus's own sentences; one that does not fit is halved."""
    words = " ".join(path.read_text("utf-8") for path in sorted((_ROOT / "corpus").rglob("*.md"))).split()
    random = np.random.default_rng(1)
    lengths = np.clip(random.lognormal(4.1, 0.6, count), 5, 160).astype(int)
    starts = random.integers(0, len(words) - 200, count)
    return [
        _fitting(words[start : start + length], fits) for start, length in zip(starts, lengths, strict=True)
    ]


def _fitting(words: Sequence[str], fits: Callable[[str], bool]) -> str:
    # A link may be many tokens long.
    while not fits(" ".join(words)):
        words = words[: len(words) // 2]
    return " ".join(words)


def flops(token_counts: Sequence[int]) -> float:
    """Return what embedding texts of so many tokens takes at least."""
    return sum(_FLOP_PER_TOKEN * count + _FLOP_PER_PAIR * count**2 for count in token_counts)


def gemm_flops_per_s() -> float:
    """Return the best rate of a 32-bit matrix product that one core is seen at."""
    a, b = np.ones((256, 384), np.float32), np.ones((384, 1536), np.float32)
    best = 0.0
    for _ in range(10):
        began = time.process_time()
        for _ in range(10):
            a @ b
        best = max(best, 10 * 2 * 256 * 384 * 1536 / (time.process_time() - began))
    return best


def median_ms(
    encode: Callable[[str], object],
    texts: Sequence[str],
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Return the median time of one call, in ms: processor time, or that of another clock."""
    took = []
    for text in texts:
        began = clock()
        encode(text)
        took.append(1_000 * (clock() - began))
    return statistics.median(took)


def per_s(embedder: Embedder, texts: Sequence[str]) -> float:
    """Return how many texts are embedded in a second of processor time."""
    began = time.process_time()
    embedder.embed_passages(texts)
    return len(texts) / (time.process_time() - began)


def on_one_core(settings: Settings) -> Embedder:
    """Return the encoder as it is served, which has been made, each question on one core."""
    source = locate_model(settings.embedding_model)
    return OnnxEmbedder(find_export(settings.cache_dir / "models", source), workers=1)


def main() -> None:
    """Print two tables, the greatest difference between the two encoders, and what bf16 finds of the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passages", type=int, default=64)
    options = parser.parse_args()
    settings = read_settings()
    served, original = wiring.make_embedder(settings), SentenceTransformerEmbedder(workers=1)
    single = on_one_core(settings)
    fast, why_not = _in_bf16(settings)
    model = original.model
    asked, passages = (
        questions(20),
        mixed_passages(
            options.passages, fits=lambda text: served.count_tokens(text) <= served.identity.max_tokens
        ),
    )

    def plain(text: str) -> object:
        return model.encode(text, normalize_embeddings=True, show_progress_bar=False)

    work = statistics.median(flops([served.count_tokens(text)]) for text in asked)
    measured = interleave(
        {
            "sentence-transformers": lambda: median_ms(plain, asked),
            "as served, on one core": lambda: median_ms(single.embed_query, asked),
            "limit of one core (matrix products alone)": lambda: 1_000 * work / gemm_flops_per_s(),
        },
        rounds=options.rounds,
        yardstick="sentence-transformers",
    )
    out = [table("one question, processor time", measured, unit="ms", yardstick="sentence-transformers"), ""]
    out.append(f"One core ÷ the limit: {_median_ratio(measured[1], measured[2]):.3g}\n")
    measured = interleave(
        {
            "sentence-transformers, on one core": lambda: median_ms(plain, asked, time.perf_counter),
            "as served": lambda: median_ms(served.embed_query, asked, time.perf_counter),
            "as served, on one core": lambda: median_ms(single.embed_query, asked, time.perf_counter),
            "limit of one core (matrix products alone)": lambda: 1_000 * work / gemm_flops_per_s(),
        },
        rounds=options.rounds,
        yardstick="sentence-transformers, on one core",
    )
    out.append(
        table(
            "one question, time on the clock",
            measured,
            unit="ms",
            yardstick="sentence-transformers, on one core",
        )
    )
    out.append("")
    out.append(f"As served ÷ the limit of one core: {_median_ratio(measured[1], measured[3]):.3g}\n")

    def batched(texts: Sequence[str]) -> float:
        began = time.process_time()
        model.encode(list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False)
        return len(texts) / (time.process_time() - began)

    measured = interleave(
        {
            "sentence-transformers, batches of 32": lambda: batched(passages),
            "as served": lambda: per_s(served, passages),
            **({} if fast is None else {"bf16, batches": lambda: per_s(fast, passages)}),
        },
        rounds=options.rounds,
        yardstick="sentence-transformers, batches of 32",
    )
    out += [
        table(
            f"{len(passages)} mixed passages", measured, unit="a second", yardstick="sentence-transformers"
        ),
        "",
    ]
    a, b = served.embed_passages(passages), original.embed_passages(passages)
    out.append(
        f"Greatest difference of a component: {np.abs(a - b).max():.1e}; least cosine: {(a * b).sum(1).min():.7f}"
    )
    out.append(why_not if fast is None else _agreement(served, fast, passages))
    print("\n".join(out))  # noqa: T201


def _in_bf16(settings: Settings) -> tuple[Embedder | None, str]:
    """Return the encoder in bf16, or None and why there is none here."""
    try:
        encoder = wiring.make_bf16_encoder(settings)
    except ModelError as error:
        return None, f"No bf16: {error}"
    encoder.embed_passages(["Whether batches are alike is tried once, before the first."])
    return encoder, ""


def _agreement(exact: Embedder, fast: Embedder, passages: Sequence[str]) -> str:
    asked = questions(_QUESTIONS_COMPARED)
    found = measure_agreement(
        exact.embed_passages(passages),
        fast.embed_passages(passages),
        np.stack([exact.embed_query(text) for text in asked]),
        relevant=[()] * len(asked),
    )
    return (
        f"bf16: top-10 overlap {found.overlap:.4f} ({found.queries} exact questions over {found.passages} "
        f"passages); least cosine: {found.least_cosine:.6f}"
    )


def _median_ratio(above: Measured, below: Measured) -> float:
    return statistics.median(one / other for one, other in zip(above.values, below.values, strict=True))


if __name__ == "__main__":
    main()
