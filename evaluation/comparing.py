"""Two evaluations of the same sets, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from evaluation.resampling import Floats
from evaluation.results import LOWER_IS_BETTER, Results, Returned, SetResult
from evaluation.significance import ALPHA, PairedDifference, compare_values, holm
from ingest.errors import CitewellError

_CHANGED = 20
_RANKS_SHOWN = 5
#: The first of these that a set has says how much a query changed.
_MAIN_MEASURES = ("nDCG@10", "MRR@10", "Success@5")


@dataclass(frozen=True, slots=True)
class MeasureComparison:
    """One measure of one set; `adjusted` is the p-value after Holm's correction over all measures and sets."""

    set_name: str
    measure: str
    paired: PairedDifference
    adjusted: float

    @property
    def significant(self) -> bool:
        """Whether chance is no likely explanation, all comparisons taken together."""
        return self.adjusted < ALPHA

    @property
    def worse(self) -> bool:
        """Whether B is significantly worse than A."""
        wrong_way = (
            self.paired.difference > 0 if self.measure in LOWER_IS_BETTER else self.paired.difference < 0
        )
        return self.significant and wrong_way


@dataclass(frozen=True, slots=True)
class ChangedQuery:
    """A query whose value changed, with both rankings."""

    set_name: str
    query: str
    text: str
    measure: str
    value_a: float
    value_b: float
    ranking_a: tuple[Returned, ...]
    ranking_b: tuple[Returned, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is said about B beside A.

    `left_out` names what only one of them has, so that nothing is compared with a gap in it unsaid.
    """

    measures: tuple[MeasureComparison, ...]
    changed: tuple[ChangedQuery, ...]
    left_out: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether every compared query has the same value of every measure."""
        return all(each.paired.ties == each.paired.n for each in self.measures)


def compare_results(a: Results, b: Results) -> Comparison:
    """Compare the measures of all sets that two evaluations share.

    Raises:
        CitewellError: If they share none, or a set of the same name is not the same set.
    """
    sets_a, sets_b = ({each.name: each for each in results.sets} for results in (a, b))
    shared = [name for name in sets_a if name in sets_b]
    if not shared:
        raise CitewellError(
            f"The evaluations share no set: one has {', '.join(sets_a)}, the other {', '.join(sets_b)}. "
            "Evaluate both on the same sets."
        )
    for name in shared:
        if (sets_a[name].sha256, sets_a[name].split) != (sets_b[name].sha256, sets_b[name].split):
            raise CitewellError(
                f"The set {name} was changed between the evaluations, or another split was taken. "
                "Evaluate both on the same."
            )
    left_out = [f"set {name}" for name in {**sets_a, **sets_b} if name not in shared]
    pairs: list[tuple[str, str, PairedDifference]] = []
    for name in shared:
        found, gaps = _compare_measures(sets_a[name], sets_b[name])
        pairs += [(name, measure, paired) for measure, paired in found.items()]
        left_out += gaps
    adjusted = holm([paired.p_value for _, _, paired in pairs])
    return Comparison(
        measures=tuple(MeasureComparison(*pair, value) for pair, value in zip(pairs, adjusted, strict=True)),
        changed=_most_changed([(sets_a[name], sets_b[name]) for name in shared]),
        left_out=tuple(left_out),
    )


def _compare_measures(a: SetResult, b: SetResult) -> tuple[dict[str, PairedDifference], list[str]]:
    found: dict[str, PairedDifference] = {}
    left_out = [
        f"{a.name}: {name}"
        for name in {**a.per_query, **b.per_query}
        if (name in a.per_query) != (name in b.per_query)
    ]
    for name in sorted(a.per_query.keys() & b.per_query.keys()):
        values_a, values_b = a.per_query[name], b.per_query[name]
        queries = sorted(values_a.keys() & values_b.keys())
        if gaps := len(values_a.keys() ^ values_b.keys()):
            left_out.append(f"{a.name}: {name} of {gaps} queries")
        if queries:
            found[name] = compare_values(_row(values_a, queries), _row(values_b, queries))
    return found, left_out


def _row(values: Mapping[str, float], queries: Sequence[str]) -> Floats:
    return np.array([values[query] for query in queries], dtype=np.float64)


def _most_changed(pairs: Sequence[tuple[SetResult, SetResult]]) -> tuple[ChangedQuery, ...]:
    changed: list[ChangedQuery] = []
    for a, b in pairs:
        measure = next((name for name in _MAIN_MEASURES if name in a.per_query and name in b.per_query), None)
        if measure is None:
            continue
        values_a, values_b = a.per_query[measure], b.per_query[measure]
        changed += [
            ChangedQuery(
                set_name=a.name,
                query=query,
                text=a.queries[query].text,
                measure=measure,
                value_a=values_a[query],
                value_b=values_b[query],
                ranking_a=a.queries[query].ranking[:_RANKS_SHOWN],
                ranking_b=b.queries[query].ranking[:_RANKS_SHOWN],
            )
            for query in values_a
            if query in values_b and values_a[query] != values_b[query]
        ]
    changed.sort(key=lambda each: (-abs(each.value_b - each.value_a), each.set_name, each.query))
    return tuple(changed[:_CHANGED])


def falls(comparison: Comparison) -> list[str]:
    """Return a sentence for every measure on which B is significantly worse than A."""
    return [describe_fall(each) for each in comparison.measures if each.worse]


def describe_fall(each: MeasureComparison) -> str:
    """Say how a measure changed for the worse."""
    return (
        f"{each.measure} on {each.set_name} {'rose' if each.measure in LOWER_IS_BETTER else 'fell'} from "
        f"{each.paired.mean_a:.4f} to {each.paired.mean_b:.4f} (p = {each.adjusted:.4f} after Holm's correction)"
    )


_COMPARISON = TypeAdapter(Comparison)


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values."""
    stored: dict[str, Any] = _COMPARISON.dump_python(comparison, mode="json")
    return {"identical": comparison.identical, "falls": falls(comparison), **stored}
