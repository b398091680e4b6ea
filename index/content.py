"""What a snapshot knows of documents, passages and references, in one SQLite file."""

import sqlite3
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ingest.errors import NotIndexedError
from ingest.records import Document, DocumentKind, Fidelity, Passage, Reference

_DOCUMENT = TypeAdapter(Document)
_PASSAGE = TypeAdapter(Passage)
_REFERENCE = TypeAdapter(Reference)
_NUMBERS = TypeAdapter(dict[int, int])

#: How many passages stay in memory once they have been read: those of a few documents, at a few KB each.
_PASSAGES_KEPT = 2_048

_SCHEMA = """
CREATE TABLE documents (
    position INTEGER PRIMARY KEY, doc_id TEXT NOT NULL UNIQUE, numbers TEXT NOT NULL, record TEXT NOT NULL
);
CREATE TABLE passages (
    position INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE, document INTEGER NOT NULL,
    sentences INTEGER NOT NULL, record TEXT NOT NULL
);
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

    Passages stand in order of (document, start): a passage's place in it is its position everywhere.
    """

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
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
    place = {document.doc_id: at for at, document in enumerate(content.documents)}
    connection.executescript(_SCHEMA)
    connection.executemany(
        "INSERT INTO documents VALUES (?, ?, ?, ?)",
        (
            (
                at,
                document.doc_id,
                _NUMBERS.dump_json(dict(content.numbers.get(document.doc_id, {}))).decode(),
                _DOCUMENT.dump_json(document).decode(),
            )
            for at, document in enumerate(content.documents)
        ),
    )
    connection.executemany(
        "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
        (
            (
                at,
                each.passage_id,
                place[each.doc_id],
                len(each.sentences),
                _PASSAGE.dump_json(each).decode(),
            )
            for at, each in enumerate(content.passages)
        ),
    )
    connection.executemany(
        "INSERT INTO cited VALUES (?, ?)",
        ((number, at) for at, passage in enumerate(content.passages) for number in passage.references),
    )
    connection.executemany(
        "INSERT INTO bibliography VALUES (?, ?)",
        ((each.number, _REFERENCE.dump_json(each).decode()) for each in content.references),
    )
    connection.commit()


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
        self._read: OrderedDict[int, Passage] = (
            OrderedDict()
        )  # by position, the one not asked for longest first
        self.references = tuple(
            _REFERENCE.validate_json(record)
            for (record,) in self._rows("SELECT record FROM bibliography ORDER BY number")
        )
        self.summaries = tuple(self._summaries())
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

    def passages(self, positions: Sequence[int]) -> list[Passage]:
        """Return the passages at these positions, in the order asked for."""
        asked = [int(position) for position in positions]
        with self._lock:
            found = {at: self._read[at] for at in asked if at in self._read}
        missing = [at for at in asked if at not in found]
        if missing:
            marks = ",".join("?" * len(missing))
            query = f"SELECT position, record FROM passages WHERE position IN ({marks})"  # noqa: S608  # only marks
            found |= {int(at): _PASSAGE.validate_json(record) for at, record in self._rows(query, missing)}
        passages = [found[at] for at in asked]
        self._keep(asked, passages)
        return passages

    def _keep(self, positions: Sequence[int], passages: Sequence[Passage]) -> None:
        """Keep passages for whoever asks next, and let go of those that were not asked for longest."""
        with self._lock:
            for at, passage in zip(positions, passages, strict=True):
                self._read[at] = passage
                self._read.move_to_end(at)
            while len(self._read) > _PASSAGES_KEPT:
                self._read.popitem(last=False)

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
        if not any(reference.number == number for reference in self.references):
            raise NotIndexedError(
                f"There is no reference {number} in this index. It has: "
                f"{', '.join(str(reference.number) for reference in self.references) or 'none'}."
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

    def layout(self) -> list[tuple[int, int]]:
        """Return, for each passage in order of position, its document's place and its number of sentences."""
        return [
            (int(a), int(b))
            for a, b in self._rows("SELECT document, sentences FROM passages ORDER BY position")
        ]

    def all_passages(self) -> list[Passage]:
        """Return every passage in order of position."""
        return [
            _PASSAGE.validate_json(record)
            for (record,) in self._rows("SELECT record FROM passages ORDER BY position")
        ]

    def _summaries(self) -> Iterable[DocumentSummary]:
        grouped = self._rows("SELECT document, count(*) FROM passages GROUP BY document")
        counts = {int(place): int(count) for place, count in grouped}
        for at, record in self._rows("SELECT position, record FROM documents ORDER BY position"):
            document = _DOCUMENT.validate_json(record)
            yield DocumentSummary(
                doc_id=document.doc_id,
                title=document.title,
                kind=document.kind,
                fidelity=document.fidelity,
                reference_number=document.reference_number,
                url=document.url,
                licence=document.licence,
                retrieved_at=document.retrieved_at,
                sha256=document.sha256,
                n_passages=counts.get(int(at), 0),
                n_chars=len(document.text),
            )

    def _document_row(self, doc_id: str, column: str) -> str:
        place = self.place_of(doc_id)
        rows = self._rows(f"SELECT {column} FROM documents WHERE position = ?", [place])  # noqa: S608  # ours, not input
        return str(rows[0][0])

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[str, ...]]:
        with self._lock, _disk_errors(self._path):
            return self._connection.execute(query, [_plain(value) for value in parameters]).fetchall()


def _plain(value: object) -> object:
    # SQLite knows Python's integers, not numpy's.
    return int(value) if hasattr(value, "__index__") else value
