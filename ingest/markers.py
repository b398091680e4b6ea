"""What a citation marker is: the one place that decides it, for every format.

A document keeps to one notation. It is inferred once, from the whole text, and only what is written in it
counts; so "(1)" is a marker in a document that cites so, and the count of an enumeration in all others. A
marker counts whole or not at all, and precision comes first: a wrong reference number is worse than none.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TypeVar

from ingest.canonical import PlacedMarker
from ingest.citation_order import settle_doubts
from ingest.notations import DASHES, Candidate, NotationStyle, infer_notation, scan_blocks
from ingest.records import Block, Citation
from ingest.sentences import split_sentences

__all__ = ["FoundCitations", "NotationStyle", "find_citations", "infer_notation", "without_markers"]


@dataclass(frozen=True, slots=True)
class FoundCitations:
    """The markers of a document in order of `start`, and what an editor should look at."""

    citations: tuple[Citation, ...]
    warnings: tuple[str, ...]


def find_citations(
    text: str,
    blocks: Sequence[Block],
    *,
    numbers: Collection[int],
    marked: Sequence[PlacedMarker] = (),
) -> FoundCitations:
    """Find every citation marker of a document and the sentence that it is attached to.

    Headings, paragraphs, list items and table rows are searched; entries of the reference list are not.

    Args:
        text: The canonical text.
        blocks: Its blocks, in order.
        numbers: The numbers of the document's own reference list; nothing else can be cited.
        marked: Markers that the format itself identifies. They are taken as they are, together with the
            brackets around them; if those are square, other bracketed markers are looked for as well.

    Returns:
        Citations whose numbers are all in `numbers`, each in the order written and without repeats. A
        sentence's span covers its marker, also one that stands after the full stop.
    """
    known = frozenset(numbers)
    searched = [block for block in blocks if block.kind != "reference"]
    given = list(_given_candidates(text, searched, marked))
    written = _written_beside(text, searched, given) if given else _written(text, searched, known)
    candidates = settle_doubts(
        sorted([*given, *_apart_from(given, written)], key=lambda one: one.start), known
    )
    valid: list[tuple[Candidate, tuple[int, ...]]] = []
    doubtful: list[Candidate] = []
    for one in candidates:
        cited = _given_numbers(one, known) if one.is_given else one.numbers(known)
        if cited and not one.is_label:
            valid.append((one, cited))
        if not cited or one.is_label or (one.is_given and len(cited) < len(one.ranges)):
            doubtful.append(one)
    return FoundCitations(tuple(_attach(text, searched, valid)), tuple(_warnings(text, doubtful, known)))


def _written(text: str, blocks: Sequence[Block], known: frozenset[int]) -> Sequence[Candidate]:
    notation = infer_notation(text, blocks, numbers=known)
    return notation.candidates if notation else ()


# --- Markers that the format identifies --------------------------------------------------------------

_CLOSING = {"[": "]", "［": "］", "【": "】", "〔": "〕", "(": ")", "（": "）"}
_SEPARATORS = re.compile(rf"[\s,;{DASHES}]{{1,4}}")


def _given_candidates(
    text: str, blocks: Sequence[Block], marked: Sequence[PlacedMarker]
) -> Iterator[Candidate]:
    """Yield the format's markers, with the brackets around them; "1–3" in three pieces is one of them."""
    ordered = sorted(marked, key=lambda marker: marker.start)
    for block, inside in _by_block(blocks, ordered):
        groups: list[list[PlacedMarker]] = []
        for marker in inside:
            if groups and _continues(text, groups[-1][-1], marker):
                groups[-1].append(marker)
            else:
                groups.append([marker])
        for group in groups:
            ranges = tuple(_given_ranges(text, group))
            start, end = _with_brackets(text, block, group[0].start, group[-1].end)
            if ranges and start < end:
                yield Candidate(start, end, ranges, is_given=True)


def _continues(text: str, first: PlacedMarker, second: PlacedMarker) -> bool:
    """Say whether two markers are parts of one: bare numbers with nothing but a separator between."""
    bare = text[first.end - 1] not in _CLOSING.values() and text[second.start] not in _CLOSING
    return bare and _SEPARATORS.fullmatch(text, first.end, second.start) is not None


def _given_ranges(text: str, group: Sequence[PlacedMarker]) -> Iterator[tuple[int, int]]:
    """Yield every number as a range of its own, and the numbers between two that a dash joins."""
    for marker, following in zip(group, [*group[1:], None], strict=True):
        yield from ((number, number) for number in marker.numbers)
        if following is None or not marker.numbers or not following.numbers:
            continue
        joins = any(dash in text[marker.end : following.start] for dash in DASHES)
        if joins and marker.numbers[-1] + 1 < following.numbers[0]:
            yield marker.numbers[-1] + 1, following.numbers[0] - 1


def _with_brackets(text: str, block: Block, start: int, end: int) -> tuple[int, int]:
    opener = text[start - 1] if start > block.start else ""
    closes = end < block.end and _CLOSING.get(opener) == text[end]
    return (start - 1, end + 1) if closes else (start, end)


def _given_numbers(one: Candidate, known: frozenset[int]) -> tuple[int, ...]:
    """Of a marker that the format identifies, keep what the list holds."""
    spans = (replace(one, ranges=(span,)).numbers(known) or () for span in one.ranges)
    return tuple(dict.fromkeys(number for span in spans for number in span))


def _written_beside(text: str, blocks: Sequence[Block], given: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return what is written like the format's own markers, where those are bracketed."""
    style = _style_of(text, given)
    return scan_blocks(text, blocks, style) if style else ()


def _style_of(text: str, given: Sequence[Candidate]) -> NotationStyle | None:
    """Return the bracketed notation of the format's own markers, None when they are anything else."""
    openers = Counter(text[one.start] for one in given)
    opener, _ = openers.most_common(1)[0]
    if opener in "[［":
        return NotationStyle.BRACKETS
    return NotationStyle.CORNER_BRACKETS if opener in "【〔" else None


def _apart_from(given: Sequence[Candidate], written: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the markers found in the text that overlap none of the format's own."""
    starts = [one.start for one in given]
    for one in written:
        at = bisect_right(starts, one.end - 1) - 1
        if at < 0 or given[at].end <= one.start:
            yield one


# --- The sentence that a marker is attached to -------------------------------------------------------

_Placed = TypeVar("_Placed", Candidate, PlacedMarker)


def _by_block(blocks: Sequence[Block], placed: Iterable[_Placed]) -> Iterator[tuple[Block, list[_Placed]]]:
    """Yield each block that holds any of the given spans, with them; both come in order."""
    starts = [block.start for block in blocks]

    def block_at(one: _Placed) -> int:
        at = bisect_right(starts, one.start) - 1
        return at if at >= 0 and one.end <= blocks[at].end else -1

    for at, inside in groupby(placed, key=block_at):
        if at >= 0:
            yield blocks[at], list(inside)


def _attach(
    text: str, blocks: Sequence[Block], valid: Sequence[tuple[Candidate, tuple[int, ...]]]
) -> Iterator[Citation]:
    """Yield a citation for each candidate, with its sentence.

    A marker that opens a sentence belongs to the one before it, which then reaches up to the marker's end.
    """
    numbers = {one.start: cited for one, cited in valid}
    for block, inside in _by_block(blocks, [one for one, _ in valid]):
        sentences = [
            (block.start + start, block.start + end)
            for start, end in split_sentences(text[block.start : block.end])
        ]
        starts = [start for start, _ in sentences]
        for one in inside:
            at = bisect_right(starts, one.start) - 1
            start, end = sentences[at]
            if at > 0 and not text[start : one.start].strip():
                sentences[at] = (_next_visible(text, one.end), end)
                start, end = sentences[at - 1]
            yield Citation(one.start, one.end, numbers[one.start], start, max(end, one.end))


def _next_visible(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


# --- What an editor should look at -------------------------------------------------------------------

_CONTEXT_CHARS = 40


def _warnings(text: str, doubtful: Sequence[Candidate], known: frozenset[int]) -> Iterator[str]:
    """Yield one sentence for every marker that could not be taken, the same marker counted once."""
    reported = [one for one in doubtful if _looks_like_a_number(one)]
    if reported and not known:
        first = reported[0]
        yield (
            f"{_count(len(reported), 'marker')} such as {_shown(text, first)} cannot be resolved: the "
            "document has no reference list. Add the list, or remove the markers."
        )
        return
    times = Counter((text[one.start : one.end], one.is_label) for one in reported)
    first_of: dict[tuple[str, bool], Candidate] = {}
    for one in reported:
        first_of.setdefault((text[one.start : one.end], one.is_label), one)
    for key, one in first_of.items():
        more = f" (and {times[key] - 1} more like it)" if times[key] > 1 else ""
        if one.is_label and one.numbers(known):
            yield f"{_shown(text, one)}{more} opens its block: taken for a label, not for a citation."
        else:
            yield f"{_shown(text, one)}{more} has no entry in the reference list of {_listed(known)}."


def _looks_like_a_number(one: Candidate) -> bool:
    """Say whether it could stand for an entry: years and larger numbers do not."""
    return one.is_given or all(high < 1000 for _, high in one.ranges)


def _shown(text: str, one: Candidate) -> str:
    marker = text[one.start : one.end]
    if len(marker) > 2 * _CONTEXT_CHARS:
        marker = marker[: 2 * _CONTEXT_CHARS] + "…"
    before = text[max(0, one.start - _CONTEXT_CHARS) : one.start]
    context = " ".join(f"{before}{marker}{text[one.end : one.end + _CONTEXT_CHARS // 2]}".split())
    return f"{marker} at offset {one.start} (“…{context}…”)"


def _listed(known: frozenset[int]) -> str:
    """Write the numbers with runs joined: "1–5, 8"."""
    ordered = sorted(known)
    breaks = [0, *(at for at, (low, high) in enumerate(pairwise(ordered), 1) if high - low > 1), len(ordered)]
    runs = (ordered[start:end] for start, end in pairwise(breaks))
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# --- Text without its markers ------------------------------------------------------------------------


def without_markers(text: str, citations: Iterable[Citation], *, start: int, end: int) -> str:
    """Return `text[start:end]` without the markers wholly inside it, and without the space before them."""
    pieces: list[str] = []
    at = start
    for citation in sorted(citations, key=lambda citation: citation.start):
        if at <= citation.start and citation.end <= end:
            between = text[at : citation.start]
            # What only separates two markers ("[1], [2]") goes with them.
            if not (pieces and _SEPARATORS.fullmatch(between)):
                pieces.append(between)
            at = citation.end
    pieces.append(text[at:end])
    return _join_around_markers(pieces)


def _join_around_markers(pieces: Sequence[str]) -> str:
    joined: list[str] = [pieces[0]]
    for following in pieces[1:]:
        before, after = joined.pop().rstrip(), following
        if before.endswith(("(", "[")) and after.startswith((")", "]")):
            before, after = before[:-1].rstrip(), after[1:]
        if not before and not any(joined):
            after = after.lstrip()
        glued = before[-1:].isalnum() and after[:1].isalnum()
        joined += [before, f" {after}" if glued else after]
    return "".join(joined)
