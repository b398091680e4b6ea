"""Adding documents to a corpus and removing them, its files and `corpus.toml` kept in step.

Files are on the disk before the manifest names them, and leave their place after it has ceased to: whenever the
power fails, what the manifest says is there. One editor at a time; the others wait. Files go into `added/`, which
a build reads only as far as the manifest lists it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from ingest.bibliography import number_references
from ingest.corpus import ADDED_FOLDER, list_entries, load_corpus, reference_lists, unused_slug
from ingest.durable_files import exclusive, store_bytes
from ingest.errors import CorpusError, ManifestError
from ingest.identifiers import normalize_doi
from ingest.manifest import MANIFEST_NAME, DocumentEntry, Manifest, ReferenceEntry, read_manifest
from ingest.manifest_text import (
    new_manifest,
    with_document,
    with_reference,
    with_reference_problems,
    without_document,
)
from ingest.readers.reading import Reading
from ingest.readers.registry import read_document, suffix_of
from ingest.records import DocumentKind, Fidelity, Reference
from ingest.reference_identity import identity_of
from ingest.removals import Removal, pending_removals, read_removals, write_removal
from ingest.work_checking import Verdict, check_reading

__all__ = ["Added", "NewDocument", "Removed", "add_document", "find_reference", "remove_document"]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be added.

    Args:
        data: The whole file.
        name: What it is called; only its ending counts, and its stem where the document has no title.
        doc_id: The identifier it should have; by default made from its title.
        reference_number: Of the reference whose text it is; None for an article.
        unchecked: Whether to add the text of a reference although its title or author is another.
        replaces: `doc_id` of the document whose place it takes.
    """

    data: bytes
    name: str = ""
    doc_id: str | None = None
    kind: DocumentKind = "article"
    reference_number: int | None = None
    fidelity: Fidelity = "full_text"
    title: str | None = None
    url: str | None = None
    doi: str | None = None
    licence: str | None = None
    retrieved_at: str | None = None
    retrieved_from: str | None = None
    problems: tuple[str, ...] = ()
    unchecked: bool = False
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding a document.

    Args:
        entry: As it stands in the manifest now; of the document that was there already if not `is_new`.
        warnings: What an editor should look at.
    """

    entry: DocumentEntry
    is_new: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """What came of removing a document; `kept_at` is where its file is now, relative to the corpus."""

    entry: DocumentEntry
    kept_at: str


def add_document(corpus: Path, new: NewDocument, *, now: str) -> Added:
    """Add a document, or recognise that it is there already.

    Args:
        corpus: The corpus folder; it gets a manifest if it has none.
        new: The document and what is known of it.
        now: ISO 8601 time, UTC.

    Raises:
        UnreadableDocumentError: If no reader can read it. As with every other error, nothing has changed.
        ManifestError: If the manifest cannot be used, or has no room for it.
        CorpusError: If it contradicts what the corpus holds, or the disk refuses.
    """
    reading = read_document(new.data, name=new.name)
    with _editing(corpus):
        present = _same_content(corpus, new.data)
        if present is not None:
            return _already(present, new)
        replaced = _entry_of(corpus, new.replaces) if new.replaces is not None else None
        if replaced is not None:
            new = replace(
                new, doc_id=replaced.doc_id, kind=replaced.kind, reference_number=replaced.reference_number
            )
        _refuse_same_work(corpus, new)
        warnings = _check_reference(corpus, new, reading)
        entry = _new_entry(corpus, new, reading, may_take=replaced.doc_id if replaced else None)
        _commit(corpus, entry, new, replaced=replaced, now=now)
    return Added(entry, is_new=True, warnings=(*warnings, *entry.problems, *reading.warnings))


def remove_document(corpus: Path, doc_id: str, *, now: str) -> Removed:
    """Take a document out of the corpus; its file is kept, and so are all reference numbers.

    Args:
        corpus: The corpus folder.
        doc_id: Of the document.
        now: ISO 8601 time, UTC.

    Raises:
        ManifestError: If the manifest cannot be used.
        CorpusError: If there is no such document, or the disk refuses.
    """
    with _editing(corpus):
        entry = _entry_of(corpus, doc_id)
        removal = write_removal(corpus, entry, sha256=_sha256((corpus / entry.path).read_bytes()), now=now)
        if _is_listed(read_manifest(corpus), entry):
            _store_manifest(corpus, without_document(_manifest_text(corpus), doc_id))
        removal.finish(corpus)
    return Removed(entry, removal.kept_at.relative_to(corpus).as_posix())


def find_reference(corpus: Path, number: int) -> Reference:
    """Return the reference that has a number in the corpus's bibliography.

    Raises:
        CorpusError: If there is none; the message says which there are.
    """
    manifest = read_manifest(corpus)
    pinned = next((entry for entry in manifest.references if entry.number == number), None)
    if pinned is not None:
        return pinned.as_reference()
    numbers = {entry.number for entry in manifest.references}
    if list_entries(corpus):
        loaded = load_corpus(corpus)
        listed = number_references(loaded.pinned, reference_lists(loaded), loaded.ledger).entries
        found = next((reference for reference in listed if reference.number == number), None)
        if found is not None:
            return found
        numbers |= {reference.number for reference in listed}
    raise CorpusError(
        f"The bibliography has no reference {number}; it has {_ranges(sorted(numbers)) or 'none'}. Add the article "
        f"that lists it first, or describe it under [[references]] in {MANIFEST_NAME}."
    )


@contextmanager
def _editing(corpus: Path) -> Iterator[None]:
    """Hold the corpus, with what an interrupted edit left behind put right."""
    if not corpus.is_dir():
        raise ManifestError(
            f"The corpus folder {corpus} does not exist. Create it, or set CITEWELL_CORPUS_DIR."
        )
    try:
        with exclusive(corpus):
            _finish_interrupted(corpus)
            yield
    except OSError as error:
        raise CorpusError(
            f"The corpus in {corpus} cannot be changed: {error}. Make it writable and free some space, then try again."
        ) from error


def _finish_interrupted(corpus: Path) -> None:
    """Finish removals that the manifest has taken part in, and forget those that it has not."""
    pending = pending_removals(corpus)
    listed = read_manifest(corpus).documents if pending else ()
    for removal in pending:
        if removal.counts(listed):
            removal.finish(corpus)
        else:
            removal.forget()


def _is_listed(manifest: Manifest, entry: DocumentEntry) -> bool:
    return any((one.doc_id, one.path) == (entry.doc_id, entry.path) for one in manifest.documents)


def _entry_of(corpus: Path, doc_id: str) -> DocumentEntry:
    entries = {entry.doc_id: entry for entry in list_entries(corpus)}
    if doc_id not in entries:
        near = get_close_matches(doc_id, entries, n=3) or sorted(entries)[:10]
        raise CorpusError(
            f"The corpus has no document {doc_id!r}. It has {', '.join(near) or 'none'}"
            f"{' and others' if len(entries) > len(near) else ''}."
        )
    return entries[doc_id]


# --- adding ------------------------------------------------------------------------------------------


def _same_content(corpus: Path, data: bytes) -> DocumentEntry | None:
    for entry in list_entries(corpus):
        path = corpus / entry.path
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return entry
    return None


def _already(present: DocumentEntry, new: NewDocument) -> Added:
    if (present.kind, present.reference_number) != (new.kind, new.reference_number) and not new.replaces:
        place = (
            f"the text of reference {present.reference_number}" if present.reference_number else "an article"
        )
        raise CorpusError(
            f"The very same file is in the corpus already, as {present.doc_id}, {place}. "
            f"Remove that first (`citewell remove {present.doc_id}`) if it should be something else."
        )
    return Added(present, is_new=False)


def _refuse_same_work(corpus: Path, new: NewDocument) -> None:
    """Refuse another version of a document that came from the same address or has the same DOI."""
    for entry in list_entries(corpus):
        doi = entry.doi or (normalize_doi(entry.url) if entry.url else None)
        same = (new.doi and doi == new.doi) or (new.url and new.url == entry.url)
        if same and entry.doc_id != new.replaces:
            since = f", retrieved {entry.retrieved_at}" if entry.retrieved_at else ""
            raise CorpusError(
                f"The corpus has this work already, as {entry.doc_id}{since}. Give --replace {entry.doc_id} to put "
                "this version in its place."
            )


def _check_reference(corpus: Path, new: NewDocument, reading: Reading) -> tuple[str, ...]:
    """Refuse the text of another work than the reference's; return what could not be confirmed."""
    number = new.reference_number
    if (new.kind == "source") != (number is not None):
        raise CorpusError(
            "A source needs the number of its reference and an article has none. Give both --kind source and "
            "--reference N, or neither."
        )
    if number is None:
        return ()
    others = [one.doc_id for one in list_entries(corpus) if one.reference_number == number]
    if [one for one in others if one != new.replaces]:
        raise CorpusError(
            f"Reference {number} has its text already: {', '.join(others)}. Give --replace {others[0]} to put this in "
            "its place."
        )
    expected = identity_of(find_reference(corpus, number))
    check = check_reading(replace(reading, title=new.title or reading.title), expected, url=new.url)
    if check.verdict is Verdict.AGREES or new.unchecked:
        return ()
    if check.verdict is Verdict.UNCONFIRMED:
        return (f"That this is the text of reference {number} could not be confirmed: {check.reason}.",)
    raise CorpusError(
        f"This is not the text of reference {number}: {check.reason}. Check the number; if it is right, give "
        "--unchecked."
    )


def _new_entry(corpus: Path, new: NewDocument, reading: Reading, *, may_take: str | None) -> DocumentEntry:
    digest = _sha256(new.data)
    doc_id = new.doc_id or _doc_id(corpus, new, reading, digest)
    if doc_id != may_take and doc_id in {entry.doc_id for entry in list_entries(corpus)}:
        raise CorpusError(
            f"The corpus has another document {doc_id!r} already. Choose another --doc-id, or give "
            f"--replace {doc_id} to put this in its place."
        )
    # Neither the folder nor the name comes from whoever supplied the file.
    path = PurePosixPath(ADDED_FOLDER) / f"{doc_id}-{digest[:8]}{suffix_of(new.data, name=new.name)}"
    try:
        return DocumentEntry(
            doc_id=doc_id,
            path=path.as_posix(),
            kind=new.kind,
            fidelity=new.fidelity,
            reference_number=new.reference_number,
            title=new.title,
            url=new.url,
            doi=new.doi,
            licence=new.licence,
            retrieved_at=new.retrieved_at,
            retrieved_from=new.retrieved_from if new.retrieved_from != new.url else None,
            problems=new.problems,
        )
    except ValidationError as error:
        raise CorpusError(
            f"{doc_id!r} cannot be a document's identifier. Use up to 80 lower-case letters, digits and hyphens."
        ) from error


def _doc_id(corpus: Path, new: NewDocument, reading: Reading, digest: str) -> str:
    """Make an identifier; a document that comes back gets its old one, and nobody else does."""
    removals = read_removals(corpus)
    taken = {entry.doc_id for entry in list_entries(corpus)}
    for removal in removals:
        if removal.sha256 == digest and removal.entry.doc_id not in taken:
            return removal.entry.doc_id
    name = new.title or reading.title or PurePosixPath(new.name).stem
    return unused_slug(name, taken | {removal.entry.doc_id for removal in removals})


def _commit(
    corpus: Path, entry: DocumentEntry, new: NewDocument, *, replaced: DocumentEntry | None, now: str
) -> None:
    text = _manifest_text(corpus)
    if replaced is not None and _is_listed(read_manifest(corpus), replaced):
        text = without_document(text, replaced.doc_id)
    if entry.reference_number is not None:
        text = _with_pinned(corpus, text, entry)
    text = with_document(text, entry)
    store_bytes(corpus / entry.path, new.data)
    removal: Removal | None = None
    if replaced is not None:
        old = _sha256((corpus / replaced.path).read_bytes())
        removal = write_removal(corpus, replaced, sha256=old, now=now, replaced_by=entry.path)
    _store_manifest(corpus, text)
    if removal is not None:
        removal.finish(corpus)


def _with_pinned(corpus: Path, text: str, entry: DocumentEntry) -> str:
    """Fix the number of the reference, so that its text keeps its place when no article lists it any more."""
    number = entry.reference_number
    if number is None:
        return text
    if all(one.number != number for one in read_manifest(corpus).references):
        text = with_reference(text, _as_entry(find_reference(corpus, number)))
    return with_reference_problems(text, number, entry.problems)


def _as_entry(reference: Reference) -> ReferenceEntry:
    names = set(ReferenceEntry.model_fields) - {"printed", "print_year", "type"}
    return ReferenceEntry(printed=reference.text, **{name: getattr(reference, name) for name in names})


def _manifest_text(corpus: Path) -> str:
    path = corpus / MANIFEST_NAME
    if not path.exists():
        return new_manifest(corpus.resolve().name)
    return path.read_bytes().decode("utf-8")


def _store_manifest(corpus: Path, text: str) -> None:
    store_bytes(corpus / MANIFEST_NAME, text.encode("utf-8"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers as `1–5, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
