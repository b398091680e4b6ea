"""The command `citewell evaluate`: question sets in, numbers out."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ingest.errors import CitewellError
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from evaluation.results import Results
    from index.building import Progress as Report

_err = Console(stderr=True)
_out = Console()


def evaluate(
    sets: Annotated[
        list[Path],
        typer.Argument(help="Judged questions (.jsonl), a BEIR folder, or TREC topics with --qrels."),
    ],
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
    out: Annotated[Path | None, typer.Option(help="Folder for results.json, run.trec and replies.")] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option("--fail-under", help="METRIC=VALUE: exit 1 when a set does worse; repeatable."),
    ] = None,
    *,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an interrupted evaluation left in --out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Measure how well questions are answered, with 95 % intervals.

    Example: citewell evaluate corpus/questions/dev.jsonl --out var/evaluation
    """
    from evaluation.thresholds import read_threshold, unmet  # noqa: PLC0415  # --help must not load all this
    from service.evaluation_runs import Request, evaluate_sets  # noqa: PLC0415
    from service.wiring import make_embedder  # noqa: PLC0415

    demands = [read_threshold(text) for text in fail_under or []]
    if resume and out is None:
        raise CitewellError("--resume goes on with what is in a folder. Name it with --out.")
    request = Request(
        sets=tuple(sets),
        url=url,
        run=run,
        qrels=qrels,
        split=split,
        top_k=top_k,
        depth=depth,
        out=out,
        resume=resume,
    )
    settings = _settings(index)
    with _progress() as report:
        results = evaluate_sets(
            request, settings, progress=report, load_embedder=lambda: make_embedder(settings)
        )
    _show(results, as_json=as_json)
    if reasons := unmet(demands, results.sets):
        raise CitewellError("; ".join(reasons) + ".")


def _settings(index: Path | None) -> Settings:
    settings = read_settings()
    return settings if index is None else settings.model_copy(update={"index_dir": index})


def _show(results: "Results", *, as_json: bool) -> None:
    from service.evaluation_printing import print_results  # noqa: PLC0415

    if as_json:
        sys.stdout.write(json.dumps(_summary(results), ensure_ascii=False, indent=1) + "\n")
    else:
        print_results(results, _out)


def _summary(results: "Results") -> dict[str, Any]:
    """Return results without what was said to each query."""
    from evaluation.results import as_json  # noqa: PLC0415

    stored = as_json(results)
    for each in stored["sets"]:
        del each["queries"], each["per_query"]
    for timing in stored["timings"].values():
        del timing["per_query_ms"]
    return stored


@contextmanager
def _progress() -> "Iterator[Report]":
    """Show stages on stderr, with what is left to do."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=_err, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report
