"""Telling the entries of a reference list apart where lines were wrapped or entries run together."""

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low

from ingest.author_names import begins_with_authors
from ingest.entry_labels import Label, labels_of_lines

__all__ = ["split_reference_list"]


def split_reference_list(lines: Sequence[str]) -> list[str]:
    """Return the entries of a reference list, each on one line with its printed label.

    Numbered entries begin where their labels stand, at the start of a line or, where a number is missing
    there, within one. Unnumbered ones are told apart by empty lines, else by hanging indents, else by lines
    that begin with authors behind an entry that is complete. An unnumbered paragraph behind a finished
    numbered entry becomes an entry of its own.

    Args:
        lines: The lines or paragraphs below the heading, with their indents; an empty one separates.
    """
    labels = labels_of_lines(lines)
    if labels:
        return _split_numbered(lines, labels)
    return _split_paragraphs(_paragraphs(lines))


#: How a printed entry may end: a stop, a closing bracket or quotation mark, a number, an address.
_ENTRY_END = re.compile(r"(?:[.!?)\]\d”\"’»>↩]|\bhttps?://\S+|\bwww\.\S+|\b10\.\d{4,9}/\S+)\s*$")
#: What can only go on with an entry: an address or identifier, a note on access, a word in lower case.
_CONTINUATION = re.compile(
    r"(?i:https?://|www\.|(?:doi|pmid|pmcid|available|accessed|retrieved|epub)\b|10\.\d{4}|in:|pp?\. ?\d)"
    r"|[^\W\dA-Z_](?!\w*[A-Z])\w+\s|[,;.)&–-]"
)
_PARTICLE = re.compile(r"(?:van|von|de|der|den|di|da|dos|del|della|la|le|ter|ten|zu)\s")
_DATED = re.compile(
    r"\b(?:1[5-9]|20)\d\d[a-z]?\b|\bn\.\s?d\.|\bin press\b|\bforthcoming\b|https?://|www\.", re.I
)
#: So many lines are enough to see whether authors stand at the head of an entry.
_LINES_OF_AUTHORS = 6
_AUTHORS_CHARS = 800


def _split_numbered(lines: Sequence[str], labels: Sequence[Label]) -> list[str]:
    starts = [label.line for label in labels]
    entries = _split_paragraphs(_paragraphs(lines[: starts[0]]))
    numbers = [*(label.number for label in labels[1:]), None]
    for label, stop, following in zip(labels, [*starts[1:], len(lines)], numbers, strict=True):
        own, *rest = _finished(_paragraphs(lines[label.line : stop]))
        entries += _split_run_together(own, label.number, before=following)
        entries += rest
    return entries


def _finished(paragraphs: Sequence[Sequence[str]]) -> list[str]:
    """Join each paragraph, and those that go on with the one before."""
    entries: list[str] = []
    for paragraph in paragraphs:
        text = _join(paragraph)
        if entries and (not _ENTRY_END.search(entries[-1]) or _CONTINUATION.match(text)):
            entries[-1] = _join([entries[-1], text])
        else:
            entries.append(text)
    return entries


def _split_run_together(text: str, number: int, *, before: int | None) -> list[str]:
    """Split what stands between two labels where the numbers missing between them are printed within it."""
    entries: list[str] = []
    wanted = number + 1
    while before is None or wanted < before:
        at = _inner_label(text, wanted)
        if at is None:
            break
        entries.append(text[:at].strip())
        text = text[at:]
        wanted += 1
    return [*entries, text.strip()]


def _inner_label(text: str, number: int) -> int | None:
    """Where the label `number` stands within a line, in the same notation as the line's own label."""
    opening = re.match(r"\s*(\\?\[\^?|\(|)\d{1,4}(\\?\]|\\?\.|\)|)", text)
    if opening is None or not (opening[1] or opening[2]):
        return None
    bracketed = opening[1].endswith(("[", "^"))
    closing_then = r"\s*" if bracketed else r"\s+(?=[^\W\da-z_]|[\"“‘«])"
    wanted = re.escape(opening[1]) + str(number) + re.escape(opening[2]) + closing_then
    for found in re.finditer(rf"(?<=\s){wanted}", text[opening.end() :]):
        at = opening.end() + found.start()
        if bracketed or _ENTRY_END.search(text[:at].rstrip()):
            return at
    return None


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return [paragraph for paragraph in paragraphs if paragraph]


def _split_paragraphs(paragraphs: Sequence[Sequence[str]]) -> list[str]:
    """Split unnumbered paragraphs, unless most of them are plainly one entry each: then all are."""
    parts = [_split_unnumbered(paragraph) for paragraph in paragraphs]
    if len(parts) > 1 and median_low(map(len, parts)) == 1:
        return [_join(paragraph) for paragraph in paragraphs]
    return [entry for part in parts for entry in part]


def _split_unnumbered(lines: Sequence[str]) -> list[str]:
    """Split lines without an empty one between them."""
    starts = _starts_by_indent(lines) or _starts_by_look(lines)
    return [_join(lines[start:stop]) for start, stop in pairwise([*starts, len(lines)])]


def _starts_by_indent(lines: Sequence[str]) -> list[int]:
    """Lines that stand further left than others; none unless the list has hanging indents."""
    indents = [len(line) - len(line.lstrip()) for line in lines]
    if len(set(indents)) == 1 or indents[0] != min(indents):
        return []
    return [place for place, indent in enumerate(indents) if indent == min(indents)]


def _starts_by_look(lines: Sequence[str]) -> list[int]:
    if all(_is_whole(line) for line in lines):
        return list(range(len(lines)))
    starts = [0]
    for place in range(1, len(lines)):
        so_far = " ".join(lines[starts[-1] : place]).rstrip()
        if _ENTRY_END.search(so_far) and _DATED.search(so_far) and _begins_entry(lines[place:]):
            starts.append(place)
    return starts


def _is_whole(line: str) -> bool:
    """Say whether a line can be an entry by itself."""
    stripped = line.strip()
    return bool(_DATED.search(stripped) and _ENTRY_END.search(stripped)) and not _CONTINUATION.match(stripped)


def _begins_entry(lines: Sequence[str]) -> bool:
    head = _join(lines[:_LINES_OF_AUTHORS])[:_AUTHORS_CHARS]
    return begins_with_authors(head) and not (_CONTINUATION.match(head) and not _PARTICLE.match(head))


_HYPHENATED = re.compile(r"[^\W\d_]-$")
_ADDRESS = re.compile(r"(?:https?://|www\.|\b10\.\d{4,9}/)\S*$")
_OPEN_ADDRESS = re.compile(r"(?:https?://|www\.|\b10\.\d{4,9}/)(?:\S*[/_=&?.-])?$")
_ADDRESS_GOES_ON = re.compile(r"[-/_.=&?]|(?=\S*[\d/_.=-])[a-z0-9]")


def _join(lines: Sequence[str]) -> str:
    """Join wrapped lines: no space behind a hyphen within a word, nor within an address or a DOI."""
    text = ""
    for line in (one.strip() for one in lines):
        text += line if not text or _is_glued(text, line) else f" {line}"
    return text


def _is_glued(text: str, line: str) -> bool:
    if _HYPHENATED.search(text) and line[:1].isalpha():
        return True
    if _OPEN_ADDRESS.search(text):
        return _ADDRESS_GOES_ON.match(line) is not None
    return _ADDRESS.search(text) is not None and line[:1] in tuple("-/_=&?")
