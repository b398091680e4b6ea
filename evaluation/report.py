"""One self-contained HTML page about an evaluation or a comparison: opens offline, runs no script."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from evaluation.charts import Axes, bar_plot, interval_plot, line_plot
from evaluation.comparing import ChangedQuery, Comparison, falls
from evaluation.results import LOWER_IS_BETTER, QueryResult, Results, Returned, SetResult

_WORST = 20
_RANKS_SHOWN = 5
_LATENCY_BINS = 24
_SHORT_CHARS = 24
_MAIN_MEASURES = ("nDCG@10", "MRR@10")

#: Nothing is fetched, nothing runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 3rem; border-top: 2px solid; padding-top: 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .9rem; }
caption { text-align: left; font-weight: bold; padding: .25rem 0; }
td.short { white-space: nowrap; }
.scroll { overflow-x: auto; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: .25rem .6rem; }
th, td { text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1rem 0; }
svg { width: 100%; max-width: 46rem; height: auto; font: 13px system-ui, sans-serif; fill: currentColor; }
summary { cursor: pointer; padding: .3rem 0; }
.note { opacity: .8; font-size: .9rem; }
.bad { font-weight: bold; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
"""


def results_page(results: Results) -> str:
    """Return the report of an evaluation."""
    body = [
        f"<h1>Evaluation of {_text(_target_name(results.target))}</h1>",
        *(_set_section(each, results.timings.get(each.name, {})) for each in results.sets),
        "<h2>How to repeat this</h2>",
        *(
            f"<h3>{name}</h3><pre>{_text(json.dumps(dict(value), ensure_ascii=False, indent=1))}</pre>"
            for name, value in (
                ("Settings", results.settings),
                ("What was asked", results.target),
                ("Machine", results.machine),
                ("Packages", results.packages),
            )
        ),
    ]
    return _page("Citewell evaluation", body)


def comparison_page(comparison: Comparison, *, name_a: str, name_b: str) -> str:
    """Return the report of a comparison."""
    headings = (
        "measure",
        "A",
        "B",
        "B − A",
        "95 % interval",
        "p",
        "p (Holm)",
        "detectable",
        "wins/ties/losses",
    )
    rows = [
        (
            f"{each.set_name}: {_measure(each.measure)}",
            f"{each.paired.mean_a:.4f}",
            f"{each.paired.mean_b:.4f}",
            f"{each.paired.difference:+.4f}",
            f"{each.paired.low:+.4f} to {each.paired.high:+.4f}",
            f"{each.paired.p_value:.4f}",
            f"{each.adjusted:.4f}{' significant' if each.significant else ''}",
            f"{each.paired.detectable:.4f}",
            f"{each.paired.wins}/{each.paired.ties}/{each.paired.losses}",
        )
        for each in comparison.measures
    ]
    if comparison.identical:
        verdict = "<p>The two are identical on every query.</p>"
    elif fallen := falls(comparison):
        verdict = f'<ul class="bad">{"".join(f"<li>{_text(each)}</li>" for each in fallen)}</ul>'
    else:
        verdict = "<p>No measure is significantly worse in B.</p>"
    body = [
        "<h1>Comparison of two evaluations</h1>",
        f"<p>A is {_text(name_a)}, B is {_text(name_b)}.</p>",
        verdict,
        _table(headings, rows, caption="Every measure, paired over queries"),
        '<p class="note">p: two-sided paired randomisation test. Holm: corrected over all rows; below 0.05 is '
        "significant. Detectable: the smallest true difference that this test would find in 80 % of samples.</p>",
        *(f"<p>Not compared, only one has it: {_text(each)}</p>" for each in comparison.left_out),
        "<h2>The queries that changed most</h2>",
        _differences_plot(comparison.changed),
        *(_changed_query(each) for each in comparison.changed),
    ]
    return _page("Citewell comparison", body)


def _set_section(result: SetResult, timing: Mapping[str, Any]) -> str:
    split = f", split {result.split}" if result.split else ""
    parts = [
        f"<h2>{_text(result.name)}{_text(split)}: {result.n_queries} queries</h2>",
        f"<p>{len(result.failed)} failed and {len(result.empty)} returned nothing; they count as the worst.</p>",
        _measures(result),
        _table(("count", "n"), [(name, str(n)) for name, n in result.counts.items()], caption="Counts"),
        _slices(result),
        _reliability(result),
        _risk_coverage(result),
        _latency(timing),
        _values_plot(result),
        _worst_queries(result),
        _failures(result),
    ]
    return "".join(parts)


def _measures(result: SetResult) -> str:
    measured = [(name, each) for name, each in result.estimates.items() if each.value is not None]
    axes = Axes(
        title="Measures with 95 % intervals",
        description=", ".join(f"{name} {each.value:.3f}" for name, each in measured),
        x_label="value, with its 95 % bootstrap interval; ↓ less is better",
    )
    rows = [(_short(name), each.value or 0.0, each.low or 0.0, each.high or 0.0) for name, each in measured]
    table = [
        (_measure(name), _number(each.value), _number(each.low), _number(each.high), str(each.n))
        for name, each in result.estimates.items()
    ]
    return _figure(
        interval_plot(axes, rows),
        ("measure", "value", "low", "high", "queries"),
        table,
        axes.title,
        is_open=True,
    )


def _slices(result: SetResult) -> str:
    if not result.slices:
        return ""
    names = list(dict.fromkeys(name for each in result.slices for name in each.values))
    rows = [
        (f"{each.by}: {each.name}", str(each.n), *(_number(each.values.get(name)) for name in names))
        for each in result.slices
    ]
    return _table(("slice", "queries", *map(_measure, names)), rows, caption="By kind and by document")


def _reliability(result: SetResult) -> str:
    if not result.reliability:
        return ""
    points = [(each.confidence, each.share_answerable) for each in result.reliability]
    axes = Axes(
        title="Reliability",
        description="Share of answerable questions against mean confidence, by tenth; the dashed line is perfect.",
        x_label="mean confidence",
        y_label="share answerable",
    )
    rows = [
        (
            f"{each.low:.1f} to {each.high:.1f}",
            str(each.n),
            f"{each.confidence:.3f}",
            f"{each.share_answerable:.3f}",
        )
        for each in result.reliability
    ]
    plot = line_plot(axes, points, diagonal=True, markers=True)
    return _figure(plot, ("confidence", "questions", "mean", "share answerable"), rows, axes.title)


def _risk_coverage(result: SetResult) -> str:
    if not result.risk_coverage:
        return ""
    axes = Axes(
        title="Risk and coverage",
        description="Share of misleading replies when only the most confident ones are given.",
        x_label="coverage: share of questions answered, most confident first",
        y_label="risk",
    )
    tenths = [
        next(point for point in result.risk_coverage if point[0] >= at / 10 - 1e-9) for at in range(1, 11)
    ]
    rows = [(f"{coverage:.3f}", f"{risk:.3f}") for coverage, risk in tenths]
    return _figure(line_plot(axes, result.risk_coverage), ("coverage", "risk"), rows, axes.title)


def _latency(timing: Mapping[str, Any]) -> str:
    took = list(timing.get("per_query_ms", {}).values())
    if not took:
        return ""
    # The few slowest would squeeze all others into one bar; the last bar holds them.
    longest = float(np.percentile(took, 99)) or 1.0
    counts, edges = np.histogram(np.minimum(took, longest), bins=_LATENCY_BINS, range=(0, longest))
    bars = [(float(a), float(b), float(n)) for a, b, n in zip(edges, edges[1:], counts, strict=False)]
    axes = Axes(
        title="Latency",
        description=f"Median {timing['p50_ms']:.1f} ms, 99th percentile {timing['p99_ms']:.1f} ms.",
        x_label="milliseconds per query; the last bar holds all longer ones",
        y_label="queries",
        x_range=(0, longest),
        y_range=(0, float(counts.max())),
    )
    rows = [(f"{a:.1f} to {b:.1f}", f"{n:.0f}") for a, b, n in bars]
    return _figure(
        bar_plot(axes, bars), ("milliseconds", "queries"), rows, f"{axes.title}. {axes.description}"
    )


def _main_measure(result: SetResult) -> str | None:
    return next((name for name in _MAIN_MEASURES if result.per_query.get(name)), None)


def _values_plot(result: SetResult) -> str:
    measure = _main_measure(result)
    if measure is None:
        return ""
    values = sorted(result.per_query[measure].values(), reverse=True)
    axes = Axes(
        title=f"{measure} of every query",
        description="One bar per query, best first.",
        x_label="queries, best first",
        y_label=measure,
        x_range=(0, len(values)),
    )
    bars = [(float(at), at + 1.0, value) for at, value in enumerate(values)]
    rows = [
        (query, result.queries[query].text, f"{value:.4f}")
        for query, value in sorted(result.per_query[measure].items(), key=lambda pair: (pair[1], pair[0]))
    ]
    return _figure(bar_plot(axes, bars), ("query", "text", measure), rows, axes.title)


def _worst_queries(result: SetResult) -> str:
    measure = _main_measure(result)
    if measure is None:
        return ""
    worst = sorted(result.per_query[measure].items(), key=lambda pair: (pair[1], pair[0]))[:_WORST]
    parts = [f"<h3>The {len(worst)} queries with the lowest {_text(measure)}</h3>"]
    for query, value in worst:
        parts.append(_one_query(query, result.queries[query], f"{measure} {value:.3f}"))
    wrong = {query: each for query, each in result.queries.items() if each.wrong_numbers}
    if wrong:
        parts.append(f"<h3>{len(wrong)} replies with wrong numbers</h3>")
        parts += [_one_query(query, each, "; ".join(each.wrong_numbers)) for query, each in wrong.items()]
    return "".join(parts)


def _one_query(query: str, found: QueryResult, said: str) -> str:
    lines = [f"<details><summary>{_text(query)}: {_text(found.text)} <b>{_text(said)}</b></summary>"]
    if found.failure is not None:
        lines.append(f'<p class="bad">Failed: {_text(found.failure)}</p>')
    if found.answer is not None:
        lines.append(f"<p>Answer (confidence {_number(found.confidence)}): {_text(found.answer)}</p>")
    return "".join([*lines, _ranking(found.ranking[:_RANKS_SHOWN]), "</details>"])


def _ranking(ranking: Sequence[Returned]) -> str:
    rows = [
        (str(rank), f"{each.score:.4f}", "yes" if each.relevant else "no", each.item, each.shown)
        for rank, each in enumerate(ranking, start=1)
    ]
    return (
        _table(("rank", "score", "relevant", "item", "text"), rows)
        if rows
        else "<p>Nothing was returned.</p>"
    )


def _failures(result: SetResult) -> str:
    if not result.failed:
        return ""
    return _table(("query", "reason"), list(result.failed.items()), caption="Failed queries")


def _differences_plot(changed: Sequence[ChangedQuery]) -> str:
    if not changed:
        return "<p>None changed.</p>"
    differences = sorted((each.value_b - each.value_a for each in changed), reverse=True)
    reach = max(abs(each) for each in differences)
    axes = Axes(
        title="Differences of the most changed queries",
        description="One bar per query: above zero B is higher, below zero A is.",
        x_label="queries",
        y_label="B − A",
        x_range=(0, len(differences)),
        y_range=(-reach, reach),
    )
    bars = [(float(at), at + 1.0, value) for at, value in enumerate(differences)]
    rows = [
        (f"{each.set_name} {each.query}", each.text, f"{each.value_a:.4f}", f"{each.value_b:.4f}")
        for each in changed
    ]
    return _figure(bar_plot(axes, bars), ("query", "text", "A", "B"), rows, axes.title)


def _changed_query(changed: ChangedQuery) -> str:
    return (
        f"<details><summary>{_text(changed.set_name)} {_text(changed.query)}: {_text(changed.text)} "
        f"<b>{_text(changed.measure)} {changed.value_a:.3f} → {changed.value_b:.3f}</b></summary>"
        f"<h3>A</h3>{_ranking(changed.ranking_a)}<h3>B</h3>{_ranking(changed.ranking_b)}</details>"
    )


def _figure(
    plot: str, headings: Sequence[str], rows: Sequence[Sequence[str]], caption: str, *, is_open: bool = False
) -> str:
    """Return a plot with the table behind it, folded away unless it is the main thing."""
    state = " open" if is_open else ""
    return (
        f"<figure><figcaption><h3>{_text(caption)}</h3></figcaption>{plot}"
        f"<details{state}><summary>The numbers behind this plot</summary>{_table(headings, rows)}</details></figure>"
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str | None = None) -> str:
    numeric = [bool(rows) and all(_is_number(row[at]) for row in rows) for at in range(len(headings))]
    head = "".join(
        f'<th scope="col"{_class(numeric[at])}>{_text(name)}</th>' for at, name in enumerate(headings)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{_class(numeric[at], cell)}>{_text(cell)}</td>" for at, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    above = f"<caption>{_text(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll" tabindex="0"><table>{above}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _class(is_number: bool, cell: str | None = None) -> str:  # noqa: FBT001  # one cell
    if is_number:
        return ' class="number"'
    return ' class="short"' if cell is not None and len(cell) <= _SHORT_CHARS else ""


def _is_number(cell: str) -> bool:
    return not cell or cell == "–" or cell.lstrip("+-").replace(".", "", 1).isdigit()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _measure(name: str) -> str:
    return f"{name} (less is better)" if name in LOWER_IS_BETTER else name


def _short(name: str) -> str:
    return f"{name} ↓" if name in LOWER_IS_BETTER else name


def _target_name(target: Mapping[str, Any]) -> str:
    named = [str(target[key]) for key in ("kind", "url", "version", "file", "title") if key in target]
    return " ".join(named) or "nothing"


def _text(value: str) -> str:
    return escape(str(value))


def _page(title: str, body: Iterable[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<link rel="icon" href="data:,"><title>{_text(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )
