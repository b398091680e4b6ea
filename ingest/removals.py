"""What was taken out of a corpus: each document with its entry, in a folder of its own under `.removed/`.

The record is written before anything else changes and the file is moved last. A record whose file has not arrived
is a removal that was interrupted: until it is finished, nobody must take the file for one that an editor put there.
Where another document takes its place, the removal counts from the moment that the manifest lists that one.
"""

import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from ingest.durable_files import move_file, store_bytes
from ingest.manifest import DocumentEntry

__all__ = ["REMOVED_FOLDER", "Removal", "pending_removals", "read_removals", "write_removal"]

REMOVED_FOLDER = ".removed"
_ENTRY_NAME = "entry.toml"


@dataclass(frozen=True, slots=True)
class Removal:
    """One removed document.

    Args:
        folder: Where its record is.
        entry: As the manifest had it, or as it was made up for a file that the manifest did not list.
        sha256: Of the file's bytes.
        replaced_by: Path of the document that takes its place, None if none does.
    """

    folder: Path
    entry: DocumentEntry
    sha256: str
    replaced_by: str | None = None

    @property
    def kept_at(self) -> Path:
        """Where the file is, or will be."""
        return self.folder / Path(self.entry.path).name

    @property
    def is_pending(self) -> bool:
        """Whether the file has not arrived yet."""
        return not self.kept_at.exists()

    def counts(self, listed: Collection[DocumentEntry]) -> bool:
        """Return whether the document is out of the corpus by what the manifest lists; its file may not be."""
        if any((one.doc_id, one.path) == (self.entry.doc_id, self.entry.path) for one in listed):
            return False
        return self.replaced_by is None or any(one.path == self.replaced_by for one in listed)

    def finish(self, corpus: Path) -> None:
        """Move the file out of the corpus."""
        source = corpus / self.entry.path
        if self.is_pending and source.is_file():
            move_file(source, self.kept_at)

    def forget(self) -> None:
        """Delete the record of a removal that did not happen."""
        if not self.is_pending:
            raise AssertionError(f"{self.folder} holds a removed document")
        shutil.rmtree(self.folder)


def write_removal(
    corpus: Path, entry: DocumentEntry, *, sha256: str, now: str, replaced_by: str | None = None
) -> Removal:
    """Record that a document is about to be removed.

    Args:
        corpus: The corpus folder.
        entry: Of the document.
        sha256: Of its file's bytes.
        now: ISO 8601 time, UTC.
        replaced_by: Path of the document that is about to take its place in the manifest.

    Raises:
        OSError: If the disk refuses.
    """
    stamp = re.sub(r"[^0-9TZ]", "", now)
    wanted = corpus / REMOVED_FOLDER / f"{stamp}-{entry.doc_id}"
    folder = next(one for one in _numbered(wanted) if not one.exists())
    fields = entry.model_dump(mode="json", exclude_defaults=True)
    successor = {} if replaced_by is None else {"replaced_by": replaced_by}
    text = tomlkit.dumps({"removed_at": now, "sha256": sha256, **successor, "document": fields})
    store_bytes(folder / _ENTRY_NAME, text.encode())
    return Removal(folder, entry, sha256, replaced_by)


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    for number in range(2, 1_000_000):
        yield path.with_name(f"{path.name}-{number}")


def read_removals(corpus: Path) -> list[Removal]:
    """Return all removals, oldest first; folders that hold no readable record are passed over."""
    paths = sorted((corpus / REMOVED_FOLDER).glob(f"*/{_ENTRY_NAME}"))
    return [removal for removal in map(_read, paths) if removal is not None]


def pending_removals(corpus: Path) -> list[Removal]:
    """Return the removals that were interrupted."""
    return [removal for removal in read_removals(corpus) if removal.is_pending]


def _read(path: Path) -> Removal | None:
    try:
        content = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
        return Removal(
            path.parent,
            DocumentEntry.model_validate(content["document"]),
            str(content["sha256"]),
            content.get("replaced_by"),
        )
    except (OSError, UnicodeDecodeError, TOMLKitError, ValidationError, KeyError):
        return None
