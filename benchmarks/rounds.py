"""Measuring things side by side: each round runs them all, so that what else the machine does meets them alike."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing over all rounds, and beside its yardstick in the same round."""

    name: str
    values: tuple[float, ...]
    ratios: tuple[float, ...]  # to the yardstick of the same round

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float:
        """The middle of the ratios, which need not be the ratio of the middles."""
        return statistics.median(self.ratios)

    def row(self, unit: str) -> str:
        """Return a row of a Markdown table: name, median and spread, ratio and spread."""
        low, high = min(self.values), max(self.values)
        return (
            f"| {self.name} | {self.median:.4g} {unit} ({low:.3g}–{high:.3g}) | {self.ratio:.3g} × "
            f"({min(self.ratios):.2g}–{max(self.ratios):.2g}) |"
        )


def interleave(measures: Mapping[str, Callable[[], float]], *, rounds: int, yardstick: str) -> list[Measured]:
    """Run every measure once a round, in turn, forwards and backwards, and compare each with the yardstick.

    Args:
        measures: Name of a thing -> a function that measures it once.
        rounds: How often; at least five, or the spread says little.
        yardstick: The name of the thing that the others are divided by.
    """
    values: dict[str, list[float]] = {name: [] for name in measures}
    for at in range(rounds):
        for name in list(measures)[:: 1 if at % 2 == 0 else -1]:
            values[name].append(measures[name]())
    base = values[yardstick]
    return [
        Measured(name, tuple(found), tuple(each / by for each, by in zip(found, base, strict=True)))
        for name, found in values.items()
    ]


def table(heading: str, measured: list[Measured], *, unit: str, yardstick: str) -> str:
    """Return a Markdown table."""
    lines = [f"| {heading} | median (lowest–highest) | ÷ {yardstick} |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(each.row(unit) for each in measured)])
