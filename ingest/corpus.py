"""Reading a corpus: its manifest, the files it names, and the files an editor simply put beside them."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.bibliography import DocumentReferences, Ledger
from ingest.errors import BibliographyError, CorpusError, ManifestError, UnreadableDocumentError
from ingest.manifest import MANIFEST_NAME, DocumentEntry, read_manifest
from ingest.readers.reading import Reading
from ingest.readers.registry import SUPPORTED_SUFFIXES, read_document
from ingest.records import Document, Reference
from ingest.removals import pending_removals

__all__ = [
    "ADDED_FOLDER",
    "LEDGER_NAME",
    "MANIFEST_NAME",
    "Corpus",
    "Quarantined",
    "list_entries",
    "load_corpus",
    "read_ledger",
    "reference_lists",
    "unused_slug",
]


class Reader(Protocol):
    """Reads a file as `read_document` does."""

    def __call__(self, data: bytes, *, name: str) -> Reading:
        """Return what is in the file, or raise UnreadableDocumentError."""


LEDGER_NAME = "bibliography.json"
_NOT_DOCUMENTS = frozenset({"readme", "license", "licence", "changelog", "notice"})
#: Where documents are put by command; a file there that the manifest does not list has not been added.
ADDED_FOLDER = "added"
_RESERVED_FOLDERS = frozenset({"questions", ADDED_FOLDER})


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that could not be read, with what an editor can do about it."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that a build starts from.

    Args:
        documents: Those that the manifest lists, in its order, then the others by path.
        pinned: The bibliography as far as the manifest fixes it.
        ledger: Every reference number ever given.
        quarantined: Files that could not be read; the others are not held up by them.
        warnings: What an editor should look at, each beginning with the file it is about.
    """

    title: str
    documents: tuple[Document, ...]
    pinned: tuple[Reference, ...]
    ledger: Ledger
    quarantined: tuple[Quarantined, ...] = ()
    warnings: tuple[str, ...] = ()


def load_corpus(folder: Path, *, read: Reader = read_document) -> Corpus:
    """Read a folder of documents, with or without a manifest.

    Files of a supported format that the manifest does not list are articles too: their `doc_id` is
    made from the file name. Files in `questions/` and `added/` and files named README or LICENSE are none. A symbolic
    link that the manifest does not list is not followed, and quarantined.

    Raises:
        ManifestError: If there is nothing to read, or the manifest is malformed or contradicts itself.
        BibliographyError: If the record of reference numbers is damaged.
        CorpusError: If the disk fails.
    """
    manifest = read_manifest(folder)
    entries = [*manifest.documents, *_discover(folder, manifest.documents)]
    if not entries:
        raise ManifestError(
            f"{folder} holds no documents. Put files into it ({', '.join(SUPPORTED_SUFFIXES)}), "
            f"or list them in {MANIFEST_NAME}."
        )
    documents: list[Document] = []
    quarantined = _links(folder, manifest.documents)
    warnings = [*_leftovers(folder, entries)]
    for entry in entries:
        try:
            reading = _read_entry(folder, entry, read)
        except UnreadableDocumentError as error:
            quarantined.append(Quarantined(entry.path, str(error)))
            continue
        documents.append(_document(entry, reading))
        warnings.extend(f"{entry.path}: {warning}" for warning in (*entry.problems, *reading.warnings))
    return Corpus(
        title=manifest.title,
        documents=tuple(documents),
        pinned=tuple(entry.as_reference() for entry in manifest.references),
        ledger=read_ledger(folder),
        quarantined=tuple(quarantined),
        warnings=tuple(warnings),
    )


def list_entries(folder: Path) -> list[DocumentEntry]:
    """Return what `load_corpus` would read, without reading it.

    Raises:
        ManifestError: If the manifest is malformed or contradicts itself.
    """
    listed = read_manifest(folder).documents
    return [*listed, *_discover(folder, listed)]


def reference_lists(corpus: Corpus) -> list[DocumentReferences]:
    """Return the lists that make the bibliography: a source's own list stays in its own namespace."""
    return [
        DocumentReferences(document.doc_id, document.references)
        for document in corpus.documents
        if document.kind == "article"
    ]


def _leftovers(folder: Path, entries: list[DocumentEntry]) -> list[str]:
    known = {(folder / entry.path).resolve() for entry in entries}
    return [
        f"{path.relative_to(folder).as_posix()}: no entry of {MANIFEST_NAME} names this file, so it is left out; "
        "an interrupted command left it. Add it again, or delete it."
        for path in sorted((folder / ADDED_FOLDER).glob("[!.]*"))
        if path.is_file() and path.resolve() not in known
    ]


def _read_entry(folder: Path, entry: DocumentEntry, read: Reader) -> Reading:
    try:
        data = (folder / entry.path).read_bytes()
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        # Without the error's own path: a snapshot must not depend on where its corpus lies.
        raise UnreadableDocumentError(
            f"{entry.path} cannot be opened: {error.strerror}. Put that right, then build again."
        ) from error
    except OSError as error:
        # The disk fails now and may not in a minute: leaving the document out would take it from its readers.
        raise CorpusError(
            f"{folder / entry.path} cannot be read: {error.strerror}. Mend the disk, then build again."
        ) from error
    return read(data, name=entry.path)


def read_ledger(folder: Path) -> Ledger:
    """Return the record of all reference numbers ever given in this corpus, empty for a new one.

    Raises:
        BibliographyError: If it is damaged.
    """
    path = folder / LEDGER_NAME
    if not path.exists():
        return Ledger()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BibliographyError(
            f"{path} is damaged: {error}. Restore it from a copy: without it, numbers that were given before could "
            "be given to something else."
        ) from error
    return Ledger.from_json(text)


def _discover(folder: Path, listed: tuple[DocumentEntry, ...]) -> list[DocumentEntry]:
    """Return entries for the documents in a folder that the manifest does not list, by path."""
    known_paths = {(folder / entry.path).resolve() for entry in listed}
    known_paths |= {
        (folder / removal.entry.path).resolve()
        for removal in pending_removals(folder)
        if removal.counts(listed)
    }
    taken = {entry.doc_id for entry in listed}
    found: list[DocumentEntry] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.resolve() in known_paths or not _may_be_document(path, relative):
            continue
        doc_id = unused_slug(relative.stem, taken)
        taken.add(doc_id)
        found.append(DocumentEntry(doc_id=doc_id, path=relative.as_posix()))
    return found


def _links(folder: Path, listed: tuple[DocumentEntry, ...]) -> list[Quarantined]:
    """Return the symbolic links that stand where a document or a folder of documents may, by path."""
    known = {folder / entry.path for entry in listed}
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_symlink() or path in known or not _is_searched(relative):
            continue
        if path.is_dir() or _is_named_as_document(relative):
            reason = (
                f"{relative.as_posix()} is a symbolic link, which is not followed: it may lead out of the corpus. "
                f"Put what it leads to in its place; a link within the corpus may be listed in {MANIFEST_NAME}."
            )
            found.append(Quarantined(relative.as_posix(), reason))
    return found


def _may_be_document(path: Path, relative: Path) -> bool:
    return (
        _is_searched(relative)
        and _is_named_as_document(relative)
        and path.is_file()
        and not path.is_symlink()
    )


def _is_searched(relative: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    return not hidden and relative.parts[0] not in _RESERVED_FOLDERS


def _is_named_as_document(relative: Path) -> bool:
    return relative.suffix.lower() in SUPPORTED_SUFFIXES and relative.stem.lower() not in _NOT_DOCUMENTS


def unused_slug(name: str, taken: set[str]) -> str:
    """Return an identifier made from a name that is not taken, numbered where it would be."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:70].strip("-") or "document"
    candidates = (slug if at == 1 else f"{slug}-{at}" for at in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def _document(entry: DocumentEntry, reading: Reading) -> Document:
    return Document(
        doc_id=entry.doc_id,
        title=entry.title or reading.title or entry.doc_id,
        kind=entry.kind,
        fidelity=entry.fidelity,
        text=reading.text,
        blocks=reading.blocks,
        references=reading.references,
        citations=reading.citations,
        reference_number=entry.reference_number,
        url=entry.url or reading.metadata.get("url"),
        licence=entry.licence or reading.metadata.get("licence"),
        retrieved_at=entry.retrieved_at,
        omitted=reading.omitted,
    )
