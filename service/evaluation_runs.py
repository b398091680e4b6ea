"""Evaluating sets against a target, from files to results."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from answer.confidence import calibrate
from evaluation.environment import describe_machine, package_versions
from evaluation.journal import Answered, Ask, Journal, ask_all, one_by_one
from evaluation.measures import Run
from evaluation.outcomes import Outcome, read_outcome
from evaluation.question_sets import (
    QuestionSet,
    documents_needed,
    ranking_scores,
    read_question_set,
    score_questions,
)
from evaluation.ranking_scoring import Ranking, judged_level, score_finished_run, score_rankings
from evaluation.ranking_sets import (
    RankingSet,
    format_run,
    read_beir_folder,
    read_corpus,
    read_query_ids,
    read_run,
    read_trec_set,
    with_unanswerable,
)
from evaluation.report import results_page
from evaluation.resampling import RESAMPLES, SEED
from evaluation.results import RESULTS_NAME, Results, SetResult, Timing, read_results, write_results
from evaluation.throwaway import build_throwaway
from index.embedding import Embedder
from index.fusion import (
    DENSE_WEIGHT,
    FIRST_DENSE_WEIGHT,
    FIRST_LEXICAL_WEIGHT,
    LATE_WEIGHT,
    LEXICAL_WEIGHT,
)
from index.progress import Progress
from index.searching import CANDIDATES, LATE_DEPTH
from index.vector_cache import VectorCache
from ingest.chunking import CHUNKER_VERSION
from ingest.errors import CitewellError
from service import wiring
from service.evaluation_targets import ServiceTarget, SnapshotTarget, Target, rank_throwaway
from service.release import RELEASE
from service.remote_service import RemoteService
from service.settings import Settings

REPORT_NAME = "report.html"
_RUN_TAG = "citewell"


@dataclass(frozen=True, slots=True)
class Request:
    """What an evaluator asked for; see `citewell evaluate --help`."""

    sets: tuple[Path, ...]
    url: str | None = None
    run: Path | None = None
    qrels: Path | None = None
    split: str | None = None
    top_k: int = 10
    depth: int = 100
    refusal: bool = False
    unanswerable: Path | None = None
    out: Path | None = None
    resume: bool = False


@dataclass(frozen=True, slots=True)
class _Scored:
    result: SetResult
    run: Run
    replies: Mapping[str, Answered]
    wall_s: float


def read_sets(request: Request) -> list[QuestionSet | RankingSet]:
    """Read every set that was named.

    Raises:
        CorpusError: If one cannot be read.
        CitewellError: If two have the same name, or a set needs judgments that were not named.
    """
    sets = [_read_set(path, request) for path in request.sets]
    names = [each.name for each in sets]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise CitewellError(f"Two sets are called {', '.join(sorted(repeated))}. Evaluate them one by one.")
    return sets


def _read_set(path: Path, request: Request) -> QuestionSet | RankingSet:
    if path.is_dir():
        return _read_beir_set(path, request)
    if path.suffix == ".jsonl":
        return read_question_set(path)
    if request.qrels is None:
        raise CitewellError(f"{path} is read as TREC topics, which need judgments. Name them with --qrels.")
    return read_trec_set(path, request.qrels)


def _read_beir_set(folder: Path, request: Request) -> RankingSet:
    asked = read_beir_folder(folder, split=request.split)
    if not request.refusal and request.unanswerable is None:
        return asked
    if request.url is not None or request.run is not None or asked.corpus is None:
        raise CitewellError(
            f"Refusal on {asked.name} is measured on an index of its own corpus, fitted as a build fits it. Leave "
            "--url and --run out, and name a folder with a corpus.jsonl."
        )
    named = () if request.unanswerable is None else read_query_ids(request.unanswerable)
    return with_unanswerable(asked, named)


def evaluate_sets(
    request: Request, settings: Settings, *, progress: Progress, load_embedder: Callable[[], Embedder]
) -> Results:
    """Evaluate every set, and write runs and results where `request.out` says.

    Args:
        request: What to evaluate.
        settings: Where the snapshot and the cache are.
        progress: Called with stage, done, total.
        load_embedder: Makes the encoder; called only where one is needed.
    """
    with ExitStack() as opened:
        evaluation = _Evaluation(request, settings, progress, load_embedder, opened)
        scored = [evaluation.score(each) for each in read_sets(request)]
    results = Results(
        settings=_settings(request),
        target=evaluation.target_facts,
        machine=describe_machine(),
        packages=package_versions(),
        sets=tuple(each.result for each in scored),
        timings={each.result.name: asdict(_timing(each)) for each in scored},
    )
    if request.out is not None:
        _write(request.out, results, scored)
    return results


def read_evaluation(path: Path, request: Request, settings: Settings) -> Results:
    """Read one side of a comparison: a results.json, or a TREC run together with the sets of the request.

    Raises:
        CitewellError: If it is neither, or a run comes without sets.
    """
    if path.suffix == ".json":
        return read_results(path)
    if not request.sets:
        raise CitewellError(
            f"{path} is read as a TREC run, which needs a set with judgments. Name the set too."
        )
    return evaluate_sets(
        replace(request, run=path, url=None, out=None, resume=False),
        settings,
        progress=lambda _stage, _done, _total: None,
        load_embedder=lambda: wiring.make_embedder(settings),
    )


class _Evaluation:
    """One call of the command: its encoder and its target are made once, when they are first needed."""

    def __init__(
        self,
        request: Request,
        settings: Settings,
        progress: Progress,
        load_embedder: Callable[[], Embedder],
        opened: ExitStack,
    ) -> None:
        self._request = request
        self._settings = settings
        self._progress = progress
        self._load_embedder = load_embedder
        self._opened = opened
        self.target_facts: dict[str, Any] = {}

    def score(self, asked: QuestionSet | RankingSet) -> _Scored:
        """Ask and score one set."""
        started = time.perf_counter()
        if self._request.run is not None:
            result, run, replies = self._finished_run(asked, self._request.run)
        elif isinstance(asked, QuestionSet):
            result, run, replies = self._questions(asked)
        elif asked.corpus is not None and self._request.url is None:
            result, run, replies = self._throwaway(asked, asked.corpus)
        else:
            result, run, replies = self._judged_index(asked)
        return _Scored(result, run, replies, time.perf_counter() - started)

    @cached_property
    def embedder(self) -> Embedder:
        self._progress("load encoder", 0, 1)
        embedder = self._load_embedder()
        self._progress("load encoder", 1, 1)
        return embedder

    @cached_property
    def target(self) -> Target:
        if self._request.url is not None:
            service = RemoteService(self._request.url)
            self._opened.callback(service.close)
            target: Target = ServiceTarget(service)
        else:
            reranker = wiring.make_reranker(self._settings)
            reader = wiring.make_reading_model(self._settings)
            serving = wiring.open_current(self._settings.index_dir, self.embedder, reranker, reader)
            self._opened.callback(serving.snapshot.searcher.content.close)
            target = SnapshotTarget(serving)
        self.target_facts |= target.description
        return target

    def _finished_run(
        self, asked: QuestionSet | RankingSet, path: Path
    ) -> tuple[SetResult, Run, dict[str, Answered]]:
        if isinstance(asked, QuestionSet):
            raise CitewellError(
                f"{asked.name} is a set of questions, judged by the text of what was found, which a finished run "
                "does not hold. Evaluate it on a snapshot or with --url; --run needs a set with qrels."
            )
        run = read_run(path)
        self.target_facts |= {"kind": "run", "file": path.name, "sha256": _hash(path)}
        return score_finished_run(asked, run), run, {}

    def _questions(self, asked: QuestionSet) -> tuple[SetResult, Run, dict[str, Answered]]:
        target = self.target
        queries = {each.id: each.question for each in asked.questions}
        replies = self._ask(
            asked, queries, partial(target.ask, top_k=self._request.top_k), target.description
        )
        outcomes = {
            query: Outcome(failure=each.failure) if each.failure else read_outcome(each.payload)
            for query, each in replies.items()
        }
        needed = documents_needed(asked, outcomes, target.numbers())
        result = score_questions(asked, outcomes, views={doc_id: target.view(doc_id) for doc_id in needed})
        return result, {query: ranking_scores(each) for query, each in outcomes.items()}, replies

    def _judged_index(self, asked: RankingSet) -> tuple[SetResult, Run, dict[str, Answered]]:
        target = self.target
        doc_ids = frozenset(target.numbers())
        judged = frozenset(name for grades in asked.qrels.values() for name in grades)
        passages = {
            passage_id
            for doc_id in (doc_ids if not judged & doc_ids else ())
            for passage_id, _ in target.view(doc_id).passages
        }
        level = judged_level(asked.qrels, doc_ids, frozenset(passages))
        depth = self._request.depth
        replies = self._ask(asked, asked.queries, partial(target.rank, depth=depth), target.description)
        result, run = score_rankings(asked, _rankings(replies), level=level, depth=depth)
        return result, run, replies

    def _throwaway(self, asked: RankingSet, corpus: Path) -> tuple[SetResult, Run, dict[str, Answered]]:
        depth = self._request.depth
        facts = {
            "kind": "throw-away index",
            "model": self.embedder.identity.as_json(),
            "chunker": CHUNKER_VERSION,
        }
        with tempfile.TemporaryDirectory(prefix="citewell-evaluate-") as folder:
            built = build_throwaway(
                Path(folder),
                (each for each in read_corpus(corpus) if each.name not in asked.left_out),
                embedder=self.embedder,
                cache=VectorCache(self._settings.cache_dir / "vectors.sqlite"),
                progress=lambda stage, done, total: self._progress(f"{asked.name}: {stage}", done, total),
                calibrate=calibrate if asked.unanswerable else None,
            )
            with closing(built.searcher.content):
                replies = self._ask(
                    asked, asked.queries, one_by_one(partial(rank_throwaway, built, depth=depth)), facts
                )
        result, run = score_rankings(asked, _rankings(replies), level="document", depth=depth)
        counts = {
            "documents indexed": built.n_documents,
            "passages indexed": built.n_passages,
            "documents without text": len(built.without_text),
        }
        self.target_facts |= facts
        return replace(result, counts={**result.counts, **counts}), run, replies

    def _ask(
        self,
        asked: QuestionSet | RankingSet,
        queries: Mapping[str, str],
        ask: Ask,
        target: Mapping[str, Any],
    ) -> dict[str, Answered]:
        """Ask all queries, keeping the replies where there is a folder to keep them in."""
        journal, done = None, {}
        if self._request.out is not None:
            key = {"set": asked.sha256, "target": dict(target), **_settings(self._request)}
            journal = Journal(self._request.out / f"replies-{asked.name}.jsonl", key)
            if self._request.resume:
                done = journal.resume()
            else:
                journal.begin()
        return ask_all(
            queries,
            ask,
            journal=journal,
            done=done,
            progress=lambda finished, total: self._progress(f"ask {asked.name}", finished, total),
        )


def _rankings(replies: Mapping[str, Answered]) -> dict[str, Ranking]:
    return {
        query: Ranking(failure=each.failure) if each.failure else Ranking.from_json(each.payload)
        for query, each in replies.items()
    }


def _settings(request: Request) -> dict[str, Any]:
    """Return everything that has a say in the numbers, and is not in the target or the sets."""
    return {
        "release": RELEASE,
        "sets": [path.name for path in request.sets],
        "split": request.split,
        "qrels": request.qrels.name if request.qrels else None,
        "top_k": request.top_k,
        "depth": request.depth,
        "refusal": request.refusal or request.unanswerable is not None,
        "bootstrap_resamples": RESAMPLES,
        "bootstrap_seed": SEED,
        "first_dense_weight": FIRST_DENSE_WEIGHT,
        "first_lexical_weight": FIRST_LEXICAL_WEIGHT,
        "dense_weight": DENSE_WEIGHT,
        "lexical_weight": LEXICAL_WEIGHT,
        "late_weight": LATE_WEIGHT,
        "candidates": CANDIDATES,
        "late_depth": LATE_DEPTH,
    }


def _timing(scored: _Scored) -> Timing:
    took = {query: each.took_ms for query, each in scored.replies.items() if each.failure is None}
    p50, p99 = np.percentile(list(took.values()), [50, 99]) if took else (None, None)
    return Timing(
        wall_s=round(scored.wall_s, 3),
        p50_ms=None if p50 is None else round(float(p50), 3),
        p99_ms=None if p99 is None else round(float(p99), 3),
        per_query_ms=took,
    )


def _write(out: Path, results: Results, scored: Sequence[_Scored]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for each in scored:
        name = "run.trec" if len(scored) == 1 else f"run-{each.result.name}.trec"
        (out / name).write_text(format_run(each.run, tag=_RUN_TAG), encoding="utf-8")
    write_results(out / RESULTS_NAME, results)
    (out / REPORT_NAME).write_text(results_page(results), encoding="utf-8")


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
