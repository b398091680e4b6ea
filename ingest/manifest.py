"""What `corpus.toml` says: its documents, and the references whose numbers and data it fixes."""

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import ManifestError
from ingest.records import DocumentKind, Fidelity, Reference
from ingest.reference_entry import parse_reference

__all__ = ["MANIFEST_NAME", "DocumentEntry", "Manifest", "ReferenceEntry", "parse_manifest", "read_manifest"]

MANIFEST_NAME = "corpus.toml"


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
    doi: str | None = None
    licence: str | None = None
    publisher: str | None = None
    published: str | None = None
    last_updated: str | None = None
    retrieved_at: str | None = Field(default=None, description="ISO 8601 date, UTC.")
    retrieved_from: str | None = Field(
        default=None, description="Where the bytes came from, if not from url."
    )
    read: str | None = Field(default=None, description="How much of the original a digest was made from.")
    problems: tuple[str, ...] = Field(default=(), description="Retractions and what else to know of it.")


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


def read_manifest(folder: Path) -> Manifest:
    """Return a corpus's manifest; an empty one with the folder's name where there is none.

    Raises:
        ManifestError: If the folder is not there, or the manifest is malformed, contradicts itself or names a
            file that is not there.
    """
    if not folder.is_dir():
        raise ManifestError(
            f"The corpus folder {folder} does not exist. Create it, or set CITEWELL_CORPUS_DIR."
        )
    path = folder / MANIFEST_NAME
    if not path.exists():
        return Manifest(title=folder.resolve().name)
    manifest = parse_manifest(path.read_bytes(), name=str(path))
    _check_files(manifest, folder)
    return manifest


def parse_manifest(data: bytes, *, name: str) -> Manifest:
    """Return what a manifest says, `name` being what messages call it.

    Raises:
        ManifestError: If it is malformed or contradicts itself.
    """
    try:
        manifest = Manifest.model_validate(tomllib.loads(data.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{name} is not valid TOML: {error}. Correct it there.") from error
    except ValidationError as error:
        raise ManifestError(f"{name} cannot be used: {_describe(error)}. Correct it there.") from error
    _refuse_repeats([entry.doc_id for entry in manifest.documents], what="doc_id")
    _refuse_repeats([os.path.normpath(entry.path) for entry in manifest.documents], what="path")
    _refuse_repeats([str(entry.number) for entry in manifest.references], what="reference number")
    for entry in manifest.documents:
        if (entry.kind == "source") != (entry.reference_number is not None):
            raise ManifestError(
                f"{entry.doc_id}: a source needs a reference_number and an article must have none; this is "
                f"a {entry.kind} with reference_number {entry.reference_number}."
            )
    return manifest


def _describe(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
    )


def _check_files(manifest: Manifest, folder: Path) -> None:
    root = folder.resolve()
    for entry in manifest.documents:
        path = (folder / entry.path).resolve()
        if not path.is_relative_to(root):
            raise ManifestError(f"{entry.doc_id}: {entry.path} is outside {folder}. Move the file into it.")
        if not path.is_file():
            raise ManifestError(
                f"{entry.doc_id}: there is no file {entry.path} in {folder}. Add it or its entry's path."
            )


def _refuse_repeats(values: list[str], *, what: str) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ManifestError(
            f"The {what} {', '.join(repeated)} occurs more than once in {MANIFEST_NAME}. Keep one."
        )
