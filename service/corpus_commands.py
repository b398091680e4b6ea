"""The commands `citewell add`, `remove` and `fetch`: what an editor does to a corpus.

Nothing is fetched from outside but by `fetch`, and by `add` when it is given something else than a file.
"""

import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.errors import CorpusError, FetchingError
from ingest.records import DocumentKind, Fidelity
from service import fetched_documents
from service.console import say, settings_with, stderr, warn
from service.settings import Settings

if TYPE_CHECKING:
    from ingest.acquiring import Attempt
    from ingest.corpus_editing import NewDocument

#: Larger files are not even read: each reader's own limit is far below.
_MAX_FILE_BYTES = 500_000_000


Command = Callable[..., None]
CorpusDir = Annotated[
    Path | None, typer.Option("--corpus", help="Folder of documents; CITEWELL_CORPUS_DIR by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Build = Annotated[bool, typer.Option("--build", help="Build the index at once.")]


def register(app: typer.Typer, *, fixable: Callable[[Command], Command], build: Command) -> None:
    """Give an application these commands.

    Args:
        app: The application.
        fixable: Turns an error that an editor can put right into a message and exit code 1.
        build: The command that builds the index, for `--build`.
    """

    @app.command()
    @fixable
    def add(
        target: Annotated[str, typer.Argument(help="A file, or a DOI, PMCID, PMID or web address to fetch.")],
        corpus: CorpusDir = None,
        kind: Annotated[
            DocumentKind | None, typer.Option(help="What it is: a source with --reference, else an article.")
        ] = None,
        reference: Annotated[
            int | None, typer.Option(min=1, help="Number of the reference whose text it is.")
        ] = None,
        fidelity: Annotated[
            Fidelity | None, typer.Option(help="How much of the original it is; full_text by default.")
        ] = None,
        doc_id: Annotated[str | None, typer.Option(help="Its identifier; made from its title.")] = None,
        title: Annotated[str | None, typer.Option(help="Its title, if not the file's own.")] = None,
        url: Annotated[str | None, typer.Option(help="Where a reader finds it.")] = None,
        licence: Annotated[str | None, typer.Option(help="Under what terms it may be used.")] = None,
        replaces: Annotated[
            str | None, typer.Option("--replace", help="Identifier of the document whose place it takes.")
        ] = None,
        *,
        unchecked: Annotated[
            bool,
            typer.Option("--unchecked", help="Add it although its title or author is not the reference's."),
        ] = False,
        build_now: Build = False,
        as_json: AsJson = False,
    ) -> None:
        """Add a document to the corpus.

        Example: citewell add 10.1136/pn-2022-003574 --kind source --reference 2
        """
        settings = settings_with(corpus=corpus)
        given = {"fidelity": fidelity, "title": title, "url": url, "licence": licence}
        options = {
            "kind": kind or ("source" if reference else "article"),
            "reference_number": reference,
            "doc_id": doc_id,
            "replaces": replaces,
        }
        _add(
            settings,
            target,
            changes={name: value for name, value in (given | options).items() if value is not None},
            unchecked=unchecked,
            as_json=as_json,
        )
        _build_or_say_so(build if build_now else None, corpus, as_json=as_json)

    @app.command()
    @fixable
    def remove(
        doc_id: Annotated[str, typer.Argument(help="Identifier of the document.")],
        corpus: CorpusDir = None,
        *,
        build_now: Build = False,
        as_json: AsJson = False,
    ) -> None:
        """Take a document out of the corpus; its file is kept, and no reference number is given away.

        Example: citewell remove swash-2018
        """
        _remove(settings_with(corpus=corpus), doc_id, as_json=as_json)
        _build_or_say_so(build if build_now else None, corpus, as_json=as_json)

    @app.command()
    @fixable
    def fetch(
        target: Annotated[str, typer.Argument(help="A DOI, PMCID, PMID or web address.")],
        output: Annotated[Path | None, typer.Option(help="File to write the document to.")] = None,
        *,
        as_json: AsJson = False,
    ) -> None:
        """Look for a work's text outside and show what there is, without adding it.

        Example: citewell fetch 10.1136/pn-2022-003574 --output dijkstra.xml
        """
        _fetch(settings_with(), target, output, as_json=as_json)


# --- the commands' work ------------------------------------------------------------------------------


def _add(settings: Settings, target: str, *, changes: dict[str, Any], unchecked: bool, as_json: bool) -> None:
    from ingest.corpus_editing import add_document  # noqa: PLC0415  # --help must not load every reader

    new, attempts = _new_document(
        settings, target, number=None if unchecked else changes.get("reference_number")
    )
    new = replace(new, unchecked=unchecked, **changes)
    added = add_document(settings.corpus_dir, new, now=_now())
    warn(added.warnings)
    entry = added.entry
    place = f"the text of reference {entry.reference_number}" if entry.reference_number else "an article"
    done = (
        f"Added {entry.doc_id}, {place}" if added.is_new else f"It is there already: {entry.doc_id}, {place}"
    )
    say(
        f"{done} ({entry.fidelity.replace('_', ' ')}), in {entry.path}.",
        {
            "added": added.is_new,
            "document": entry.model_dump(mode="json"),
            "warnings": list(added.warnings),
            "attempts": [asdict(attempt) for attempt in attempts],
        },
        as_json=as_json,
    )


def _new_document(
    settings: Settings, target: str, *, number: int | None
) -> tuple["NewDocument", tuple["Attempt", ...]]:
    from ingest.corpus_editing import NewDocument  # noqa: PLC0415

    path = Path(target)
    if path.exists():
        return NewDocument(_read_file(path), name=path.name), ()
    _refuse_unfetchable(target)
    new, attempts = fetched_documents.fetch_document(settings, target, number=number)
    _tell(attempts)
    return new, attempts


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise CorpusError(f"{path} is no file. Add the documents in it one at a time.")
    size = path.stat().st_size
    if size > _MAX_FILE_BYTES:
        raise CorpusError(f"{path} has {size:,} bytes; at most {_MAX_FILE_BYTES:,} are read. Split it.")
    return path.read_bytes()


def _refuse_unfetchable(target: str) -> None:
    from ingest.acquiring import asked_identity  # noqa: PLC0415

    try:
        asked_identity(target)
    except FetchingError as error:
        raise FetchingError(f"There is no file {target!r}, and it names nothing to fetch. {error}") from error


def _remove(settings: Settings, doc_id: str, *, as_json: bool) -> None:
    from ingest.corpus_editing import remove_document  # noqa: PLC0415

    removed = remove_document(settings.corpus_dir, doc_id, now=_now())
    say(
        f"Removed {doc_id}; its file is kept in {settings.corpus_dir / removed.kept_at}.",
        {"removed": doc_id, "document": removed.entry.model_dump(mode="json"), "kept_at": removed.kept_at},
        as_json=as_json,
    )


def _fetch(settings: Settings, target: str, output: Path | None, *, as_json: bool) -> None:
    if output is not None and output.exists():
        raise CorpusError(f"{output} is there already. Choose another --output.")
    _refuse_unfetchable(target)
    found = fetched_documents.acquire_text(settings, target)
    _tell(found.attempts)
    warn(found.problems)
    if output is not None:
        output.write_bytes(found.data)
    facts = {
        "title": found.title,
        "doi": found.doi,
        "fidelity": found.fidelity,
        "licence": found.licence,
        "url": found.url,
        "retrieved_from": found.retrieved_from,
        "retrieved_at": found.retrieved_at,
        "chars": len(found.reading.text),
        "references": len(found.reading.references),
        "problems": list(found.problems),
        "output": str(output) if output else None,
    }
    lines = [f"{name:<15} {value}" for name, value in facts.items() if value not in (None, [])]
    if output is None:
        lines.append(f"Nothing has been changed. Put it into the corpus with: citewell add {target}")
    say("\n".join(lines), {**facts, "attempts": [asdict(each) for each in found.attempts]}, as_json=as_json)


def _build_or_say_so(build: Command | None, corpus: Path | None, *, as_json: bool) -> None:
    if build is None:
        stderr().print("Run `citewell build` to have it in the index.", highlight=False)
    elif as_json:
        # One JSON object is promised, and it has been printed.
        with redirect_stdout(sys.stderr):
            build(corpus=corpus)
    else:
        build(corpus=corpus)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tell(attempts: "Iterable[Attempt]") -> None:
    for attempt in attempts:
        mark = "ok" if attempt.succeeded else "no"
        stderr().print(
            f"{mark}  {attempt.what}: {attempt.outcome}", markup=False, highlight=False, soft_wrap=True
        )
