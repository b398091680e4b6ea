"""The record of an evaluation: everything that a comparison, a report or a repetition needs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from evaluation.resampling import Estimate
from ingest.errors import CitewellError

RESULTS_NAME = "results.json"
FORMAT_VERSION = 1

#: Measures of which less is better.
LOWER_IS_BETTER = frozenset(
    {
        "false_answer",
        "false_answer_off_topic",
        "false_answer_near_miss",
        "wrong_refusal",
        "ECE",
        "Brier",
        "AURC",
        "notice_false_alarm",
    }
)

_DIGEST_CHARS = 12

SetForm = Literal["questions", "beir", "trec"]


@dataclass(frozen=True, slots=True)
class Returned:
    """One place of a ranking; `shown` is enough of the text to know it again."""

    item: str  # passage_id or document name
    score: float
    shown: str = ""
    relevant: bool = False


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What one query got, best first, as many as were asked for.

    `digest` changes with the query and with its judgments.
    """

    text: str
    kind: str = ""
    failure: str | None = None
    ranking: tuple[Returned, ...] = ()
    confidence: float | None = None
    answer: str | None = None
    wrong_numbers: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """The queries of one kind or document, with the main measures over them."""

    by: str  # "kind" or "document"
    name: str
    n: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the reliability curve."""

    low: float
    high: float
    n: int
    confidence: float
    share_answerable: float


@dataclass(frozen=True, slots=True)
class SetResult:
    """One set, scored.

    Args:
        estimates: Measure -> value with its interval.
        per_query: Measure -> query -> value; a query that a measure is not about is not in it.
        failed: Query -> reason; each counts with the worst value of every measure that is about it.
        empty: Queries that returned nothing.
        counts: Numbers that are no measures, such as the unjudged queries left out.
        risk_coverage: (coverage, risk), from few replies to all.
    """

    name: str
    form: SetForm
    sha256: str
    split: str | None
    n_queries: int
    estimates: Mapping[str, Estimate]
    per_query: Mapping[str, Mapping[str, float]]
    queries: Mapping[str, QueryResult]
    failed: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    reliability: tuple[Bin, ...] = ()
    risk_coverage: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one set took; no part of what a repetition must give again."""

    wall_s: float
    p50_ms: float | None
    p99_ms: float | None
    per_query_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Results:
    """One evaluation whole.

    Two runs of the same settings against the same target differ in `timings` only.
    """

    settings: Mapping[str, Any]
    target: Mapping[str, Any]  # what was asked: its kind, version, encoder
    machine: Mapping[str, Any]
    packages: Mapping[str, str]
    sets: tuple[SetResult, ...]
    timings: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT_VERSION


def digest(*parts: object) -> str:
    """Return a short hash of a query and its judgments, the same wherever it is computed."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:_DIGEST_CHARS]


_RESULTS = TypeAdapter(Results)


def as_json(results: Results) -> dict[str, Any]:
    """Return results as JSON values."""
    stored: dict[str, Any] = _RESULTS.dump_python(results, mode="json")
    return stored


def write_results(path: Path, results: Results) -> None:
    """Write results as JSON; the same results give the same bytes."""
    stored = as_json(results)
    path.write_text(json.dumps(stored, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_results(path: Path) -> Results:
    """Read what `write_results` wrote.

    Raises:
        CitewellError: If the file is missing, or holds something else.
    """
    try:
        results = _RESULTS.validate_json(path.read_bytes())
    except OSError as error:
        raise CitewellError(f"{path} cannot be read: {error.strerror}. Name a results.json.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise CitewellError(
            f"{path} holds no results of `citewell evaluate`: {place}: {first['msg']}. Evaluate again."
        ) from error
    if results.format != FORMAT_VERSION:
        raise CitewellError(
            f"{path} has format {results.format}; this release reads {FORMAT_VERSION}. Evaluate again."
        )
    return results
