"""What a snapshot knows of documents, passages and references, in one SQLite file."""

import sqlite3
import threading
import weakref
from array import array
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from ingest.errors import NotIndexedError
from ingest.records import Document, DocumentKind, Fidelity, Passage, Reference

_DOCUMENT = TypeAdapter(Document)
_PASSAGE = TypeAdapter(Passage)
_REFERENCE = TypeAdapter(Reference)
_NUMBERS = TypeAdapter(dict[int, int])

#: How many passages, and how many references, stay in memory once they have been read: at a few KB each.
_KEPT = 2_048
#: So many passages are written or read at once, so that those of a large index need not all be in memory.
_AT_ONCE = 1_000
_NAMED = 20  # of those that there are, when one is asked for that there is not

_BY_POSITION = "SELECT position, record FROM passages WHERE position IN ({})"
_BY_NUMBER = "SELECT number, record FROM bibliography WHERE number IN ({})"

V = TypeVar("V")

#: `layout` holds what is wanted of every passage when an index is opened: 32-bit integers, little-endian, in order of
#: position.
_SCHEMA = """
CREATE TABLE documents (
    position INTEGER PRIMARY KEY, doc_id TEXT NOT NULL UNIQUE, numbers TEXT NOT NULL, summary TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE TABLE passages (
    position INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE, document INTEGER NOT NULL, record TEXT NOT NULL
);
CREATE TABLE layout (documents BLOB NOT NULL, sentences BLOB NOT NULL);
CREATE INDEX passages_by_document ON passages (document, position);
CREATE TABLE cited (number INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (number, position)) WITHOUT ROWID;
CREATE TABLE bibliography (number INTEGER PRIMARY KEY, record TEXT NOT NULL);
"""


_OF_THE_DISK = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)


@dataclass(frozen=True, slots=True)
class Content:
    """What is written: everything but vectors and terms.

    Passages stand in order of (document, start): a passage's place in it is its position everywhere. They are gone
    through once, so that they can be cut while they are written.
    """

    documents: tuple[Document, ...]
    passages: Iterable[Passage]
    references: tuple[Reference, ...]
    numbers: Mapping[str, Mapping[int, int]]  # doc_id -> number it prints -> number of this index


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document without its text."""

    doc_id: str
    title: str
    kind: DocumentKind
    fidelity: Fidelity
    reference_number: int | None
    url: str | None
    licence: str | None
    retrieved_at: str | None
    sha256: str
    n_passages: int
    n_chars: int


_SUMMARY = TypeAdapter(DocumentSummary)


def write_content(path: Path, content: Content) -> None:
    """Write content to a new file; the same content gives the same bytes.

    Raises:
        OSError: If the disk refuses.
    """
    with _disk_errors(path), closing(sqlite3.connect(path)) as connection:
        _write(connection, content)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite says of a disk that refuses, or of what came from it damaged, as an OSError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        # An error of the module itself has no code, and is nobody's but ours.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in _OF_THE_DISK:
            raise
        raise OSError(f"{path.name}: {error}") from error


def _write(connection: sqlite3.Connection, content: Content) -> None:
    connection.executescript(_SCHEMA)
    n_passages = _write_passages(connection, content)
    connection.executemany(
        "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
        (
            (
                at,
                document.doc_id,
                _NUMBERS.dump_json(dict(content.numbers.get(document.doc_id, {}))).decode(),
                _SUMMARY.dump_json(_summarise(document, n_passages=n_passages[at])).decode(),
                _DOCUMENT.dump_json(document).decode(),
            )
            for at, document in enumerate(content.documents)
        ),
    )
    connection.executemany(
        "INSERT INTO bibliography VALUES (?, ?)",
        ((each.number, _REFERENCE.dump_json(each).decode()) for each in content.references),
    )
    connection.commit()


def _write_passages(connection: sqlite3.Connection, content: Content) -> Counter[int]:
    """Write the passages with their numbers and their layout, and return how many each document has, by place."""
    place = {document.doc_id: at for at, document in enumerate(content.documents)}
    documents, sentences = array("i"), array("i")
    for many in batched(content.passages, _AT_ONCE):
        first = len(documents)
        documents.extend(place[each.doc_id] for each in many)
        sentences.extend(len(each.sentences) for each in many)
        connection.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?)",
            (
                (at, each.passage_id, place[each.doc_id], _PASSAGE.dump_json(each).decode())
                for at, each in enumerate(many, start=first)
            ),
        )
        connection.executemany(
            "INSERT INTO cited VALUES (?, ?)",
            ((number, at) for at, each in enumerate(many, start=first) for number in each.references),
        )
    connection.execute(
        "INSERT INTO layout VALUES (?, ?)",
        [np.array(values, dtype="<i4").tobytes() for values in (documents, sentences)],
    )
    return Counter(documents)


def _summarise(document: Document, *, n_passages: int) -> DocumentSummary:
    return DocumentSummary(
        doc_id=document.doc_id,
        title=document.title,
        kind=document.kind,
        fidelity=document.fidelity,
        reference_number=document.reference_number,
        url=document.url,
        licence=document.licence,
        retrieved_at=document.retrieved_at,
        sha256=document.sha256,
        n_passages=n_passages,
        n_chars=len(document.text),
    )


def batched(values: Iterable[V], size: int) -> Iterator[list[V]]:
    """Yield values in lists of `size`, the last one as long as what is left."""
    rest = iter(values)
    while many := list(islice(rest, size)):
        yield many


class _RecentlyRead(Generic[V]):
    """Values by number, those that were not asked for longest let go of; safe to use from several threads."""

    def __init__(self, *, at_most: int) -> None:
        self._at_most = at_most
        self._values: OrderedDict[int, V] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, numbers: Iterable[int]) -> dict[int, V]:
        """Return those of the numbers that are there."""
        with self._lock:
            return {number: self._values[number] for number in numbers if number in self._values}

    def keep(self, found: Mapping[int, V]) -> None:
        """Keep values for whoever asks next."""
        with self._lock:
            for number, value in found.items():
                self._values[number] = value
                self._values.move_to_end(number)
            while len(self._values) > self._at_most:
                self._values.popitem(last=False)


class ContentStore:
    """Read access to a file that `write_content` made; safe to use from several threads.

    Every method, and opening it, raises an OSError if the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # One connection for all threads: it keeps its file open even when the folder is deleted meanwhile.
        with _disk_errors(path):
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        # A connection holds itself in a circle; whoever drops the store frees the file at once all the same.
        weakref.finalize(self, self._connection.close)
        self._lock = threading.Lock()
        self._passages: _RecentlyRead[Passage] = _RecentlyRead(at_most=_KEPT)
        self._references: _RecentlyRead[Reference] = _RecentlyRead(at_most=_KEPT)
        self.summaries = tuple(
            _SUMMARY.validate_json(summary)
            for (summary,) in self._rows("SELECT summary FROM documents ORDER BY position")
        )
        self._place = {summary.doc_id: at for at, summary in enumerate(self.summaries)}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def document(self, doc_id: str) -> Document:
        """Return one document whole, with the numbers that it prints itself.

        Raises:
            NotIndexedError: If there is none with this doc_id.
        """
        return _DOCUMENT.validate_json(self._document_row(doc_id, "record"))

    def numbers(self, doc_id: str) -> dict[int, int]:
        """Return number printed by a document -> number of this index."""
        return _NUMBERS.validate_json(self._document_row(doc_id, "numbers"))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The whole bibliography, in order of number; it is read anew each time."""
        rows = self._rows("SELECT record FROM bibliography ORDER BY number")
        return tuple(_REFERENCE.validate_json(record) for (record,) in rows)

    def references_of(self, numbers: Iterable[int]) -> list[Reference]:
        """Return the entries of the bibliography that have these numbers, in order of number."""
        found = self._read(self._references, set(numbers), _REFERENCE, _BY_NUMBER)
        return [found[number] for number in sorted(found)]

    def passages(self, positions: Sequence[int]) -> list[Passage]:
        """Return the passages at these positions, in the order asked for."""
        asked = [int(position) for position in positions]
        found = self._read(self._passages, asked, _PASSAGE, _BY_POSITION)
        return [found[at] for at in asked]

    def _read(
        self, recent: _RecentlyRead[V], numbers: Collection[int], record: TypeAdapter[V], query: str
    ) -> dict[int, V]:
        """Return the records under numbers, from memory or from the file; those that there are not are left out."""
        found = recent.find(numbers)
        for missing in batched([number for number in numbers if number not in found], _AT_ONCE):
            rows = self._rows(query.format(",".join("?" * len(missing))), missing)
            found |= {int(number): record.validate_json(each) for number, each in rows}
        recent.keep({number: found[number] for number in numbers if number in found})
        return found

    @property
    def n_passages(self) -> int:
        """How many passages there are."""
        return sum(each.n_passages for each in self.summaries)

    def passage_ids(self) -> dict[str, int]:
        """Return the position of each passage under its id, in order of position."""
        rows = self._rows("SELECT passage_id, position FROM passages ORDER BY position")
        return {passage_id: int(position) for passage_id, position in rows}

    def position_of(self, passage_id: str) -> int:
        """Return the position of a passage.

        Raises:
            NotIndexedError: If there is none with this passage_id.
        """
        rows = self._rows("SELECT position FROM passages WHERE passage_id = ?", [passage_id])
        if not rows:
            raise NotIndexedError(
                f"There is no passage {passage_id!r} in this index. Passage ids change when a document is edited; "
                "ask the question again, or list the document's passages."
            )
        return int(rows[0][0])

    def positions_in(self, doc_id: str) -> list[int]:
        """Return the positions of a document's passages, in reading order."""
        rows = self._rows(
            "SELECT position FROM passages WHERE document = ? ORDER BY position", [self.place_of(doc_id)]
        )
        return [int(position) for (position,) in rows]

    def positions_citing(self, number: int) -> list[int]:
        """Return the positions of all passages that carry a reference number, in order.

        Raises:
            NotIndexedError: If the bibliography has no such number.
        """
        if not self.references_of([number]):
            first = self._rows("SELECT number FROM bibliography ORDER BY number LIMIT ?", [_NAMED + 1])
            named = [str(each) for (each,) in first[:_NAMED]] + ["and more"] * (len(first) > _NAMED)
            raise NotIndexedError(
                f"There is no reference {number} in this index. It has: {', '.join(named) or 'none'}."
            )
        rows = self._rows("SELECT position FROM cited WHERE number = ? ORDER BY position", [number])
        return [int(position) for (position,) in rows]

    def place_of(self, doc_id: str) -> int:
        """Return the place of a document among `summaries`.

        Raises:
            NotIndexedError: If there is none with this doc_id.
        """
        if doc_id not in self._place:
            raise NotIndexedError(
                f"There is no document {doc_id!r} in this index. It holds: {', '.join(sorted(self._place)[:20])}."
            )
        return self._place[doc_id]

    def layout(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the place of each passage's document and its number of sentences, both of shape (n_passages,)."""
        [(documents, sentences)] = self._rows("SELECT documents, sentences FROM layout")
        return np.frombuffer(documents, dtype="<i4"), np.frombuffer(sentences, dtype="<i4")

    def all_passages(self) -> Iterator[Passage]:
        """Yield every passage in order of position, a few read at once."""
        for first in range(0, self.n_passages, _AT_ONCE):
            rows = self._rows(
                "SELECT record FROM passages WHERE position >= ? AND position < ? ORDER BY position",
                [first, first + _AT_ONCE],
            )
            yield from (_PASSAGE.validate_json(record) for (record,) in rows)

    def _document_row(self, doc_id: str, column: str) -> str:
        place = self.place_of(doc_id)
        rows = self._rows(f"SELECT {column} FROM documents WHERE position = ?", [place])  # noqa: S608  # ours, not input
        return str(rows[0][0])

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock, _disk_errors(self._path):
            return self._connection.execute(query, [_plain(value) for value in parameters]).fetchall()


def _plain(value: object) -> object:
    # SQLite knows Python's integers, not numpy's.
    return int(value) if hasattr(value, "__index__") else value
