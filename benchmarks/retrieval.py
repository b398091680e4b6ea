"""Each step of retrieval on public judged sets, beside published and measured baselines.

An index of each set is thrown away after use; what stays is the cache of vectors, so only the first run is slow.
The baselines are of the same encoder and BM25 library on whole documents, measured with neither our cutting nor
our code; those of other systems are named.

Example: .venv/bin/python -m benchmarks.retrieval ../shared/eval --cache var/cache/eval
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from copy import copy
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.judged_sets import COLLECTIONS, Collection, documents_of, read_set
from evaluation.measures import Run, score_run, strictly_decreasing
from evaluation.question_sets import mean_estimate
from evaluation.ranking_sets import RankingSet
from evaluation.resampling import Estimate
from evaluation.throwaway import ThrowawayIndex, build_throwaway
from index.embedding import SentenceTransformerEmbedder
from index.progress import Progress
from index.searching import Searcher
from index.vector_cache import VectorCache
from service import wiring
from service.console import progress
from service.settings import read_settings

MEASURES = ("nDCG@10", "Recall@100")
_DEPTH = 100
#: What is timed: so many passages of so many queries, which have been asked before.
_TIMED_PASSAGES, _TIMED_QUERIES = 20, 40
_WIDTH = 160  # narrower, and figures would be cut short

#: (passage position or doc_id, score), best first.
Ranked = list[tuple[str, float]]


def by_words(searcher: Searcher, query: str, k: int) -> Ranked:
    """Rank by BM25 alone."""
    scores = searcher.lexical.scores(query).astype(np.float64)
    order = np.lexsort((np.arange(len(scores)), -scores))[:k]
    return _documents(searcher, order, scores[order])


def by_vectors(searcher: Searcher, query: str, k: int) -> Ranked:
    """Rank by the cosine of query and whole passage alone."""
    positions, scores = searcher.vectors.search(searcher.embedder.embed_query(query), k=k)
    return _documents(searcher, positions, scores)


def by_both(searcher: Searcher, query: str, k: int) -> Ranked:
    """Rank as the service does, but for the comparison of tokens."""
    without = copy(searcher)
    without.tokens = None
    return as_served(without, query, k)


class _WithoutFeedback(Searcher):
    """A searcher that lets the best passage say nothing about the others."""

    def _near_the_best(
        self,
        candidates: NDArray[np.int64],  # noqa: ARG002  # as its parent has it
        dense: NDArray[np.float64],
        fused: NDArray[np.float64],  # noqa: ARG002
    ) -> NDArray[np.float64]:
        return dense


def by_tokens(searcher: Searcher, query: str, k: int) -> Ranked:
    """Rank as the service does, but for what the best passage says about the others."""
    without = copy(searcher)
    without.__class__ = _WithoutFeedback
    return as_served(without, query, k)


def as_served(searcher: Searcher, query: str, k: int) -> Ranked:
    """Rank as the service does, all steps together."""
    return [(hit.passage.doc_id, hit.score) for hit in searcher.search(query, k=k).ranked]


#: Name -> how to rank; add a step here to see what it gains.
SYSTEMS: dict[str, Callable[[Searcher, str, int], Ranked]] = {
    "BM25": by_words,
    "dense": by_vectors,
    "hybrid": by_both,
    "with tokens": by_tokens,
    "as served": as_served,
}


def main() -> None:
    """Print a table per measure and one of what each step costs, and all figures as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds one folder per set")
    parser.add_argument("--only", action="append", help="a set by the name of its folder; repeatable")
    parser.add_argument("--cache", type=Path, default=read_settings().cache_dir, help="folder of the vectors")
    parser.add_argument("--json", type=Path, help="write all figures, per query too, to this file")
    parser.add_argument(
        "--original", action="store_true", help="encode with sentence-transformers itself, text by text"
    )
    options = parser.parse_args()
    chosen = [each for each in COLLECTIONS if options.only is None or each.folder in options.only]
    settings = read_settings().model_copy(update={"cache_dir": options.cache})
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    took_ms: dict[str, dict[str, float]] = {}
    with progress() as report:
        embedder = (
            SentenceTransformerEmbedder(settings.embedding_model)
            if options.original
            else wiring.make_embedder(settings)
        )
        for each in chosen:
            asked = read_set(each, options.folder)
            with tempfile.TemporaryDirectory(prefix="citewell-retrieval-") as temporary:
                built = build_throwaway(
                    Path(temporary),
                    documents_of(each, options.folder),
                    embedder=embedder,
                    cache=VectorCache(options.cache / "vectors.sqlite"),
                    progress=partial(_report, report, each.name),
                )
                with closing(built.searcher.content):
                    found[each.name] = {
                        name: score_run(asked.qrels, _run(asked, built, rank), names=MEASURES)
                        for name, rank in SYSTEMS.items()
                    }
                    took_ms[each.name] = _time(asked, built.searcher)
            Console(stderr=True).print(f"{each.name}: {_said(found[each.name])}", highlight=False)
    for measure in MEASURES:
        Console(width=_WIDTH).print(_table(measure, chosen, found))
    Console(width=_WIDTH).print(_cost_table(took_ms))
    Console().print("In brackets: 95 % bootstrap interval over queries.", highlight=False)
    if options.json is not None:
        options.json.write_text(json.dumps(found), encoding="utf-8")


def _report(report: Progress, name: str, stage: str, done: int, total: int) -> None:
    report(f"{name}: {stage}", done, total)


def _run(asked: RankingSet, built: ThrowawayIndex, rank: Callable[[Searcher, str, int], Ranked]) -> Run:
    wanted = min(_DEPTH * built.most_passages, built.n_passages)
    return {
        query: _folded(rank(built.searcher, text, wanted))
        for query, text in asked.queries.items()
        if query in asked.qrels and text.strip()
    }


def _time(asked: RankingSet, searcher: Searcher) -> dict[str, float]:
    """Return the median time of a query by each system, in ms: each query by all of them in turn."""
    took: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    for text in list(asked.queries.values())[:_TIMED_QUERIES]:
        for name, rank in SYSTEMS.items():
            began = time.perf_counter()
            rank(searcher, text, _TIMED_PASSAGES)
            took[name].append(1_000 * (time.perf_counter() - began))
    return {name: statistics.median(each) for name, each in took.items()}


def _folded(ranked: Ranked) -> dict[str, float]:
    """Return document -> score, a document where its best passage stands."""
    best: dict[str, float] = {}
    for name, score in ranked:
        if name not in best and len(best) < _DEPTH:
            best[name] = score
    return strictly_decreasing(list(best.items()))


def _documents(searcher: Searcher, positions: Iterable[int], scores: Iterable[float]) -> Ranked:
    passages = searcher.content.passages([int(position) for position in positions])
    return [
        (passage.doc_id, float(score))
        for passage, score in zip(passages, scores, strict=True)
        if score > 0  # BM25 gives 0 to what shares no word
    ]


def _said(values: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    return ", ".join(
        f"{name} {np.mean(list(measured[MEASURES[0]].values())):.4f}" for name, measured in values.items()
    )


def _table(
    measure: str,
    collections: Sequence[Collection],
    found: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]],
) -> Table:
    table = Table("set", "queries", *SYSTEMS, "baselines", title=f"{measure}", title_justify="left")
    at = MEASURES.index(measure)
    for each in collections:
        values = {name: measured[measure] for name, measured in found[each.name].items()}
        others = ", ".join(
            f"{name} {figures[at]:.3f}" for name, figures in each.baselines.items() if figures[at] is not None
        )
        n_queries = len(next(iter(values.values())))
        table.add_row(
            each.name,
            str(n_queries),
            *(_cell(mean_estimate(measured, list(measured))) for measured in values.values()),
            others,
        )
    means = [
        np.mean([np.mean(list(found[each.name][name][measure].values())) for each in collections])
        for name in SYSTEMS
    ]
    table.add_section()
    table.add_row("mean over sets", "", *(f"{mean:.4f}" for mean in means), "")
    return table


def _cost_table(took_ms: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(
        "set",
        *SYSTEMS,
        title=f"ms a query, {_TIMED_PASSAGES} passages, encoding included",
        title_justify="left",
    )
    for name, each in took_ms.items():
        table.add_row(name, *(f"{each[system]:.1f}" for system in SYSTEMS))
    return table


def _cell(found: Estimate) -> str:
    return f"{found.value:.4f} ({found.low:.3f}–{found.high:.3f})"


if __name__ == "__main__":
    main()
