"""The command `citewell evaluate`: question sets in, numbers out."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.errors import CitewellError
from service.console import print_json, progress, settings_with, stderr, stdout

if TYPE_CHECKING:
    from evaluation.baseline import BaselineQuery
    from evaluation.comparing import Comparison
    from evaluation.results import Results


def evaluate(
    sets: Annotated[
        list[Path] | None,
        typer.Argument(help="Judged questions (.jsonl), a BEIR folder, or TREC topics with --qrels."),
    ] = None,
    index: Annotated[
        Path | None, typer.Option("--index", help="Folder of snapshots; CITEWELL_INDEX_DIR by default.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Ask the service that runs there instead.")] = None,
    run: Annotated[Path | None, typer.Option(help="Score this finished TREC run instead.")] = None,
    qrels: Annotated[Path | None, typer.Option(help="Judgments for TREC topics.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of a BEIR folder; test, else dev, by default.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=5, max=50, help="Passages asked for per judged question.")] = 10,
    depth: Annotated[int, typer.Option(min=1, help="Documents ranked per BEIR or TREC query.")] = 100,
    unanswerable: Annotated[
        Path | None,
        typer.Option(help="Query ids, one a line: their documents are left out of the BEIR folder's index."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for results.json, run.trec, report.html and replies.")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option("--fail-under", help="METRIC=VALUE: exit 1 when a set does worse; repeatable."),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Compare two results.json (or TREC runs, with their set) instead of evaluating."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="What --save-baseline wrote: exit 1 when a measure falls significantly below it."),
    ] = None,
    save_baseline: Annotated[
        Path | None, typer.Option("--save-baseline", help="Write what --baseline reads.")
    ] = None,
    *,
    refusal: Annotated[
        bool,
        typer.Option(
            "--refusal",
            help="Judge refusal on BEIR folders too: queries with nothing relevant are unanswerable.",
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an interrupted evaluation left in --out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Measure how well questions are answered, with 95 % intervals.

    Example: citewell evaluate corpus/questions/dev.jsonl --out var/evaluation
    """
    from evaluation.baseline import as_baseline, read_baseline, write_baseline  # noqa: PLC0415
    from evaluation.comparing import compare_results  # noqa: PLC0415  # --help must not load all this
    from evaluation.thresholds import read_threshold, unmet  # noqa: PLC0415
    from service.evaluation_runs import Request, evaluate_sets, read_evaluation  # noqa: PLC0415
    from service.wiring import make_embedder  # noqa: PLC0415

    if unanswerable is not None and len(sets or ()) != 1:
        raise typer.BadParameter("--unanswerable names queries of one BEIR folder. Name one set.")
    demands = [read_threshold(text) for text in fail_under or []]
    if resume and out is None:
        raise CitewellError("--resume goes on with what is in a folder. Name it with --out.")
    request = Request(
        sets=tuple(sets or ()),
        url=url,
        run=run,
        qrels=qrels,
        split=split,
        top_k=top_k,
        depth=depth,
        refusal=refusal,
        unanswerable=unanswerable,
        out=out,
        resume=resume,
    )
    settings = settings_with(index=index)
    if compare is not None:
        before, after = (read_evaluation(path, request, settings) for path in compare)
        _show_comparison(compare_results(before, after), compare, out=out, as_json=as_json)
        return
    if not sets:
        raise typer.BadParameter("Name at least one set, or two evaluations with --compare.")
    expected = None if baseline is None else read_baseline(baseline)
    with progress() as report:
        results = evaluate_sets(
            request, settings, progress=report, load_embedder=lambda: make_embedder(settings)
        )
    _show(results, as_json=as_json)
    if save_baseline is not None:
        write_baseline(save_baseline, as_baseline(results))
    reasons = unmet(demands, results.sets)
    if expected is not None:
        reasons += _falls(expected, results)
    if reasons:
        raise CitewellError("; ".join(reasons) + ".")


def _falls(expected: "tuple[BaselineQuery, ...]", results: "Results") -> list[str]:
    from evaluation.baseline import check_baseline  # noqa: PLC0415

    check = check_baseline(expected, results)
    stderr().print(
        f"Held against the baseline: {check.compared} queries, {check.changed} more were changed since."
    )
    return check.falls


def _show(results: "Results", *, as_json: bool) -> None:
    from service.evaluation_printing import print_results  # noqa: PLC0415

    if as_json:
        print_json(_summary(results))
    else:
        print_results(results, stdout())


def _show_comparison(
    comparison: "Comparison", compared: tuple[Path, Path], *, out: Path | None, as_json: bool
) -> None:
    from evaluation.comparing import comparison_as_json  # noqa: PLC0415
    from evaluation.report import comparison_page  # noqa: PLC0415
    from service.evaluation_printing import print_comparison  # noqa: PLC0415

    stored = json.dumps(comparison_as_json(comparison), ensure_ascii=False, indent=1) + "\n"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "comparison.json").write_text(stored, encoding="utf-8")
        page = comparison_page(
            comparison, name_a=_folder_and_name(compared[0]), name_b=_folder_and_name(compared[1])
        )
        (out / "comparison.html").write_text(page, encoding="utf-8")
    if as_json:
        sys.stdout.write(stored)
    else:
        print_comparison(comparison, stdout())


def _folder_and_name(path: Path) -> str:
    """Name a file so that it is known again, without where on this machine it lies."""
    return "/".join(path.resolve().parts[-2:])


def _summary(results: "Results") -> dict[str, Any]:
    """Return results without what was said to each query."""
    from evaluation.results import as_json  # noqa: PLC0415

    stored = as_json(results)
    for each in stored["sets"]:
        del each["queries"], each["per_query"]
    for timing in stored["timings"].values():
        del timing["per_query_ms"]
    return stored
