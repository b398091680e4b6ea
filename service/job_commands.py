"""The commands `citewell work`, `rollback` and `diff`: what happens to versions beside building them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from service.console import print_json, say, settings_with, stdout

Command = Callable[..., None]
CorpusDir = Annotated[
    Path | None, typer.Option("--corpus", help="Folder of documents; CITEWELL_CORPUS_DIR by default.")
]
IndexDir = Annotated[
    Path | None, typer.Option("--index", help="Folder of snapshots; CITEWELL_INDEX_DIR by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def register(app: typer.Typer, *, fixable: Callable[[Command], Command]) -> None:
    """Give an application these commands."""

    @app.command()
    @fixable
    def work(corpus: CorpusDir = None, index: IndexDir = None) -> None:
        """Work on what was uploaded and build; a running service does it by itself.

        Example: citewell work
        """
        from service import build_wiring  # noqa: PLC0415  # loading the encoder takes seconds; --help must not
        from service.job_store import JobStore  # noqa: PLC0415
        from service.job_work import work_on_jobs  # noqa: PLC0415
        from service.logs import configure_logs  # noqa: PLC0415

        settings = settings_with(corpus=corpus, index=index)
        configure_logs()
        if not work_on_jobs(JobStore(settings.state_dir), build_wiring.make_workshop(settings)):
            stdout().print("Another process is working on the jobs.")

    @app.command()
    @fixable
    def rollback(
        version: Annotated[
            str | None, typer.Argument(help="The version to go back to; the one before by default.")
        ] = None,
        index: IndexDir = None,
        *,
        as_json: AsJson = False,
    ) -> None:
        """Make an older version of the index serve again; a running service swaps to it.

        Example: citewell rollback
        """
        from index.versions import roll_back  # noqa: PLC0415

        now = roll_back(settings_with(index=index).index_dir, version)
        say(f"Version {now} serves now.", {"version": now}, as_json=as_json)

    @app.command()
    @fixable
    def diff(
        before: Annotated[str, typer.Argument(help="One version.")],
        after: Annotated[
            str | None, typer.Argument(help="The other version; the one that serves by default.")
        ] = None,
        corpus: CorpusDir = None,
        index: IndexDir = None,
        *,
        as_json: AsJson = False,
    ) -> None:
        """Show what differs between two versions, and which of the corpus's questions find other passages.

        Example: citewell diff 34a2b58f65ca7355
        """
        from index.snapshot import current_version  # noqa: PLC0415
        from service.version_diff import diff_versions, print_diff  # noqa: PLC0415

        settings = settings_with(corpus=corpus, index=index)
        found = diff_versions(settings, before, after or current_version(settings.index_dir))
        if as_json:
            print_json(found.as_json())
        else:
            print_diff(found, stdout())


def job_facts(state_dir: Path) -> dict[str, Any]:
    """Return how many jobs there are in each state among the latest, and how far those are that run."""
    from service.job_store import JobStore  # noqa: PLC0415

    if not (state_dir / "jobs.sqlite").exists():
        return {"waiting": 0, "running": [], "latest": []}
    store = JobStore(state_dir)
    unfinished = store.unfinished()
    return {
        "waiting": sum(job.state == "queued" for job in unfinished),
        "running": [
            {
                "job_id": job.job_id,
                "kind": job.task.kind,
                "doc_id": job.doc_id,
                "stage": job.progress.stage if job.progress else None,
                "done": job.progress.done if job.progress else 0,
                "total": job.progress.total if job.progress else 0,
            }
            for job in unfinished
            if job.state == "running"
        ],
        "latest": [
            {"job_id": job.job_id, "kind": job.task.kind, "state": job.state, "error": job.error}
            for job in store.recent(5)
        ],
    }
