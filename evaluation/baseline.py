"""What later evaluations must not fall below: the main measures of every query, in a file small enough to keep."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from evaluation.comparing import MeasureComparison, describe_fall
from evaluation.results import Results, SetResult
from evaluation.significance import PairedDifference, compare_values, holm
from ingest.errors import CitewellError

#: Few, and each about a fault of its own: every further one costs the others power.
MEASURES = (
    "nDCG@10",
    "Success@1",
    "Success@5",
    "complete@5",
    "answer_support",
    "numbers_right",
    "false_answer",
    "wrong_refusal",
    "Brier",
    "notice_recall",
    "notice_false_alarm",
)
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line: the version of the format."""

    baseline: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class BaselineQuery:
    """One query with its values; `digest` tells whether it and its judgments are still the same."""

    set_name: str
    query: str
    digest: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BaselineCheck:
    """What an evaluation is, held against a baseline.

    Args:
        measures: Every measure of every set, compared.
        compared: How many queries are in both and have not changed.
        changed: How many have changed, or are in one of them only.
    """

    measures: tuple[MeasureComparison, ...]
    compared: int
    changed: int

    @property
    def falls(self) -> list[str]:
        """A sentence for every measure that is significantly worse than the baseline."""
        return [describe_fall(each) for each in self.measures if each.worse]


def as_baseline(results: Results) -> tuple[BaselineQuery, ...]:
    """Return what is kept of an evaluation."""
    return tuple(
        BaselineQuery(each.name, query, found.digest, _values(each, query))
        for each in results.sets
        for query, found in each.queries.items()
    )


def _values(result: SetResult, query: str) -> dict[str, float]:
    return {
        name: round(result.per_query[name][query], _DIGITS)
        for name in MEASURES
        if query in result.per_query.get(name, {})
    }


def check_baseline(baseline: tuple[BaselineQuery, ...], results: Results) -> BaselineCheck:
    """Compare an evaluation with a baseline, query by query; those that changed meanwhile are left out.

    Raises:
        CitewellError: If no query is left to compare.
    """
    before = {(each.set_name, each.query): each for each in baseline}
    after = {(each.set_name, each.query): each for each in as_baseline(results)}
    same = [key for key in before if key in after and after[key].digest == before[key].digest]
    if not same:
        raise CitewellError(
            "No query is the same as in the baseline, so nothing can be compared. Make the baseline anew."
        )
    pairs: list[tuple[str, str, PairedDifference]] = []
    for set_name in dict.fromkeys(name for name, _ in same):
        for measure in MEASURES:
            values = [
                (before[key].values[measure], after[key].values[measure])
                for key in same
                if key[0] == set_name and measure in before[key].values and measure in after[key].values
            ]
            if values:
                a, b = np.array(values, dtype=np.float64).T
                pairs.append((set_name, measure, compare_values(a, b)))
    adjusted = holm([paired.p_value for _, _, paired in pairs])
    return BaselineCheck(
        measures=tuple(MeasureComparison(*pair, value) for pair, value in zip(pairs, adjusted, strict=True)),
        compared=len(same),
        changed=len(before.keys() | after.keys()) - len(same),
    )


_HEAD = TypeAdapter(_Head)
_QUERY = TypeAdapter(BaselineQuery)


def write_baseline(path: Path, baseline: tuple[BaselineQuery, ...]) -> None:
    """Write a baseline, one query a line, so that a change of it can be read."""
    lines = [json.dumps(asdict(_Head()))]
    lines += [json.dumps(_QUERY.dump_python(each, mode="json"), ensure_ascii=False) for each in baseline]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_baseline(path: Path) -> tuple[BaselineQuery, ...]:
    """Read what `write_baseline` wrote.

    Raises:
        CitewellError: If the file is missing, or holds something else.
    """
    try:
        head, *lines = path.read_bytes().split(b"\n")
        _HEAD.validate_json(head)
        return tuple(_QUERY.validate_json(line) for line in lines if line)
    except OSError as error:
        raise CitewellError(
            f"{path} cannot be read: {error.strerror}. Make it with --save-baseline."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise CitewellError(
            f"{path} is no baseline of this release: {first['msg']}. Make it anew with --save-baseline."
        ) from error
