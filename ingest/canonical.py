"""Building a document's canonical text, with the offsets of every block and marker in it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.records import Block, BlockKind

_WHITE_SPACE = re.compile(r"\s+")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\u200b\u2060\ufeff\u00ad]")
#: Neighbours of these kinds stand on consecutive lines; all other blocks have an empty line between.
_TIGHT_KINDS = frozenset({"list_item", "table_row", "reference"})


@dataclass(frozen=True, slots=True)
class Marker:
    """A citation marker that the format itself identifies, such as a JATS xref: its text and numbers."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlacedMarker:
    """Where a `Marker` came to stand in the canonical text."""

    start: int
    end: int
    numbers: tuple[int, ...]


def normalize_text(text: str) -> str:
    """Return text in canonical form: NFC, no control or zero-width characters, runs of white space as one space.

    Leading and trailing white space is kept (as one space), so that pieces can be joined.
    """
    # Composed last: a letter and its accent may have had something invisible between them.
    return _WHITE_SPACE.sub(" ", unicodedata.normalize("NFC", _INVISIBLE.sub("", text)))


@dataclass(slots=True)
class CanonicalTextBuilder:
    """Collects blocks in reading order and keeps track of the headings above each.

    A heading of level n closes all open headings of level n and deeper. The document's title is added
    as a heading of level 1, and is not part of any section path.
    """

    blocks: list[Block] = field(default_factory=list)
    markers: list[PlacedMarker] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _open_headings: list[tuple[int, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The canonical text so far."""
        return "".join(self._parts)

    @property
    def section(self) -> tuple[str, ...]:
        """The headings that are open now, outermost first."""
        return tuple(heading for level, heading in self._open_headings if level > 1)

    def add(
        self,
        kind: BlockKind,
        fragments: str | Iterable[str | Marker],
        *,
        level: int = 0,
        page: int | None = None,
    ) -> Block | None:
        """Append one block.

        Args:
            kind: What the block is.
            fragments: Its text, or its text in pieces with the markers that the format identifies.
            level: Of a heading, 1 (the title) to 6; of a list item, its depth, 0 outermost.
            page: 1-based page on which the block starts.

        Returns:
            The block, or None when there is nothing but white space in it.
        """
        pieces: list[str] = []
        placed: list[tuple[int, int, tuple[int, ...]]] = []
        length = 0
        for fragment in [fragments] if isinstance(fragments, str) else fragments:
            raw = fragment.text if isinstance(fragment, Marker) else fragment
            piece = normalize_text(raw)
            if not pieces or pieces[-1].endswith(" "):
                piece = piece.lstrip()
            if not piece:
                continue
            if isinstance(fragment, Marker):
                placed.append((length, length + len(piece), fragment.numbers))
            pieces.append(piece)
            length += len(piece)
        # Two NFC pieces can join into a sequence that is not NFC; only then is a marker's place approximate.
        content = unicodedata.normalize("NFC", "".join(pieces)).rstrip()
        if not content:
            return None
        self._separate(kind)
        start = self._length
        if kind == "heading":
            if level < 1:
                raise ValueError(f"the heading {content!r} has level {level}; give 1 or more")
            self._open_headings = [(at, text) for at, text in self._open_headings if at < level]
        block = Block(kind, start, start + len(content), self.section, level, page)
        if kind == "heading":
            self._open_headings.append((level, content))
        self._append(content)
        self.blocks.append(block)
        self.markers.extend(
            PlacedMarker(start + at, start + min(to, len(content)), numbers) for at, to, numbers in placed
        )
        return block

    def _separate(self, kind: BlockKind) -> None:
        if self.blocks:
            tight = kind in _TIGHT_KINDS and self.blocks[-1].kind == kind
            self._append("\n" if tight else "\n\n")

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
