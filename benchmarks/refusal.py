"""Does an index that nobody has judged a question for know what it cannot answer?

Its confidence is fitted on what it can make of itself, as for any corpus without judged questions. Then each question
of a judged set is asked twice: of the whole index, and with every passage that is relevant to it left out. The everyday
questions on other subjects are those of the fit. The first line is of the corpus here, its own questions not used for
the fit.

Example: .venv/bin/python -m benchmarks.refusal ../shared/eval --cache var/cache/eval
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from answer.answering import answer_question
from answer.confidence import ANSWERABLE_FROM, ConfidenceModel, calibrate
from answer.nuggets import Nuggets, relevant_passages
from answer.questions import offtopic_questions, read_questions
from benchmarks.judged_sets import COLLECTIONS, Collection, documents_of, read_set
from evaluation.refusal import Verdict, refusal_estimates
from evaluation.throwaway import build_throwaway
from index.searching import Searcher, SearchFilter
from index.vector_cache import VectorCache
from service import wiring
from service.console import progress
from service.evaluation_targets import SnapshotTarget
from service.serving_index import ServingIndex
from service.settings import read_settings

#: Sets of questions: what is relevant to one answers it.
_SETS = ("pubmedqa", "squad2_sample", "covid_qa", "medquad")
_MOST_QUESTIONS = 300
_WIDTH = 120  # narrower, and names would be cut
#: Calibration is measured as if so many questions were answerable for each that is not.
_ANSWERABLE_ODDS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the positions of all passages that answer it."""

    question: str
    relevant: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the questions of one index; shares are of all that were asked so."""

    n: int
    wrongly_refused: float
    answered_left_out: float
    auroc: float | None
    calibration_error: float | None
    answered_everyday: float


def measure(searcher: Searcher, model: ConfidenceModel, asked: Iterable[Asked]) -> Figures:
    """Ask every question twice, and everyday ones once."""

    def confidence(question: str, *, without: tuple[int, ...] = ()) -> float:
        only = SearchFilter(left_out=without) if without else None
        return answer_question(question, searcher=searcher, model=model, k=1, only=only).confidence

    known, unknown = [], []
    for each in asked:
        known.append(_verdict(each.question, confidence(each.question), answerable=True))
        unknown.append(
            _verdict(each.question, confidence(each.question, without=each.relevant), answerable=False)
        )
    everyday = [confidence(question) for question in offtopic_questions()]
    return Figures(
        n=len(known),
        wrongly_refused=float(np.mean([not each.answered for each in known])),
        answered_left_out=float(np.mean([each.answered for each in unknown])),
        auroc=refusal_estimates([*known, *unknown])["AUROC"].value,
        calibration_error=refusal_estimates([*known * _ANSWERABLE_ODDS, *unknown])["ECE"].value,
        answered_everyday=float(np.mean([each >= ANSWERABLE_FROM for each in everyday])),
    )


def _verdict(question: str, confidence: float, *, answerable: bool) -> Verdict:
    answered = confidence >= ANSWERABLE_FROM
    return Verdict(
        query=question,
        kind="",
        answerable=answerable,
        answered=answered,
        confidence=confidence,
        misled=answered != answerable,
        failed=False,
    )


def main() -> None:
    """Print one line for each index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds one folder per set")
    parser.add_argument("--only", action="append", help="a set by the name of its folder; repeatable")
    parser.add_argument("--cache", type=Path, default=read_settings().cache_dir, help="folder of the vectors")
    options = parser.parse_args()
    settings = read_settings()
    embedder = wiring.make_embedder(settings)
    table = Table(
        "index", "questions", "wrongly refused", "answered though left out", "AUROC", "ECE", "everyday"
    )
    serving = wiring.open_current(settings.index_dir, embedder, None)
    _add(table, "the corpus here", serving.snapshot.searcher, _own_questions(serving))
    for each in COLLECTIONS:
        if each.folder not in (options.only or _SETS):
            continue
        with tempfile.TemporaryDirectory(prefix="citewell-refusal-") as folder, progress() as report:
            built = build_throwaway(
                Path(folder),
                documents_of(each, options.folder),
                embedder=embedder,
                cache=VectorCache(options.cache / "vectors.sqlite"),
                progress=report,
            )
            with closing(built.searcher.content):
                _add(table, each.name, built.searcher, _questions(each, options.folder, built.searcher))
    Console(width=_WIDTH).print(table)
    sys.stdout.write(
        f"ECE: calibration error with {_ANSWERABLE_ODDS} answerable questions for each other one.\n"
    )


def _add(table: Table, name: str, searcher: Searcher, asked: Iterable[Asked]) -> None:
    with tempfile.TemporaryDirectory() as without_questions:
        model = ConfidenceModel.from_json(calibrate(searcher, corpus_dir=Path(without_questions)))
    found = measure(searcher, model, asked)
    figures = (
        found.wrongly_refused,
        found.answered_left_out,
        found.auroc,
        found.calibration_error,
        found.answered_everyday,
    )
    table.add_row(name, str(found.n), *("–" if each is None else f"{each:.3f}" for each in figures))


def _questions(collection: Collection, root: Path, searcher: Searcher) -> Iterator[Asked]:
    asked = read_set(collection, root)
    positions: dict[str, list[int]] = {}
    for at, passage in enumerate(searcher.content.all_passages()):
        positions.setdefault(passage.doc_id, []).append(at)
    for query in sorted(asked.queries, key=_hash)[:_MOST_QUESTIONS]:
        relevant = _answering(asked.qrels.get(query, {}), positions)
        if relevant:
            yield Asked(asked.queries[query], relevant)


def _answering(grades: Mapping[str, int], positions: Mapping[str, list[int]]) -> tuple[int, ...]:
    return tuple(
        sorted(at for document, grade in grades.items() if grade > 0 for at in positions.get(document, ()))
    )


def _own_questions(index: ServingIndex) -> Iterator[Asked]:
    content = index.snapshot.searcher.content
    target, places = SnapshotTarget(index), content.passage_ids()
    views = [target.view(each.doc_id) for each in content.summaries]
    for path in sorted((read_settings().corpus_dir / "questions").glob("*.jsonl")):
        for question in read_questions(path):
            if question.answerable and (found := relevant_passages(Nuggets.of(question), views)):
                yield Asked(question.question, tuple(sorted(places[each] for each in found)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
