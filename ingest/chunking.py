"""Cutting a document into passages, by structure and sentence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ingest.markers import without_markers
from ingest.records import BODY_KINDS, Block, Citation, Document, Passage, Sentence, passage_id
from ingest.sentences import split_sentences

#: Changes whenever the same document would be cut or embedded differently; it is part of a snapshot's manifest.
CHUNKER_VERSION = 1


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """How long a passage may be, in the encoder's own tokens.

    Args:
        window_tokens: The encoder's window; with its context and special tokens a passage always fits.
        target_tokens: A passage is closed before it would grow past this, not counting its context.
        context_tokens: Room kept for the headings and the lead-in that are embedded with a passage.
    """

    window_tokens: int = 256
    target_tokens: int = 160
    context_tokens: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.target_tokens <= self.window_tokens - self.context_tokens:
            raise ValueError(
                f"target_tokens is {self.target_tokens}; choose 1 to window_tokens - context_tokens, "
                f"{self.window_tokens - self.context_tokens}"
            )

    @classmethod
    def within(cls, window_tokens: int) -> "ChunkLimits":
        """Return the default limits for an encoder with this window, smaller ones if it is short."""
        usual = cls()
        context = min(usual.context_tokens, window_tokens // 4)
        return cls(window_tokens, min(usual.target_tokens, window_tokens - context), context)


@dataclass(frozen=True, slots=True)
class _Unit:
    """The smallest span that is kept whole: a sentence, or a piece of one that is too long."""

    sentence: Sentence
    tokens: int


def chunk_document(
    document: Document,
    *,
    numbers: Mapping[int, int],
    count_tokens: Callable[[str], int],
    limits: ChunkLimits,
) -> list[Passage]:
    """Cut a document into passages that together cover all of its body text, without overlap.

    A passage never crosses a heading. It ends at the end of a block where it can, at the end of a
    sentence otherwise, and within a sentence only when that alone is too long.

    Args:
        document: The document; its citations carry the numbers that it prints.
        numbers: Printed number -> number of the index's bibliography, for an article. A number that is
            printed before several entries is not in it: what cites it cannot be told.
        count_tokens: The encoder's own count, special tokens included.
        limits: How long a passage may be.

    Returns:
        Passages in reading order. Those of an article carry the numbers that their sentences cite;
        those of source n carry n.
    """
    cutter = _Cutter(document, numbers, count_tokens, limits)
    passages: list[Passage] = []
    # Headings and references part what is on either side of them, also where both sides are of one section.
    for (is_body, section), blocks in groupby(
        document.blocks, key=lambda block: (block.kind in BODY_KINDS, block.section)
    ):
        for run, lead_in in cutter.runs(list(blocks)) if is_body else ():
            passages.append(cutter.passage(run, section=section, lead_in=lead_in))
    return passages


@dataclass(frozen=True, slots=True)
class _Cutter:
    document: Document
    numbers: Mapping[int, int]
    count_tokens: Callable[[str], int]
    limits: ChunkLimits

    def runs(self, blocks: Sequence[Block]) -> Iterator[tuple[list[_Unit], Block | None]]:
        """Yield the units of one passage after another, each with the lead-in of the list it begins in."""
        run: list[_Unit] = []
        run_lead_in: Block | None = None
        for bundle, lead_in in self._bundles(blocks):
            if run and self._overflows(run, bundle):
                yield run, run_lead_in
                run = []
            for unit in bundle:
                if run and self._overflows(run, [unit]):
                    yield run, run_lead_in
                    run = []
                run_lead_in = run_lead_in if run else lead_in
                run.append(unit)
        if run:
            yield run, run_lead_in

    def passage(self, run: Sequence[_Unit], *, section: tuple[str, ...], lead_in: Block | None) -> Passage:
        """Make the passage of some neighbouring units; a lead-in that is not among them is its context."""
        document = self.document
        start, end = run[0].sentence.start, run[-1].sentence.end
        text = document.text[start:end]
        cited = {number for unit in run for number in unit.sentence.references}
        page = next(block.page for block in document.blocks if block.start <= start < block.end)
        context = (*section, self._plain(lead_in)) if lead_in and lead_in.end <= start else section
        return Passage(
            passage_id=passage_id(document.doc_id, start, text),
            doc_id=document.doc_id,
            text=text,
            start=start,
            end=end,
            embedding_text=self._embedding_text(start, end, context=context),
            sentences=tuple(unit.sentence for unit in run),
            section=section,
            references=tuple(sorted(cited)),
            page=page,
        )

    def _embedding_text(self, start: int, end: int, *, context: tuple[str, ...]) -> str:
        body = without_markers(self.document.text, self.document.citations, start=start, end=end)
        # Not the title: it is the same for all passages of a document and blurs what tells them apart.
        context = tuple(part for part in context if part)
        # Context is repeated from elsewhere, so leaving its outermost parts off loses no text.
        while context and self.count_tokens(_with_context(context, "")) > self.limits.context_tokens:
            context = context[1:]
        return _with_context(context, body)

    def _bundles(self, blocks: Sequence[Block]) -> Iterator[tuple[list[_Unit], Block | None]]:
        """Yield what had better stay together, with the lead-in of the list or table it belongs to.

        That is one block, or the paragraph that introduces a list together with the first item.
        """
        held: list[_Unit] = []
        lead_in: Block | None = None
        for block, after in pairwise([*blocks, None]):
            assert block is not None
            units = held + self._units(block)
            held = []
            if block.kind == "paragraph":
                lead_in = block if self._introduces(block) else None
                if lead_in and after is not None and after.kind != "paragraph":
                    held = units
                    continue
                yield units, None
            else:
                yield units, lead_in
                lead_in = lead_in or (block if block.kind == "table_row" else None)

    def _introduces(self, block: Block) -> bool:
        return block.kind == "paragraph" and self._plain(block).endswith(":")

    def _plain(self, block: Block) -> str:
        return without_markers(self.document.text, self.document.citations, start=block.start, end=block.end)

    def _overflows(self, run: Sequence[_Unit], units: Sequence[_Unit]) -> bool:
        return sum(unit.tokens for unit in (*run, *units)) > self.limits.target_tokens

    def _units(self, block: Block) -> list[_Unit]:
        spans = [
            (block.start + start, block.start + end)
            for start, end in split_sentences(self.document.text[block.start : block.end])
        ]
        return [unit for start, end in spans for unit in self._pieces(start, end)]

    def _pieces(self, start: int, end: int) -> list[_Unit]:
        """Return a sentence as one unit, or as several when it alone is longer than a passage may be."""
        references = self._references(start, end)
        tokens = self._tokens(start, end)
        if tokens <= self.limits.target_tokens:
            return [_Unit(Sentence(start, end, references), tokens)]
        if end - start == 1:
            raise ValueError(
                f"target_tokens is {self.limits.target_tokens}, but {self.document.text[start]!r} alone has {tokens}; "
                "choose a larger one"
            )
        middle = _cut_point(self.document.text, start, end)
        left = _trimmed(self.document.text, start, middle)
        right = _trimmed(self.document.text, middle, end)
        return [
            _Unit(Sentence(unit.sentence.start, unit.sentence.end, references), unit.tokens)
            for at, to in (left, right)
            for unit in self._pieces(at, to)
        ]

    def _tokens(self, start: int, end: int) -> int:
        return self.count_tokens(self.document.text[start:end])

    def _references(self, start: int, end: int) -> tuple[int, ...]:
        if self.document.reference_number is not None:
            return (self.document.reference_number,)
        if self.document.kind == "source":
            return ()
        cited = {
            self.numbers[number]
            for citation in self.document.citations
            if _overlaps(citation, start, end)
            for number in citation.numbers
            if number in self.numbers
        }
        return tuple(sorted(cited))


def _with_context(context: Sequence[str], body: str) -> str:
    return "\n".join([" > ".join(context), body]) if context else body


def _overlaps(citation: Citation, start: int, end: int) -> bool:
    return citation.sentence_start < end and start < citation.sentence_end


def _cut_point(text: str, start: int, end: int) -> int:
    """Return where to halve a span: at the white space nearest its middle, else in the middle."""
    middle = (start + end) // 2
    before = next((at for at in range(middle, start, -1) if text[at - 1].isspace()), start)
    after = next((at for at in range(middle, end) if text[at].isspace()), end)
    nearest = before if middle - before <= after - middle else after
    return nearest if start < nearest < end else middle


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    span = text[start:end]
    return start + len(span) - len(span.lstrip()), start + len(span.rstrip())
