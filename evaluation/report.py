"""One self-contained HTML page about an evaluation or a comparison: opens offline, runs no script."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.charts import Axes, bar_plot, interval_row, line_plot
from evaluation.comparing import ChangedQuery, Comparison, falls
from evaluation.glossary import marked, meaning
from evaluation.markup import figure, framed, number, page, table, text, tiles
from evaluation.resampling import Estimate
from evaluation.results import QueryResult, Results, Returned, SetResult

_WORST = 20
_RANKS_SHOWN = 5
_LATENCY_BINS = 24
_MAIN_MEASURES = ("nDCG@10", "MRR@10")
#: What a reader wants to know first, where it was measured.
_HEADLINES = (
    "Success@1",
    "Success@5",
    "nDCG@10",
    "Recall@100",
    "answer_support",
    "AUROC",
    "false_answer",
    "wrong_refusal",
)


def results_page(results: Results) -> str:
    """Return the report of an evaluation."""
    body = [
        f"<h1>Evaluation of {text(_target_name(results.target))}</h1>",
        _contents(results),
        *(
            _set_section(place, each, results.timings.get(each.name, {}))
            for place, each in enumerate(results.sets)
        ),
        '<h2 id="repeat">How to repeat this</h2>',
        *(
            f"<h3>{name}</h3><pre>{text(json.dumps(dict(value), ensure_ascii=False, indent=1))}</pre>"
            for name, value in (
                ("Settings", results.settings),
                ("What was asked", results.target),
                ("Machine", results.machine),
                ("Packages", results.packages),
            )
        ),
    ]
    return page("Citewell evaluation", body)


def _contents(results: Results) -> str:
    sets = "".join(
        f'<li><a href="#set-{place}">{text(each.name)}</a></li>' for place, each in enumerate(results.sets)
    )
    return (
        f'<nav aria-label="Contents"><ul>{sets}<li><a href="#repeat">How to repeat this</a></li></ul></nav>'
    )


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
            f"{each.set_name}: {marked(each.measure)}",
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
        verdict = f'<ul class="bad">{"".join(f"<li>{text(each)}</li>" for each in fallen)}</ul>'
    else:
        verdict = "<p>No measure is significantly worse in B.</p>"
    body = [
        "<h1>Comparison of two evaluations</h1>",
        f"<p>A is {text(name_a)}, B is {text(name_b)}.</p>",
        verdict,
        table(headings, rows, caption="Every measure, paired over queries"),
        '<p class="note">p: two-sided paired randomisation test. Holm: corrected over all rows; below 0.05 is '
        "significant. Detectable: the smallest true difference that this test would find in 80 % of samples.</p>",
        *(f"<p>Not compared, only one has it: {text(each)}</p>" for each in comparison.left_out),
        "<h2>The queries that changed most</h2>",
        _differences_plot(comparison.changed),
        *(_changed_query(each) for each in comparison.changed),
    ]
    return page("Citewell comparison", body)


def _set_section(place: int, result: SetResult, timing: Mapping[str, Any]) -> str:
    split = f", split {result.split}" if result.split else ""
    parts = [
        f'<h2 id="set-{place}">{text(result.name)}{text(split)}: {result.n_queries} queries</h2>',
        _tiles(result),
        _measures(result),
        table(("count", "n"), [(name, str(n)) for name, n in result.counts.items()], caption="Counts"),
        _slices(result),
        '<div class="grid-of-plots">',
        _reliability(result),
        _risk_coverage(result),
        _latency(timing),
        _values_plot(result),
        "</div>",
        _worst_queries(result),
        _failures(result),
    ]
    return "".join(parts)


def _measures(result: SetResult) -> str:
    """Return the table of all measures, each with its interval drawn beside the numbers."""
    head = "".join(
        f'<th scope="col"{kind}>{name}</th>'
        for name, kind in (
            ("measure", ""),
            ("value", ' class="number"'),
            ("95 % interval", ""),
            ("low", ' class="number"'),
            ("high", ' class="number"'),
            ("queries", ' class="number"'),
        )
    )
    rows = "".join(_measure_row(name, each) for name, each in result.estimates.items())
    note = '<p class="note">↓ less is better. Intervals are drawn from 0 to 1.</p>'
    return (
        framed(
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>", caption="Every measure", kind="measures"
        )
        + note
    )


def _measure_row(name: str, found: Estimate) -> str:
    drawn = (
        ""
        if found.value is None or found.low is None or found.high is None
        else interval_row(found.value, found.low, found.high)
    )
    return (
        f'<tr><th scope="row">{text(marked(name))}<small>{text(meaning(name))}</small></th>'
        f'<td class="number">{number(found.value)}</td><td>{drawn}</td>'
        f'<td class="number">{number(found.low)}</td><td class="number">{number(found.high)}</td>'
        f'<td class="number">{found.n}</td></tr>'
    )


def _tiles(result: SetResult) -> str:
    facts = []
    for name in _HEADLINES:
        found = result.estimates.get(name)
        if found is not None and found.value is not None:
            interval = f"{found.low:.2f} to {found.high:.2f}, {found.n} queries"
            facts.append((f"{found.value:.3f}", marked(name), f"{interval}; {meaning(name)}"))
    if "numbers wrong" in result.counts:
        checked = f"of {result.counts['numbers checked']:,} checked"
        facts.append((str(result.counts["numbers wrong"]), "wrong reference numbers", checked))
    facts.append(
        (f"{len(result.failed)} / {len(result.empty)}", "failed / returned nothing", "count as the worst")
    )
    return tiles(facts)


def _slices(result: SetResult) -> str:
    if not result.slices:
        return ""
    names = list(dict.fromkeys(name for each in result.slices for name in each.values))
    rows = [
        (f"{each.by}: {each.name}", str(each.n), *(number(each.values.get(name)) for name in names))
        for each in result.slices
    ]
    return table(("slice", "queries", *map(marked, names)), rows, caption="By kind and by document")


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
    return figure(plot, ("confidence", "questions", "mean", "share answerable"), rows, axes.title)


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
    return figure(line_plot(axes, result.risk_coverage), ("coverage", "risk"), rows, axes.title)


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
    return figure(
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
    return figure(bar_plot(axes, bars), ("query", "text", measure), rows, axes.title)


def _worst_queries(result: SetResult) -> str:
    measure = _main_measure(result)
    if measure is None:
        return ""
    worst = sorted(result.per_query[measure].items(), key=lambda pair: (pair[1], pair[0]))[:_WORST]
    parts = [f"<h3>The {len(worst)} queries with the lowest {text(measure)}</h3>"]
    for query, value in worst:
        parts.append(_one_query(query, result.queries[query], f"{measure} {value:.3f}"))
    wrong = {query: each for query, each in result.queries.items() if each.wrong_numbers}
    if wrong:
        parts.append(f"<h3>{len(wrong)} replies with wrong numbers</h3>")
        parts += [_one_query(query, each, "; ".join(each.wrong_numbers)) for query, each in wrong.items()]
    return "".join(parts)


def _one_query(query: str, found: QueryResult, said: str) -> str:
    lines = [f"<details><summary>{text(query)}: {text(found.text)} <b>{text(said)}</b></summary>"]
    if found.failure is not None:
        lines.append(f'<p class="bad">Failed: {text(found.failure)}</p>')
    if found.answer is not None:
        lines.append(f"<p>Answer (confidence {number(found.confidence)}): {text(found.answer)}</p>")
    return "".join([*lines, _ranking(found.ranking[:_RANKS_SHOWN]), "</details>"])


def _ranking(ranking: Sequence[Returned]) -> str:
    rows = [
        (str(rank), f"{each.score:.4f}", "yes" if each.relevant else "no", each.item, each.shown)
        for rank, each in enumerate(ranking, start=1)
    ]
    return (
        table(("rank", "score", "relevant", "item", "text"), rows) if rows else "<p>Nothing was returned.</p>"
    )


def _failures(result: SetResult) -> str:
    if not result.failed:
        return ""
    return table(("query", "reason"), list(result.failed.items()), caption="Failed queries")


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
    return figure(bar_plot(axes, bars), ("query", "text", "A", "B"), rows, axes.title)


def _changed_query(changed: ChangedQuery) -> str:
    return (
        f"<details><summary>{text(changed.set_name)} {text(changed.query)}: {text(changed.text)} "
        f"<b>{text(changed.measure)} {changed.value_a:.3f} → {changed.value_b:.3f}</b></summary>"
        f"<h3>A</h3>{_ranking(changed.ranking_a)}<h3>B</h3>{_ranking(changed.ranking_b)}</details>"
    )


def _target_name(target: Mapping[str, Any]) -> str:
    named = [str(target[key]) for key in ("kind", "url", "version", "file", "title") if key in target]
    return " ".join(named) or "nothing"
