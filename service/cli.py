"""The command line: one verb per job."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

# Nothing here may reach for a model hub, and one thread a question is what keeps vectors reproducible; both are
# read when the libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from ingest.errors import CitewellError
from service import corpus_commands, job_commands, key_commands
from service.console import fixable, print_json, progress, say, settings_with, stderr, stdout, warn
from service.evaluation_commands import evaluate
from service.release import RELEASE
from service.settings import Settings

app = typer.Typer(
    name="citewell",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Ask a health article a question; get the passages that answer it, with their reference numbers.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
CorpusDir = Annotated[
    Path | None, typer.Option("--corpus", help="Folder of documents; CITEWELL_CORPUS_DIR by default.")
]
IndexDir = Annotated[
    Path | None, typer.Option("--index", help="Folder of snapshots; CITEWELL_INDEX_DIR by default.")
]


def main() -> None:
    """Run the command line."""
    app()


@app.command()
@fixable
def build(
    corpus: CorpusDir = None,
    index: IndexDir = None,
    *,
    if_stale: Annotated[
        bool, typer.Option("--if-stale", help="Do nothing when the corpus has not changed.")
    ] = False,
    activate_anyway: Annotated[
        bool,
        typer.Option(
            "--activate-anyway", help="Let it serve even if it finds its own sources significantly worse."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the index from the corpus and make it serve.

    Example: citewell build --corpus corpus
    """
    from dataclasses import asdict  # noqa: PLC0415

    from service import build_wiring, freshness, wiring  # noqa: PLC0415  # loading the encoder takes seconds; --help must not

    settings = settings_with(corpus=corpus, index=index)
    inputs = freshness.hash_inputs(settings)
    if if_stale and freshness.is_fresh(settings, inputs):
        say("The index is up to date.", {"fresh": True}, as_json=as_json)
        return
    with progress() as report:
        report("load encoder", 0, 1)
        embedder = wiring.make_embedder(settings, progress=report, builds=True)
        report("load encoder", 1, 1)
        built = build_wiring.build(settings, embedder, progress=report, activate_anyway=activate_anyway)
    freshness.remember(settings, built.version, inputs)
    for path, reason in built.quarantined:
        stderr().print(
            f"left out {path}: {reason}", style="yellow", markup=False, highlight=False, soft_wrap=True
        )
    warn((*built.warnings, *filter(None, [built.not_activated_because])))
    score = built.self_score
    found = (
        f"; {score.success_at_1:.0%} of {score.pairs} cited sentences find their source first"
        if score.pairs
        else ""
    )
    say(
        f"Built {built.version}: {built.n_documents} documents, {built.n_passages} passages, "
        f"{built.n_references} references{found}.",
        asdict(built),
        as_json=as_json,
    )


@app.command()
@fixable
def serve(
    corpus: CorpusDir = None,
    index: IndexDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; CITEWELL_HOST by default.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; CITEWELL_PORT by default.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that answer; CITEWELL_WORKERS by default.")
    ] = None,
) -> None:
    """Serve the index over HTTP.

    Example: citewell serve --port 8000
    """
    from index.snapshot import current_version, versions  # noqa: PLC0415

    settings = settings_with(corpus=corpus, index=index, host=host, port=port, workers=workers)
    if not versions(settings.index_dir):
        current_version(settings.index_dir)  # says that there is none before the encoder is loaded
    if settings.workers == 1:
        _serve_alone(settings)
    else:
        _serve_together(settings)


def _serve_alone(settings: Settings) -> None:
    from service import wiring  # noqa: PLC0415
    from service.app import create_app  # noqa: PLC0415
    from service.job_runner import running_jobs  # noqa: PLC0415
    from service.logs import configure_logs  # noqa: PLC0415
    from service.server import address_of, listen, run_server  # noqa: PLC0415

    configure_logs()
    listening = listen(settings)
    _announce(address_of(listening))
    with running_jobs(settings):
        started = run_server(
            listening,
            lambda give_up: create_app(
                lambda: wiring.live_index(settings), settings, on_failed_start=give_up
            ),
            settings,
        )
    if not started:
        raise typer.Exit(1)


def _serve_together(settings: Settings) -> None:
    from service.logs import configure_logs  # noqa: PLC0415
    from service.shared_folder import shared_folder  # noqa: PLC0415

    configure_logs(name_process=True)
    with shared_folder() as shared:
        from service.workers import run_workers  # noqa: PLC0415  # only now, as the folder says

        run_workers(settings, shared=shared, announce=_announce)


def _announce(address: str) -> None:
    stderr().print(f"Citewell {RELEASE} answers at {address} once the encoder is loaded.", highlight=False)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Leave garbage where it is: to look for it among all that one answer loads takes a twentieth of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@app.command()
@fixable
@_without_collections()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in plain words.")],
    index: IndexDir = None,
    top_k: Annotated[int, typer.Option(min=1, max=50, help="How many passages to show.")] = 5,
    *,
    as_json: AsJson = False,
) -> None:
    """Ask the index a question.

    Example: citewell ask "What helps a calf cramp at night?"
    """
    from pydantic import ValidationError  # noqa: PLC0415

    from service import schemas, wiring  # noqa: PLC0415
    from service.replying import reply_to  # noqa: PLC0415

    settings = settings_with(index=index)
    try:
        asked = schemas.AskRequest(question=question, top_k=top_k)
    except ValidationError as error:
        reason = "; ".join(str(each["msg"]) for each in error.errors())
        raise CitewellError(f"The question cannot be asked: {reason}.") from error
    serving = wiring.open_current(
        settings.index_dir,
        wiring.make_embedder(settings),
        wiring.make_reranker(settings),
        wiring.make_reading_model(settings),
    )
    reply = reply_to(asked, serving)
    if as_json:
        print_json(reply.model_dump(mode="json"))
    else:
        from service.printing import print_reply  # noqa: PLC0415  # a program's reply needs no terminal

        print_reply(reply, stdout())


@app.command()
@fixable
def status(index: IndexDir = None, *, as_json: AsJson = False) -> None:
    """Show which version serves, what it holds and how it scores itself.

    Example: citewell status
    """
    from index.snapshot import built_at, current_version, read_manifest, versions  # noqa: PLC0415

    settings = settings_with(index=index)
    version = current_version(settings.index_dir)
    manifest = read_manifest(settings.index_dir / version)
    facts = {
        "version": version,
        "built_at": built_at(settings.index_dir, version),
        "versions": versions(settings.index_dir),
        **{name: manifest[name] for name in ("title", "counts", "model", "self_score", "quarantined")},
        "jobs": job_commands.job_facts(settings.state_dir),
    }
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        shown = (
            ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
        )
        shown = ", ".join(map(str, value)) or "none" if isinstance(value, list) else shown
        stdout().print(f"{name:<12} {shown}", markup=False, highlight=False, soft_wrap=True)


@app.command()
@fixable
def doctor(corpus: CorpusDir = None, index: IndexDir = None, *, as_json: AsJson = False) -> None:
    """Check everything that serving needs, and say how to mend what is not right.

    Example: citewell doctor
    """
    from service.diagnosis import diagnose  # noqa: PLC0415

    findings = diagnose(settings_with(corpus=corpus, index=index))
    if as_json:
        print_json(
            {"findings": [{"check": each.check, "ok": each.ok, "detail": each.detail} for each in findings]}
        )
    else:
        for each in findings:
            mark = "[green]ok[/green]   " if each.ok else "[red]wrong[/red]"
            stdout().print(mark, end=" ")
            stdout().print(f"{each.check}: {each.detail}", markup=False, highlight=False, soft_wrap=True)
    if not all(each.ok for each in findings):
        raise typer.Exit(1)


app.command()(fixable(evaluate))
corpus_commands.register(app, fixable=fixable, build=build)
key_commands.register(app, fixable=fixable)
job_commands.register(app, fixable=fixable)


@app.command()
def version() -> None:
    """Print the release.

    Example: citewell version
    """
    stdout().print(RELEASE, highlight=False)
