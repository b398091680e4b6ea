"""Which paragraphs of a page are headings, how deep each is, and which one is the title.

A heading is short, stands on its own lines and differs from the body: larger, bold, in capitals or italic.
Depth follows the numbers that headings print ("2.1"), else the order of their styles.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz import fuzz

from ingest.readers.page_lines import Line
from ingest.readers.paragraphs import Paragraph, Typography
from ingest.references import is_reference_list_heading

_MAX_CHARS = 200
_MAX_LINES = 4
_MAX_CHARS_ABOVE_TITLE = 600
_MAX_PLAIN_CHARS = 80
_DEEPEST = 6
_LARGER = 1.06  # times the body size
_TITLE_LARGER = 1.15
_NUMBER = re.compile(r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+(?=[^\W\d_])")
_WORDS_OF_TITLE = 3
_SAME_TITLE = 90.0  # of 100


class _Style(NamedTuple):
    """What sets headings apart, larger values first in rank."""

    size: float
    bold: bool
    capitals: bool
    upright: bool


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of a document.

    Args:
        levels: Level by index into the paragraphs: 1 is the title's, others 2 to 6.
        title: The title's indices; None where no text stands out as one.
    """

    levels: dict[int, int]
    title: range | None


def find_headings(
    paragraphs: Sequence[Paragraph], typography: Typography, *, metadata_title: str
) -> Headings:
    """Find title and headings among the paragraphs of a document.

    Args:
        paragraphs: In reading order.
        typography: Of the document.
        metadata_title: What the file's own properties give as title, empty when nothing. It decides only
            between texts that stand on the first page.
    """
    title = _find_title(paragraphs, typography, metadata_title)
    of_title = set(title or ())
    styles = {
        at: _style(paragraph.lines, typography)
        for at, paragraph in enumerate(paragraphs)
        if at not in of_title and _may_be_heading(paragraphs, at, typography)
    }
    for at in _front_matter(paragraphs, styles, title):
        del styles[at]
    levels = _levels(paragraphs, styles)
    return Headings({**dict.fromkeys(of_title, 1), **levels}, title)


# --- Title --------------------------------------------------------------------------------------------


def _find_title(paragraphs: Sequence[Paragraph], typography: Typography, metadata_title: str) -> range | None:
    groups = [
        group for group in _first_page_groups(paragraphs) if _length(paragraphs, group) <= 2 * _MAX_CHARS
    ]
    wanted = " ".join(metadata_title.split()).casefold()
    if len(wanted) >= 5:
        for group in groups:
            if fuzz.ratio(_text(paragraphs, group).casefold(), wanted) >= _SAME_TITLE:
                return group
    large = [
        group
        for group in groups
        if _group_size(paragraphs, group) >= _TITLE_LARGER * typography.body_size
        and not _NUMBER.match(_text(paragraphs, group))
        and not is_reference_list_heading(_text(paragraphs, group))
    ]
    with_words = [group for group in large if len(_text(paragraphs, group).split()) >= _WORDS_OF_TITLE]
    return max(with_words or large, key=lambda group: _group_size(paragraphs, group), default=None)


def _first_page_groups(paragraphs: Sequence[Paragraph]) -> list[range]:
    """Return runs of paragraphs of one size on the first page, above its running text.

    A long title may be cut into several paragraphs.
    """
    groups: list[range] = []
    for at, paragraph in enumerate(paragraphs):
        if paragraph.lines[0].page != 1 or (at and _is_prose(paragraphs[at - 1])):
            break
        before = paragraphs[at - 1] if at else None
        together = (
            before is not None
            and groups
            and abs(before.size - paragraph.size) <= 0.2
            and 0 < paragraph.lines[0].baseline - before.lines[-1].baseline <= 1.7 * paragraph.size
        )
        if together:
            groups[-1] = range(groups[-1].start, at + 1)
        else:
            groups.append(range(at, at + 1))
    return groups


def _is_prose(paragraph: Paragraph) -> bool:
    """Say whether a paragraph is too long to stand above a title."""
    return sum(len(text) for text in paragraph.texts) > _MAX_CHARS_ABOVE_TITLE


def _group_size(paragraphs: Sequence[Paragraph], group: range) -> float:
    return paragraphs[group.start].size


def _text(paragraphs: Sequence[Paragraph], group: range) -> str:
    return " ".join(text for at in group for text in paragraphs[at].texts)


def _length(paragraphs: Sequence[Paragraph], group: range) -> int:
    return sum(len(text) for at in group for text in paragraphs[at].texts)


# --- Headings -----------------------------------------------------------------------------------------


def _may_be_heading(paragraphs: Sequence[Paragraph], at: int, typography: Typography) -> bool:
    paragraph = paragraphs[at]
    text = " ".join(paragraph.texts)
    if paragraph.kind != "paragraph" or paragraph.is_caption or at + 1 == len(paragraphs):
        return False
    if len(text) > _MAX_CHARS or len(paragraph.lines) > _MAX_LINES or not any(map(str.isalpha, text)):
        return False
    return is_reference_list_heading(text) or _stands_out(paragraph, text, typography)


def _stands_out(paragraph: Paragraph, text: str, typography: Typography) -> bool:
    style = _style(paragraph.lines, typography)
    is_short_bold = style.bold and len(text) <= _MAX_PLAIN_CHARS
    if text.rstrip().endswith((",", ";", ".")) and not is_short_bold:
        return False
    if style.size > typography.body_size:
        return True
    is_small = paragraph.size < 0.85 * typography.body_size
    return not is_small and (style.bold or _stands_out_plainly(paragraph, text, style))


def _stands_out_plainly(paragraph: Paragraph, text: str, style: _Style) -> bool:
    """Say whether one short line in capitals or italic with space above it is a heading."""
    if len(paragraph.lines) > 1 or len(text) > _MAX_PLAIN_CHARS or not paragraph.space_before:
        return False
    letters = sum(map(str.isalpha, text))
    return letters >= 4 and letters > 0.6 * len(text) and (style.capitals or not style.upright)


def _style(lines: Sequence[Line], typography: Typography) -> _Style:
    size = lines[0].size
    text = "".join(line.text for line in lines)
    return _Style(
        round(size * 2) / 2 if size >= _LARGER * typography.body_size else 0.0,
        all(line.bold for line in lines) and not typography.bold_is_usual,
        text.isupper() and sum(map(str.isalpha, text)) >= 4,
        not all(line.italic for line in lines) or typography.italic_is_usual,
    )


def _front_matter(
    paragraphs: Sequence[Paragraph],
    styles: dict[int, _Style],
    title: range | None,
) -> list[int]:
    """Return authors, addresses and dates below the title: set off as headings are, but in a style of their own."""
    if title is None:
        return []
    used = Counter(
        style for at, style in styles.items() if paragraphs[at].lines[0].page > paragraphs[0].lines[0].page
    )
    found: list[int] = []
    for at in range(title.stop, len(paragraphs)):
        if at not in styles:
            if len(" ".join(paragraphs[at].texts)) > _MAX_CHARS:
                break
            continue
        text = " ".join(paragraphs[at].texts)
        if (
            used[styles[at]]
            or _NUMBER.match(text)
            or (styles[at].bold and at + 1 not in styles and not _is_list_of_names(text))
        ):
            break
        found.append(at)
    return found


def _is_list_of_names(text: str) -> bool:
    return text.count(",") >= 2 or bool(re.search(r"[^\W\d_][¹²³⁴-⁹]|\*", text))


# --- Levels -------------------------------------------------------------------------------------------


def _levels(paragraphs: Sequence[Paragraph], styles: dict[int, _Style]) -> dict[int, int]:
    ranked = sorted(set(styles.values()), reverse=True)
    by_style = {style: min(2 + rank, _DEEPEST) for rank, style in enumerate(ranked)}
    numbered = {
        at: match["number"].count(".") + 2
        for at in styles
        if (match := _NUMBER.match(paragraphs[at].texts[0]))
    }
    printed: dict[_Style, Counter[int]] = defaultdict(Counter)
    for at, level in numbered.items():
        printed[styles[at]][level] += 1
    if len(numbered) >= 2:
        by_style |= {style: counted.most_common(1)[0][0] for style, counted in printed.items()}
        by_style |= _lift_lists(paragraphs, styles, set(printed))
        return {at: min(numbered.get(at, by_style[style]), _DEEPEST) for at, style in styles.items()}
    return {at: by_style[style] for at, style in styles.items()}


def _lift_lists(
    paragraphs: Sequence[Paragraph], styles: dict[int, _Style], numbered: Collection[_Style]
) -> dict[_Style, int]:
    """Give an unnumbered reference list among numbered sections the level of a section."""
    return {
        style: 2
        for at, style in styles.items()
        if style not in numbered and is_reference_list_heading(" ".join(paragraphs[at].texts))
    }
