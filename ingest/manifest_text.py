"""Changing the text of a manifest by one entry, all else as an editor wrote it: comments, order, spacing."""

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, Comment, Table

from ingest.errors import ManifestError
from ingest.manifest import MANIFEST_NAME, DocumentEntry, Manifest, ReferenceEntry, parse_manifest

__all__ = ["new_manifest", "with_document", "with_reference", "with_reference_problems", "without_document"]


def new_manifest(title: str) -> str:
    """Return the text of a manifest without entries."""
    document = tomlkit.document()
    document.add(tomlkit.comment("The documents of this corpus. Paths are relative to this file."))
    document["format"] = 1
    document["title"] = title
    return tomlkit.dumps(document)


def with_document(text: str, entry: DocumentEntry) -> str:
    """Return a manifest with one more document.

    Raises:
        ManifestError: If it would contradict itself.
    """
    before = _parsed(text)
    after = before.model_copy(update={"documents": (*before.documents, entry)})
    return _checked(_appended(text, "documents", entry), after)


def without_document(text: str, doc_id: str) -> str:
    """Return a manifest without one of its documents.

    Raises:
        ManifestError: If it has no such document.
    """
    before = _parsed(text)
    kept = tuple(entry for entry in before.documents if entry.doc_id != doc_id)
    if len(kept) == len(before.documents):
        raise ManifestError(f"{MANIFEST_NAME} has no document {doc_id!r}.")
    document = tomlkit.parse(text)
    entries = document["documents"]
    at = next(at for at, entry in enumerate(before.documents) if entry.doc_id == doc_id)
    if isinstance(entries, AoT):
        _remove_table(document, entries, at)
    elif isinstance(entries, Array):
        del entries[at]
    return _checked(tomlkit.dumps(document), before.model_copy(update={"documents": kept}))


def with_reference(text: str, entry: ReferenceEntry) -> str:
    """Return a manifest that fixes one more number of the bibliography.

    Raises:
        ManifestError: If it would contradict itself.
    """
    before = _parsed(text)
    after = before.model_copy(update={"references": (*before.references, entry)})
    return _checked(_appended(text, "references", entry), after)


def with_reference_problems(text: str, number: int, problems: tuple[str, ...]) -> str:
    """Return a manifest with problems added to those of a reference, each once.

    Raises:
        ManifestError: If the manifest does not fix this number.
    """
    before = _parsed(text)
    at = next((at for at, entry in enumerate(before.references) if entry.number == number), None)
    if at is None:
        raise ManifestError(f"{MANIFEST_NAME} has no reference {number}.")
    entry = before.references[at]
    added = [problem for problem in problems if problem not in entry.problems]
    if not added:
        return text
    changed = entry.model_copy(update={"problems": (*entry.problems, *added)})
    document = tomlkit.parse(text)
    table: Any = document["references"]
    table[at]["problems"] = list(changed.problems)
    references = (*before.references[:at], changed, *before.references[at + 1 :])
    return _checked(tomlkit.dumps(document), before.model_copy(update={"references": references}))


def _parsed(text: str) -> Manifest:
    return parse_manifest(text.encode(), name=MANIFEST_NAME)


def _checked(text: str, expected: Manifest) -> str:
    """Return the text if it says exactly what it should; a manifest is never written on trust."""
    if _parsed(text) != expected:
        raise ManifestError(
            f"{MANIFEST_NAME} is laid out in a way that cannot be changed safely. Write its documents and "
            "references as [[documents]] and [[references]], each kind together, and try again."
        )
    return text


def _appended(text: str, name: str, entry: DocumentEntry | ReferenceEntry) -> str:
    document = tomlkit.parse(text)
    fields = entry.model_dump(mode="json", exclude_defaults=True)
    existing = document.get(name)
    if isinstance(existing, Array):
        existing.append(_inline(fields))
    else:
        _append_table(document, name, fields)
    return tomlkit.dumps(document)


def _inline(fields: Mapping[str, Any]) -> tomlkit.items.InlineTable:
    table = tomlkit.inline_table()
    table.update(fields)
    return table


def _append_table(document: tomlkit.TOMLDocument, name: str, fields: Mapping[str, Any]) -> None:
    table = tomlkit.table()
    table.update(fields)
    tables = document.get(name)
    if not isinstance(tables, AoT):
        document.add(tomlkit.nl())
        document.append(name, tomlkit.aot())
        tables = document[name]
    # What stands between the last table and the next kind of entry belongs to what follows it.
    trailer = _cut_trailer(tables[-1]) if len(tables) else []
    if len(tables):
        tables[-1].add(tomlkit.nl())
    tables.append(table)
    tables[-1].value.body.extend(trailer)


def _remove_table(document: tomlkit.TOMLDocument, tables: AoT, at: int) -> None:
    """Remove a table, but no comment that may be about its neighbours."""
    trailer = _cut_trailer(tables[at])
    del tables[at]
    if at > 0:
        before = _cut_trailer(tables[at - 1])
        tables[at - 1].value.body.extend(before if _has_comment(before) else [])
        tables[at - 1].value.body.extend(trailer if not _has_comment(before) else trailer[1:])
        return
    place = next(place for place, (key, _) in enumerate(document.body) if key and key.key == "documents")
    document.body[place : place + (0 if len(tables) else 1)] = trailer if _has_comment(trailer) else []


def _has_comment(items: Sequence[tuple[Any, Any]]) -> bool:
    return any(isinstance(item, Comment) for _, item in items)


def _cut_trailer(table: Table) -> list[Any]:
    """Take the blank lines and comments off the end of a table."""
    body = table.value.body
    end = len(body)
    while end and body[end - 1][0] is None:
        end -= 1
    trailer = list(body[end:])
    del body[end:]
    return trailer
