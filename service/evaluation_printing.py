"""Results as a person reads them in a terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.comparing import ChangedQuery, Comparison, MeasureComparison
from evaluation.resampling import Estimate
from evaluation.results import LOWER_IS_BETTER, Results, SetResult

_FAILURES_SHOWN = 5


def print_results(results: Results, console: Console) -> None:
    """Print one table of measures with intervals per set, and what failed."""
    for each in results.sets:
        console.print(_measures(each, results))
        console.print(Text("↓ less is better", style="dim"))
        if slices := _slices(each):
            console.print(slices)
        for name, count in each.counts.items():
            console.print(Text(f"{name}: {count}", style="dim"))
        _print_failures(each, console)


def _measures(result: SetResult, results: Results) -> Table:
    split = f", {result.split}" if result.split else ""
    table = Table(title=f"{result.name}{split}: {result.n_queries} queries", title_justify="left")
    table.add_column("measure")
    for heading in ("value", "95 % interval", "queries"):
        table.add_column(heading, justify="right")
    for name, estimate in result.estimates.items():
        table.add_row(_name(name), _value(estimate), _interval(estimate), str(estimate.n))
    timing = results.timings.get(result.name, {})
    if timing.get("p50_ms") is not None:
        table.add_row("latency p50, ms", f"{timing['p50_ms']:.1f}", "", str(len(timing["per_query_ms"])))
        table.add_row("latency p99, ms", f"{timing['p99_ms']:.1f}", "", str(len(timing["per_query_ms"])))
    return table


def _value(estimate: Estimate) -> str:
    return "–" if estimate.value is None else f"{estimate.value:.4f}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.4f} to {estimate.high:.4f}"


def _slices(result: SetResult) -> Table | None:
    if not result.slices:
        return None
    names = list(dict.fromkeys(name for each in result.slices for name in each.values))
    table = Table(title="by kind and by document", title_justify="left", box=SIMPLE)
    table.add_column("slice", no_wrap=True)
    for heading in ("n", *names):
        table.add_column(heading.replace("_", " "), justify="right")
    for each in result.slices:
        cells = [f"{each.values[name]:.3f}" if name in each.values else "" for name in names]
        table.add_row(each.name, str(each.n), *cells)
    return table


def _print_failures(result: SetResult, console: Console) -> None:
    console.print(Text(f"failed: {len(result.failed)}, returned nothing: {len(result.empty)}"))
    for query, reason in list(result.failed.items())[:_FAILURES_SHOWN]:
        console.print(Text(f"    {query}: {reason}", style="red"), soft_wrap=True)
    if len(result.failed) > _FAILURES_SHOWN:
        console.print(Text(f"    and {len(result.failed) - _FAILURES_SHOWN} more, in results.json"))


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print what differs, how surely, and the queries that changed most."""
    if comparison.identical:
        console.print(Text("identical: every query has the same value of every measure", style="bold"))
    for name in dict.fromkeys(each.set_name for each in comparison.measures):
        measures = [each for each in comparison.measures if each.set_name == name]
        console.print(_differences(name, measures))
        console.print(_details(measures))
    note = "* significant at 0.05 after Holm's correction over all measures and sets; ↓ less is better"
    console.print(Text(note, style="dim"))
    for changed in comparison.changed:
        _print_changed(changed, console)
    for name in comparison.left_out:
        console.print(Text(f"not compared, only one of them has it: {name}", style="yellow"))


def _differences(name: str, measures: Sequence[MeasureComparison]) -> Table:
    table = _narrow_table(f"{name}: B beside A", ("A", "B", "B - A", "p", "p (Holm)"))
    for each in measures:
        paired = each.paired
        table.add_row(
            _name(each.measure),
            f"{paired.mean_a:.3f}",
            f"{paired.mean_b:.3f}",
            f"{paired.difference:+.3f}",
            f"{paired.p_value:.4f}",
            f"{each.adjusted:.4f}" + (" *" if each.significant else "  "),
        )
    return table


def _details(measures: Sequence[MeasureComparison]) -> Table:
    table = _narrow_table("", ("B - A, 95 %", "detectable", "won/tied/lost"))
    for each in measures:
        paired = each.paired
        interval = f"{paired.low:+.3f} to {paired.high:+.3f}"
        counts = f"{paired.wins}/{paired.ties}/{paired.losses}"
        table.add_row(_name(each.measure), interval, f"{paired.detectable:.3f}", counts)
    return table


def _narrow_table(title: str, headings: Sequence[str]) -> Table:
    """Return a table that fits 80 columns: a number that is cut short would be a wrong one."""
    table = Table(title=title or None, title_justify="left", box=SIMPLE)
    table.add_column("measure", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _name(measure: str) -> str:
    return f"{measure} ↓" if measure in LOWER_IS_BETTER else measure


def _print_changed(changed: ChangedQuery, console: Console) -> None:
    head = f"{changed.set_name} {changed.query}: {changed.measure} {changed.value_a:.3f} to {changed.value_b:.3f}"
    console.print(Text(f"\n{head}  {changed.text}", style="bold"))
    for name, ranking in (("A", changed.ranking_a), ("B", changed.ranking_b)):
        places = [f"{each.item}{' (relevant)' if each.relevant else ''}" for each in ranking]
        console.print(Text(f"  {name}: {', '.join(places) or 'nothing'}"), soft_wrap=True)
