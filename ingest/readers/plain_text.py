"""Plain text: pages as a browser's "select all, copy" gives them, and texts written as such."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ingest.furniture import (
    PageLine,
    find_controls,
    find_tail,
    is_breadcrumb,
    is_control,
    is_fragment,
    is_page_talk,
)
from ingest.readers.assembly import Unit, assemble_reading, mark_references, text_unit
from ingest.readers.page_metadata import is_metadata_line, read_metadata
from ingest.readers.reading import Reading
from ingest.readers.text_encoding import decode_text
from ingest.readers.text_lines import TextLine, split_lines
from ingest.records import Omission
from ingest.references import is_reference_list_heading

_MAX_HEADING_CHARS, _MAX_HEADING_WORDS = 120, 16
_MAX_TITLE_CHARS = 250
_MARKER = re.compile(r"\[\^?\d{1,3}(?:\s?[,;–-]\s?\d{1,3})*\]|[【〔]\d{1,3}[】〕]|(?<=[a-z.,])[¹²³⁴-⁹]")
_CITES = re.compile(r"\b(?:1[89]|20)\d\d\b|https?://|\bdoi\b", re.IGNORECASE)
_HEADING_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+\S")
_STATEMENT = re.compile(
    r"\b(?:is|are|was|were|may|can|could|should|will|would|must|has|have|had|includes?|including|following|these"
    r"|you|your|such\s+as|as\s+follows|it|they)\b"
)
_MAIL_HEADER = re.compile(
    r"(?:from|to|cc|bcc|subject|date|sent|re|reply-to|author|source|url)\s?:\s", re.IGNORECASE
)
_PROSE_MIN_CHARS, _PROSE_MIN_WORDS = 60, 9


def read_plain_text(data: bytes) -> Reading:
    """Read a text file, with or without the furniture of a page around the text.

    Lines that were wrapped at a column are joined. The title is the heading above the first prose. A short
    line that stands alone is a heading of level 2, one that ends in a colon above a list of level 3; numbers
    such as "2.1" give their own level. What surrounds the text on a page is left out, with the reason.

    Raises:
        UnreadableDocumentError: If it is binary, damaged or empty.
    """
    decoded = decode_text(data)
    split = split_lines(decoded.text.lstrip("\ufeff"))
    lines = split.lines
    head = _read_head(lines)
    omitted = [*head.omitted, *(Omission(rule, "decoration") for rule in split.rules)]
    units = list(_units(lines[head.body_start :], skipped=head.skipped, offset=head.body_start))
    if head.title is not None:
        units.insert(0, text_unit("heading", head.title, level=1))
    units, furniture = _without_furniture(list(_apart(mark_references(units))), is_page=not split.is_wrapped)
    if not units:  # a page of nothing but furniture is still what was asked for
        units = [text_unit("paragraph", _with_label(line)) for line in lines]
        omitted, furniture = [], []
    metadata = read_metadata([line.text for line in lines if is_metadata_line(line.text)])
    return assemble_reading(
        units,
        title=head.title,
        metadata=metadata,
        omitted=[*omitted, *furniture],
        warnings=decoded.warnings,
    )


# --- Above the text ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Head:
    """What was found above the first prose; the body starts behind the title."""

    title: str | None = None
    body_start: int = 0
    skipped: set[int] = field(default_factory=set)
    omitted: list[Omission] = field(default_factory=list)

    def omit(self, at: int, line: TextLine, reason: str) -> None:
        """Leave a line out of the body."""
        self.skipped.add(at)
        self.omitted.append(Omission(_with_label(line), reason))


def _read_head(lines: Sequence[TextLine]) -> _Head:
    """Find the title, and what is no part of the text above it and right below it."""
    end = next((at for at, line in enumerate(lines) if _is_first_prose(line)), len(lines))
    head = _Head()
    chosen = _choose_title(lines, end)
    if chosen is None:
        return head
    head.title = _with_label(lines[chosen])
    head.body_start = chosen + 1
    for at in range(chosen):
        head.omit(at, lines[at], "page furniture before the title")
    for at in range(chosen + 1, end):
        text = lines[at].text
        if text.casefold() == head.title.casefold():
            head.omit(at, lines[at], "repeats the title")
        elif is_metadata_line(text):
            head.omit(at, lines[at], "date, reading time or byline")
        elif is_control(text) or is_breadcrumb(text):
            head.omit(at, lines[at], "page furniture below the title")
    for at in sorted(_find_contents(lines) - set(range(chosen + 1)) - head.skipped):
        head.omit(at, lines[at], "table of contents")
    return head


def _is_first_prose(line: TextLine) -> bool:
    return _is_prose(line.text) and not is_page_talk(line.text) and not is_metadata_line(line.text)


def _is_prose(text: str) -> bool:
    """Say whether there is a sentence in it, not a title or a fragment."""
    ends = re.search(r"[.!?…][\"'”’)\]]*(?:\s|\[|$)|[.!?]\d|:$", text) is not None
    return ends and len(text) >= _PROSE_MIN_CHARS and len(text.split()) >= _PROSE_MIN_WORDS


def _choose_title(lines: Sequence[TextLine], end: int) -> int | None:
    """Return the line that is the title, None if there is none before the first prose.

    In a text without prose, or without furniture above it, only the first line can be. On a page it is, in
    this order: what the breadcrumb or another line repeats, what stands right above date and byline, the
    longest line below the menu.
    """
    candidates = [at for at in range(end) if _may_be_title(lines[at])]
    if not candidates:
        return None
    if end == len(lines) or not _has_furniture(lines[:end]):
        return candidates[0] if candidates[0] == 0 else None
    times = Counter(line.text.casefold() for line in lines[:end])
    once = [at for at in candidates if times[lines[at].text.casefold()] == 1]
    candidates = once or candidates  # a menu's names come twice where the way to the page is shown
    repeated = [at for at in candidates if _is_repeated(lines, at, end)]
    dated = [at for at in candidates if at + 1 < end and is_metadata_line(lines[at + 1].text)]
    menu_end = _menu_end(lines[:end])
    below_menu = [at for at in candidates if at >= menu_end]
    return max(repeated or dated or below_menu or candidates, key=lambda at: (len(lines[at].text), -at))


def _menu_end(lines: Sequence[TextLine]) -> int:
    """Return where the last menu ends: a group of names, three or more, without date or byline."""
    end = at = 0
    for _, members in groupby(lines, key=lambda line: line.group):
        group = list(members)
        at += len(group)
        names = all(len(line.text.split()) <= 4 and is_fragment(line.text) for line in group)
        if len(group) >= 3 and names and not any(is_metadata_line(line.text) for line in group):
            end = at
    return end


def _may_be_title(line: TextLine) -> bool:
    text = line.text
    return (
        len(text) <= _MAX_TITLE_CHARS
        and (not line.is_item or (line.label is not None and line.label[0].isdigit()))
        and any(character.isalpha() for character in text)
        and not re.search(r"[.,;:][\"'”’)]*$", text)
        and not _MAIL_HEADER.match(text)
        and not (is_control(text) or is_breadcrumb(text) or is_metadata_line(text) or is_page_talk(text))
    )


def _has_furniture(lines: Sequence[TextLine]) -> bool:
    """Say whether what stands above the first prose is the top of a page and not only a title."""
    if any(is_breadcrumb(line.text) or is_control(line.text) or is_page_talk(line.text) for line in lines):
        return True
    loose = [line for line in lines if is_fragment(line.text) and not is_metadata_line(line.text)]
    return len(loose) >= 5


def _is_repeated(lines: Sequence[TextLine], at: int, end: int) -> bool:
    """Say whether a longer line, such as the way to the page, holds the same words."""
    text = lines[at].text.casefold()
    others = (lines[other].text.casefold() for other in range(end))
    return len(text) >= 12 and any(text in other and text != other for other in others)


def _find_contents(lines: Sequence[TextLine]) -> set[int]:
    """Return the lines of tables of contents: three or more names in a group that head later groups."""
    last_group = {line.text.casefold(): line.group for line in lines}
    found: set[int] = set()
    for _, members in groupby(range(len(lines)), key=lambda at: lines[at].group):
        group = [at for at in members if not is_metadata_line(lines[at].text)]
        names = [at for at in group if last_group[lines[at].text.casefold()] > lines[at].group]
        if (
            len(names) >= 3
            and 3 * len(names) >= 2 * len(group)
            and all(is_fragment(lines[at].text) for at in group)
        ):
            found.update(group)
    return found


# --- The text ----------------------------------------------------------------------------------------


def _units(lines: Sequence[TextLine], *, skipped: set[int], offset: int) -> Iterator[Unit]:
    """Yield the units of the body; lines of a group below the references' heading stay in one unit."""
    kept = [line for at, line in enumerate(lines, offset) if at not in skipped]
    headings = _headings(kept)
    bare_items = _bare_items(kept, headings)
    in_references = False
    indents: list[int] = []
    at = 0
    while at < len(kept):
        line = kept[at]
        end = at + 1
        if at in headings:
            in_references = is_reference_list_heading(line.text)
            yield text_unit("heading", _with_label(line), level=headings[at])
        elif in_references and not _is_bulleted(line):
            while end < len(kept) and _goes_on(kept, end) and end not in headings:
                end += 1
            yield text_unit("paragraph", "\n".join(_with_label(entry) for entry in kept[at:end]))
        elif at in bare_items:
            yield text_unit("list_item", line.text)
        elif line.is_item:
            indents = _deepened(indents if at and _in_list(kept[at - 1], line) else [], line.indent)
            yield text_unit("list_item", _with_label(line), level=len(indents) - 1)
        elif "\t" in line.text and _is_table_row(kept, at):
            cells = (cell.strip() for cell in line.text.split("\t"))
            yield text_unit("table_row", " | ".join(filter(None, cells)))
        else:
            yield text_unit("paragraph", line.text)
        at = end


def _is_bulleted(line: TextLine) -> bool:
    return line.is_item and line.label is None


def _goes_on(lines: Sequence[TextLine], at: int) -> bool:
    return lines[at].group == lines[at - 1].group and not _is_bulleted(lines[at])


def _with_label(line: TextLine) -> str:
    return f"{line.label} {line.text}" if line.label else line.text


def _in_list(previous: TextLine, line: TextLine) -> bool:
    return previous.is_item and line.group - previous.group <= 1


def _deepened(indents: list[int], indent: int) -> list[int]:
    """Return the open indents of a list with one more item; its depth is one less than their number."""
    outer = [open_ for open_ in indents if open_ < indent]
    return [*outer, indent]


def _is_table_row(lines: Sequence[TextLine], at: int) -> bool:
    cells = lines[at].text.count("\t")
    neighbours = (other for other in (at - 1, at + 1) if 0 <= other < len(lines))
    return any(lines[other].text.count("\t") == cells for other in neighbours)


# --- Headings ----------------------------------------------------------------------------------------


def _headings(lines: Sequence[TextLine]) -> dict[int, int]:
    """Return the level of each line that is a heading."""
    in_references = False
    levels: dict[int, int] = {}
    for at, line in enumerate(lines):
        if not _is_heading(lines, at) or (in_references and (_CITES.search(line.text) or line.is_item)):
            continue
        levels[at] = _heading_level(lines, at)
        in_references = is_reference_list_heading(line.text)
    _drop_lists_of_fragments(lines, levels)
    return levels


def _is_heading(lines: Sequence[TextLine], at: int) -> bool:
    line = lines[at]
    following = lines[at + 1] if at + 1 < len(lines) else None
    if following is None or not _looks_like_heading(lines, at):
        return False
    if line.underlined or is_reference_list_heading(line.text):
        return True
    above = at > 0 and lines[at - 1].group == line.group
    below = following.group == line.group
    if above and not (lines[at - 1].is_item or _is_prose(lines[at - 1].text)):
        return False
    return not below or following.is_item or (_is_prose(following.text) and not _is_statement(line.text))


def _looks_like_heading(lines: Sequence[TextLine], at: int) -> bool:
    line = lines[at]
    text = line.text
    if len(text) > _MAX_HEADING_CHARS or len(text.split()) > _MAX_HEADING_WORDS or "\t" in text:
        return False
    if re.search(r"[.!,;…][\"'”’)]*$", text) or not re.match(r"[\"'“‘(¿¡]?[^\W_]", text):
        return False
    if line.is_item and not _is_numbered_heading(lines, at):
        return False
    first = next((character for character in text if character.isalpha()), "")
    if not first or first.islower() or _MARKER.search(text):
        return False
    if text.endswith(":"):
        return not _is_statement(text) and len(text.split()) <= 10
    return ": " not in text or len(text.split(": ")[0].split()) <= 6


def _is_statement(text: str) -> bool:
    """Say whether a line that introduces something is a clause, "Risk factors include:", and not a name."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 3]
    capitals = sum(word[0].isupper() for word in words)
    return _STATEMENT.search(text) is not None and not text.endswith("?") and capitals <= 0.6 * len(words)


def _is_numbered_heading(lines: Sequence[TextLine], at: int) -> bool:
    """Say whether "2. Methods" heads a section: alone, above text, and neither neighbour is an item."""
    line = lines[at]
    if line.label is None or not line.label[0].isdigit():
        return False
    alone = all(lines[other].group != line.group for other in (at - 1, at + 1) if 0 <= other < len(lines))
    neighbours = [lines[other] for other in (at - 1, at + 1) if 0 <= other < len(lines)]
    return alone and not any(
        other.is_item and other.label and other.label[0].isdigit() for other in neighbours
    )


def _heading_level(lines: Sequence[TextLine], at: int) -> int:
    numbered = _HEADING_NUMBER.match(_with_label(lines[at]))
    if numbered is not None:
        return min(2 + numbered[1].count("."), 6)
    introduces_list = at + 1 < len(lines) and lines[at + 1].is_item
    return 3 if lines[at].text.endswith(":") and introduces_list else 2


def _drop_lists_of_fragments(lines: Sequence[TextLine], levels: dict[int, int]) -> None:
    """Of three or more headings in a row keep the first and the last: those between head nothing."""
    heads = sorted(at for at in levels if levels[at] == 2 and not lines[at].label)
    for _, run in groupby(enumerate(heads), key=lambda pair: pair[1] - pair[0]):
        for at in [at for _, at in run][1:-1]:
            if not is_reference_list_heading(lines[at].text):
                del levels[at]


def _bare_items(lines: Sequence[TextLine], levels: dict[int, int]) -> set[int]:
    """Return the items of lists whose bullets were lost: three or more fragments below "...:".

    The last one is no item if it can head the text that follows. Headings among the items lose their level.
    """
    items: set[int] = set()
    for start, line in enumerate(lines):
        if line.is_item or not line.text.endswith(":") or start in levels:
            continue
        end = start + 1
        while end < len(lines) and _may_be_item(lines[end]):
            end += 1
        if end - 1 in levels and end < len(lines):
            end -= 1
        if end - start > 3:
            items.update(range(start + 1, end))
    for at in items:
        levels.pop(at, None)
    return items


def _may_be_item(line: TextLine) -> bool:
    short = len(line.text.split()) <= _MAX_HEADING_WORDS and not re.search(r"[.!?:]$", line.text)
    return short and not line.is_item and "\t" not in line.text and not is_reference_list_heading(line.text)


# --- Furniture ---------------------------------------------------------------------------------------


def _without_furniture(units: Sequence[Unit], *, is_page: bool) -> tuple[list[Unit], list[Omission]]:
    """Return the units that are text, and those that are not with the reasons."""
    last = max((at for at, unit in enumerate(units) if unit.kind == "reference"), default=-1)
    lines = [PageLine(unit.kind, unit.text, _has_marker(unit)) for unit in units]
    reasons = find_controls(lines[: last + 1] if last >= 0 else lines) if is_page else {}
    if last >= 0 or is_page:
        rest = [at for at in range(last + 1, len(units)) if at not in reasons]
        found = find_tail([lines[at] for at in rest], after_references=last >= 0)
        reasons.update({rest[at]: reason for at, reason in found.items()})
    kept = [unit for at, unit in enumerate(units) if at not in reasons]
    return kept, [Omission(units[at].text, reason) for at, reason in sorted(reasons.items())]


def _apart(units: Sequence[Unit]) -> Iterator[Unit]:
    """Yield the units with lines that stayed together as a possible entry, but are none, taken apart."""
    for unit in units:
        if unit.kind == "paragraph" and "\n" in unit.text:
            yield from (text_unit("paragraph", line) for line in unit.text.split("\n"))
        else:
            yield unit


def _has_marker(unit: Unit) -> bool:
    return unit.kind != "reference" and _MARKER.search(unit.text) is not None
