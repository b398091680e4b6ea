"""A comparison as Markdown tables and as JSON."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.peers.comparing import Comparison, Outcome, agreement, beside_best
from benchmarks.peers.contenders import PLAIN
from benchmarks.peers.environments import Environment
from benchmarks.rounds import table


def as_markdown(comparison: Comparison, environments: Mapping[str, Environment]) -> str:
    """Return everything that a reader needs, and what each line includes.

    Args:
        comparison: What was measured.
        environments: Name of a contender -> what had to be installed for it.
    """
    outcomes = comparison.outcomes
    parts = [
        _table("build", "passages a second", outcomes, _build_rates, best=max),
        _table("p50 of one question in process", "ms", outcomes, _question_ms, best=min),
        _table("start of a process to its first answer", "s", outcomes, _first_answer_s, best=min),
        _table("resident after the questions", "MiB", outcomes, _resident_mib, best=min),
        _sizes(outcomes, environments),
        _list(
            "What each line includes:", {each.contender.name: each.contender.includes for each in outcomes}
        ),
        _list("Left out:", comparison.failures),
    ]
    return "\n\n".join(part for part in parts if part)


def _list(heading: str, entries: Mapping[str, str]) -> str:
    lines = [f"- {name}: {text}" for name, text in entries.items()]
    return "\n".join([heading, "", *lines]) if lines else ""


def as_json(comparison: Comparison, environments: Mapping[str, Environment]) -> dict[str, Any]:
    """Return every value that was measured."""
    agreements = _agreements(comparison.outcomes)
    return {
        "contenders": [
            {
                "name": each.contender.name,
                "includes": each.contender.includes,
                "environment": asdict(environments[each.contender.name]),
                "builds": [asdict(built) for built in each.built],
                "asked": [asdict(asked) for asked in each.asked],
                "agreement": agreements.get(each.contender.name),
            }
            for each in comparison.outcomes
        ],
        "failures": dict(comparison.failures),
    }


def _build_rates(outcome: Outcome) -> list[float]:
    return [built.passages_per_s for built in outcome.built]


def _question_ms(outcome: Outcome) -> list[float]:
    return [statistics.median(asked.question_ms) for asked in outcome.asked]


def _first_answer_s(outcome: Outcome) -> list[float]:
    return [asked.first_answer_s for asked in outcome.asked]


def _resident_mib(outcome: Outcome) -> list[float]:
    return [asked.resident_mib for asked in outcome.asked]


def _table(
    heading: str,
    unit: str,
    outcomes: Sequence[Outcome],
    values: Callable[[Outcome], list[float]],
    *,
    best: Callable[..., float],
) -> str:
    if not outcomes:
        return ""
    peers = [each.contender.name for each in outcomes if not each.contender.is_ours]
    measured = beside_best({each.contender.name: values(each) for each in outcomes}, peers=peers, best=best)
    return table(
        heading, measured, unit=unit, yardstick=f"the best {'peer' if peers else 'one'} of the round"
    )


def _sizes(outcomes: Sequence[Outcome], environments: Mapping[str, Environment]) -> str:
    agreements = _agreements(outcomes)
    lines = [
        "| on disk | index MB | environment MB | packages | top 10 as the plain one's | versions |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in outcomes:
        name, found = each.contender.name, environments[each.contender.name]
        agreed = f"{agreements[name]:.3f}" if name in agreements else "–"
        # Ours names everything that it needs; the constraints file has those versions.
        versions = "–" if each.contender.is_ours else ", ".join(found.versions)
        lines.append(
            f"| {name} | {each.built[-1].index_mb:.2f} | {found.size_mb:.0f} | {found.n_packages} | {agreed} | "
            f"{versions} |"
        )
    return "\n".join(lines) if outcomes else ""


def _agreements(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return how far each contender that ranks by vectors alone finds what the plain one finds."""
    plain = [each.asked[0].found for each in outcomes if each.contender.name == PLAIN]
    if not plain:
        return {}
    return {
        each.contender.name: agreement(each.asked[0].found, plain[0])
        for each in outcomes
        if each.contender.is_dense
    }
