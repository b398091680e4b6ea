"""Reading a corpus: its manifest, the files it names, and the files an editor simply put beside them."""

import os
import re
import tomllib
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.bibliography import Ledger
from ingest.errors import BibliographyError, ManifestError, UnreadableDocumentError
from ingest.readers.reading import Reading
from ingest.readers.registry import SUPPORTED_SUFFIXES, read_document
from ingest.records import Document, DocumentKind, Fidelity, Reference
from ingest.reference_entry import parse_reference

MANIFEST_NAME = "corpus.toml"
LEDGER_NAME = "bibliography.json"
_NOT_DOCUMENTS = frozenset({"readme", "license", "licence", "changelog", "notice"})
_RESERVED_FOLDERS = frozenset({"questions"})


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DocumentEntry(_Entry):
    """One document as the manifest describes it; what is set here wins over what the file says."""

    doc_id: str = Field(pattern=r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$", max_length=80)
    path: str
    kind: DocumentKind = "article"
    fidelity: Fidelity = "full_text"
    reference_number: int | None = Field(default=None, ge=1)
    title: str | None = None
    url: str | None = None
    licence: str | None = None
    publisher: str | None = None
    published: str | None = None
    last_updated: str | None = None
    retrieved_at: str | None = None
    read: str | None = Field(default=None, description="How much of the original a digest was made from.")


class ReferenceEntry(_Entry):
    """One entry of the bibliography under its fixed number."""

    number: int = Field(ge=1)
    printed: str = Field(description="The entry as the article prints it.")
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    print_year: int | None = None
    container: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    url: str | None = None
    type: str | None = None
    problems: tuple[str, ...] = ()

    def as_reference(self) -> Reference:
        """Return the entry as a `Reference`; what is not set here is read from the printed entry."""
        given = self.model_dump(exclude={"printed", "print_year", "type"}, exclude_defaults=True)
        return replace(parse_reference(self.printed, self.number), text=self.printed, **given)


class Manifest(_Entry):
    """What `corpus.toml` says."""

    format: Literal[1] = 1
    title: str = "Untitled corpus"
    documents: tuple[DocumentEntry, ...] = ()
    references: tuple[ReferenceEntry, ...] = ()


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


def load_corpus(folder: Path) -> Corpus:
    """Read a folder of documents, with or without a manifest.

    Files of a supported format that the manifest does not list are articles too: their `doc_id` is
    made from the file name. Files in `questions/` and files named README or LICENSE are none.

    Raises:
        ManifestError: If there is nothing to read, or the manifest is malformed or contradicts itself.
        BibliographyError: If the record of reference numbers is damaged.
    """
    manifest = _read_manifest(folder)
    entries = [*manifest.documents, *_discover(folder, manifest.documents)]
    if not entries:
        raise ManifestError(
            f"{folder} holds no documents. Put files into it ({', '.join(SUPPORTED_SUFFIXES)}), "
            f"or list them in {MANIFEST_NAME}."
        )
    documents: list[Document] = []
    quarantined: list[Quarantined] = []
    warnings: list[str] = []
    for entry in entries:
        try:
            reading = _read_entry(folder, entry)
        except UnreadableDocumentError as error:
            quarantined.append(Quarantined(entry.path, str(error)))
            continue
        documents.append(_document(entry, reading))
        warnings.extend(f"{entry.path}: {warning}" for warning in reading.warnings)
    return Corpus(
        title=manifest.title,
        documents=tuple(documents),
        pinned=tuple(entry.as_reference() for entry in manifest.references),
        ledger=read_ledger(folder),
        quarantined=tuple(quarantined),
        warnings=tuple(warnings),
    )


def _read_entry(folder: Path, entry: DocumentEntry) -> Reading:
    try:
        data = (folder / entry.path).read_bytes()
    except OSError as error:
        # Without the error's own path: a snapshot must not depend on where its corpus lies.
        raise UnreadableDocumentError(
            f"{entry.path} cannot be opened: {error.strerror}. Put that right, then build again."
        ) from error
    return read_document(data, name=entry.path)


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


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    if not folder.is_dir():
        raise ManifestError(
            f"The corpus folder {folder} does not exist. Create it, or set CITEWELL_CORPUS_DIR."
        )
    if not path.exists():
        return Manifest(title=folder.resolve().name)
    try:
        manifest = Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} is not valid TOML: {error}. Correct it there.") from error
    except ValidationError as error:
        raise ManifestError(f"{path} cannot be used: {_describe(error)}. Correct it there.") from error
    _check_manifest(manifest, folder)
    return manifest


def _describe(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
    )


def _check_manifest(manifest: Manifest, folder: Path) -> None:
    """Refuse a manifest that contradicts itself or names what is not there."""
    _refuse_repeats([entry.doc_id for entry in manifest.documents], what="doc_id")
    _refuse_repeats([os.path.normpath(entry.path) for entry in manifest.documents], what="path")
    _refuse_repeats([str(entry.number) for entry in manifest.references], what="reference number")
    root = folder.resolve()
    for entry in manifest.documents:
        path = (folder / entry.path).resolve()
        if not path.is_relative_to(root):
            raise ManifestError(f"{entry.doc_id}: {entry.path} is outside {folder}. Move the file into it.")
        if not path.is_file():
            raise ManifestError(
                f"{entry.doc_id}: there is no file {entry.path} in {folder}. Add it or its entry's path."
            )
        if (entry.kind == "source") != (entry.reference_number is not None):
            raise ManifestError(
                f"{entry.doc_id}: a source needs a reference_number and an article must have none; this is "
                f"a {entry.kind} with reference_number {entry.reference_number}."
            )


def _refuse_repeats(values: list[str], *, what: str) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ManifestError(
            f"The {what} {', '.join(repeated)} occurs more than once in {MANIFEST_NAME}. Keep one."
        )


def _discover(folder: Path, listed: tuple[DocumentEntry, ...]) -> list[DocumentEntry]:
    """Return entries for the documents in a folder that the manifest does not list, by path."""
    known_paths = {(folder / entry.path).resolve() for entry in listed}
    taken = {entry.doc_id for entry in listed}
    found: list[DocumentEntry] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.resolve() in known_paths or not _may_be_document(path, relative):
            continue
        doc_id = _unused_slug(relative.stem, taken)
        taken.add(doc_id)
        found.append(DocumentEntry(doc_id=doc_id, path=relative.as_posix()))
    return found


def _may_be_document(path: Path, relative: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    return (
        not hidden
        and path.suffix.lower() in SUPPORTED_SUFFIXES
        and path.is_file()
        and not path.is_symlink()
        and relative.parts[0] not in _RESERVED_FOLDERS
        and relative.stem.lower() not in _NOT_DOCUMENTS
    )


def _unused_slug(name: str, taken: set[str]) -> str:
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
