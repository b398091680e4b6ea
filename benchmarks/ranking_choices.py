"""What each choice about ranking gains on judged questions: the figures of docs/decisions.md.

Example: .venv/bin/python -m benchmarks.ranking_choices
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from answer.questions import JudgedQuestion, read_questions
from index.embedding import Embedder, SentenceTransformerEmbedder
from index.fusion import WeightedScores, fuse_scores
from index.lexical import BM25Index
from index.vector_cache import VectorCache
from ingest.bibliography import DocumentReferences, number_references
from ingest.chunking import ChunkLimits, chunk_document
from ingest.corpus import Corpus, load_corpus
from ingest.records import Passage

Scores = NDArray[np.float64]  # (n_questions, n_passages)


@dataclass(frozen=True, slots=True)
class Bench:
    """Passages of one cut, the questions, and which passage is relevant to which question."""

    passages: list[Passage]
    titles: dict[str, str]
    relevant: NDArray[np.bool_]  # (n_questions, n_passages)
    queries: NDArray[np.float32]  # (n_questions, dim)
    questions: list[JudgedQuestion]
    embedder: Embedder
    cache: VectorCache

    def dense(self, texts: Sequence[str]) -> Scores:
        """Return the cosine of every question with every text."""
        return np.asarray(self.queries @ self.cache.embed(self.embedder, texts).T, dtype=np.float64)

    def best_sentence(self) -> Scores:
        """Return the cosine of every question with every passage's best sentence."""
        texts = [
            _without_numbers(passage.text[each.start - passage.start : each.end - passage.start])
            for passage in self.passages
            for each in passage.sentences
        ]
        starts = np.cumsum([0, *(len(passage.sentences) for passage in self.passages[:-1])])
        return np.asarray(np.maximum.reduceat(self.dense(texts), starts, axis=1))

    def lexical(self) -> Scores:
        """Return the BM25 score of every question and passage, titles included."""
        index = BM25Index.of([f"{self.titles[each.doc_id]}\n{each.embedding_text}" for each in self.passages])
        return np.stack([index.scores(question.question) for question in self.questions]).astype(np.float64)

    def measure(self, scores: Scores) -> tuple[str, str, str]:
        """Return relevant passage first, in the first five, and mean reciprocal rank."""
        order = np.argsort(-scores, axis=1, kind="stable")
        ranked = np.take_along_axis(self.relevant, order, axis=1)
        first = np.where(ranked.any(axis=1), ranked.argmax(axis=1), len(self.passages))
        figures = (first == 0).mean(), (first < 5).mean(), (1 / (1 + first)).mean()
        return tuple(f"{figure:.3f}" for figure in figures)  # type: ignore[return-value]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    parser.add_argument("--cache", type=Path, default=Path("var/cache/vectors.sqlite"))
    options = parser.parse_args()
    embedder, cache = SentenceTransformerEmbedder(), VectorCache(options.cache)
    corpus = load_corpus(options.corpus)
    table = Table("choice", "relevant first", "in first five", "MRR")
    for target_tokens in (96, 128, 160):
        bench = _bench(corpus, options.corpus, embedder, cache, target_tokens=target_tokens)
        for name, scores in _variants(bench).items():
            table.add_row(f"{target_tokens} tokens: {name}", *bench.measure(scores))
        table.add_section()
    Console().print(table)


def _variants(bench: Bench) -> dict[str, Scores]:
    bodies = [_without_numbers(each.text) for each in bench.passages]
    headed = [each.embedding_text for each in bench.passages]
    titled = [
        f"{bench.titles[each.doc_id]} > {text}" for each, text in zip(bench.passages, headed, strict=True)
    ]
    passage, sentence, lexical = bench.dense(headed), bench.best_sentence(), bench.lexical()
    mean = (passage + sentence) / 2
    return {
        "BM25": lexical,
        "passage with title and headings": bench.dense(titled),
        "passage with headings": passage,
        "passage alone": bench.dense(bodies),
        "best sentence": sentence,
        "mean of passage with headings and best sentence": mean,
        **{
            f"the same fused with BM25, {weight} on dense": np.stack(
                [_fuse(a, b, dense_weight=weight) for a, b in zip(mean, lexical, strict=True)]
            )
            for weight in (0.7, 0.8, 0.9, 0.95)
        },
    }


def _fuse(dense: Scores, lexical: Scores, *, dense_weight: float) -> Scores:
    return fuse_scores(
        [WeightedScores(dense, -1, dense_weight), WeightedScores(lexical, 0, 1 - dense_weight)]
    )


def _bench(
    corpus: Corpus, folder: Path, embedder: Embedder, cache: VectorCache, *, target_tokens: int
) -> Bench:
    articles = [each for each in corpus.documents if each.kind == "article"]
    lists = [DocumentReferences(each.doc_id, each.references) for each in articles]
    numbers = number_references(corpus.pinned, lists, corpus.ledger).numbers
    limits = ChunkLimits(embedder.identity.max_tokens, target_tokens=target_tokens)
    passages = [
        passage
        for each in corpus.documents
        for passage in chunk_document(
            each, numbers=numbers.get(each.doc_id, {}), count_tokens=embedder.count_tokens, limits=limits
        )
    ]
    questions = [
        each
        for path in sorted((folder / "questions").glob("*.jsonl"))
        for each in read_questions(path)
        if each.answerable
    ]
    number_of = {each.doc_id: each.reference_number or 0 for each in corpus.documents}
    relevant = [[_is_relevant(question, each, number_of) for each in passages] for question in questions]
    return Bench(
        passages=passages,
        titles={each.doc_id: each.title for each in corpus.documents},
        relevant=np.array(relevant),
        queries=cache.embed(embedder, [question.question for question in questions]),
        questions=questions,
        embedder=embedder,
        cache=cache,
    )


def _is_relevant(question: JudgedQuestion, passage: Passage, number_of: dict[str, int]) -> bool:
    text = " ".join(passage.text.split())
    return number_of[passage.doc_id] in question.refs and any(
        re.search(pattern, text, re.IGNORECASE) for group in question.nuggets for pattern in group
    )


def _without_numbers(text: str) -> str:
    return re.sub(r"\s*\[[\d, –-]+\]", "", text)


if __name__ == "__main__":
    main()
