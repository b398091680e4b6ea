"""The records that ingestion makes: what a document, a reference, a citation and a passage are.

All offsets count Unicode code points of `Document.text`, the canonical text; spans are half-open.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Literal

DocumentKind = Literal["article", "source"]
Fidelity = Literal["full_text", "digest", "abstract"]
BlockKind = Literal["heading", "paragraph", "list_item", "table_row", "reference"]

#: Kinds of block whose text is body text: every character of it must be in a passage.
BODY_KINDS: frozenset[BlockKind] = frozenset({"paragraph", "list_item", "table_row"})


@dataclass(frozen=True, slots=True)
class Block:
    """A structural unit of a document's canonical text."""

    kind: BlockKind
    start: int
    end: int
    section: tuple[str, ...] = ()  # headings above this block, outermost first
    level: int = 0  # of a heading: 1 is the title's; of a list item: its depth, 0 outermost
    page: int | None = None  # 1-based, for paged formats

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a {self.kind} block spans {self.start} to {self.end}; it must not be empty")


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a reference list.

    `text` is the entry as printed; identifiers are in normal form (a DOI without resolver, lower case
    only where the registry says so). `problems` says in words what had to be corrected or guessed.
    """

    number: int
    text: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    container: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    url: str | None = None
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"reference number {self.number} must be 1 or more")


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker such as `[1, 3]`, what it stands for, and the sentence it is attached to.

    Numbers are those that the document prints; `bibliography` maps them to the index's numbers.
    """

    start: int
    end: int
    numbers: tuple[int, ...]
    sentence_start: int
    sentence_end: int

    def __post_init__(self) -> None:
        if not self.numbers:
            raise ValueError(f"the marker at {self.start} stands for no number")


@dataclass(frozen=True, slots=True)
class Omission:
    """Text of the source that is in no block, with the reason; nothing is left out silently."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """One published text in canonical form.

    Args:
        doc_id: Stable slug, unique in an index.
        text: Unicode NFC, lines ended by a line feed.
        blocks: In reading order, not overlapping; text between blocks is white space only.
        references: The document's own list, under the numbers that the document prints.
        citations: The document's own markers, in order of `start`.
        omitted: What the reader left out of `text`, and why.
    """

    doc_id: str
    title: str
    kind: DocumentKind
    fidelity: Fidelity
    text: str
    blocks: tuple[Block, ...]
    references: tuple[Reference, ...] = ()
    citations: tuple[Citation, ...] = ()
    reference_number: int | None = None  # of a source; None for an article
    url: str | None = None
    licence: str | None = None
    retrieved_at: str | None = None  # ISO 8601 date
    omitted: tuple[Omission, ...] = ()

    def __post_init__(self) -> None:
        if not unicodedata.is_normalized("NFC", self.text) or "\r" in self.text:
            raise ValueError(f"{self.doc_id}: canonical text must be NFC with line feeds only")
        if self.kind == "article" and self.reference_number is not None:
            raise ValueError(f"{self.doc_id}: an article has no reference number; only a source has one")
        end = 0
        for block in self.blocks:
            if block.start < end or block.end > len(self.text):
                raise ValueError(f"{self.doc_id}: block at {block.start} overlaps its neighbour or the end")
            if self.text[end : block.start].strip():
                raise ValueError(f"{self.doc_id}: text before offset {block.start} is in no block")
            end = block.end
        if self.text[end:].strip():
            raise ValueError(f"{self.doc_id}: text after offset {end} is in no block")

    @property
    def sha256(self) -> str:
        """Hash of the canonical text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence or list item of a passage, with the index's numbers that it cites itself."""

    start: int
    end: int
    references: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """The span of a document that is indexed and cited.

    `text` is the document's canonical text between `start` and `end`, markers included. What is
    embedded is `embedding_text`: the same without markers, after its headings. Sentences
    are in order and cover all of `text` but white space.
    """

    passage_id: str
    doc_id: str
    text: str
    start: int
    end: int
    embedding_text: str
    sentences: tuple[Sentence, ...]
    section: tuple[str, ...] = ()
    references: tuple[int, ...] = ()  # numbers of the index's bibliography, ascending
    page: int | None = None

    def __post_init__(self) -> None:
        if self.end - self.start != len(self.text) or not self.text.strip():
            raise ValueError(f"passage at {self.start} of {self.doc_id} is empty or does not fit its span")
        if tuple(sorted(set(self.references))) != self.references:
            raise ValueError(
                f"passage {self.passage_id}: references {self.references} must ascend, without repeats"
            )

    def text_of(self, sentence: Sentence) -> str:
        """Return one of the passage's sentences as it stands in the document."""
        return self.text[sentence.start - self.start : sentence.end - self.start]


def passage_id(doc_id: str, start: int, text: str) -> str:
    """Return the identifier of a passage: same document, same span and same text give the same one."""
    content = f"{doc_id}\n{start}\n{text}".encode()
    return hashlib.sha256(content).hexdigest()[:16]
