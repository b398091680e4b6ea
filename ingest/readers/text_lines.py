"""The lines of a plain text as its author meant them: hard-wrapped ones joined, groups and lists kept."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

# Word processors and icon fonts put their bullets into the private use area.
_GLYPH = r"[\ue000-\uf8ff•●▪■◦‣⁃∙·○►▶➢➤✓✔❖]"
_ITEM = re.compile(
    rf"(?:{_GLYPH}\s*|[*+–—-]\s+|o\s{{2,}}|(?P<label>\(?(?:\d{{1,3}}|[a-z]|[ivx]{{2,5}})[.)]|\(?[A-Z]\))\s+)(?P<text>\S.*)",
    re.DOTALL,
)
_REFERENCE_LABEL = re.compile(r"\[\^?\d{1,4}\]:?\s")
_RULE = re.compile(r"([=\-_*~#])\1{2,}|(?:[*_-]\s){2,}[*_-]")
_CUT = re.compile(r"\w[-‐/]$")
_MIN_WIDTH, _MAX_WIDTH = 50, 110  # columns that people wrap text at


@dataclass(frozen=True, slots=True)
class TextLine:
    """One logical line.

    Args:
        text: Without bullet and outer white space; tabs stand between the cells of a table row.
        group: Lines with no empty line between share it.
        indent: Columns before the text or its bullet.
        is_item: Whether it began with a bullet or a label such as "1." or "b)".
        label: The label of such an item, None for a bullet.
        underlined: Whether a line of dashes or the like stood below.
    """

    text: str
    group: int
    indent: int = 0
    is_item: bool = False
    label: str | None = None
    underlined: bool = False


@dataclass(frozen=True, slots=True)
class TextLines:
    """A text's logical lines, what was decoration only, and whether it came hard-wrapped."""

    lines: tuple[TextLine, ...]
    rules: tuple[str, ...]
    is_wrapped: bool


def split_lines(text: str) -> TextLines:
    """Return the logical lines of a text.

    A text is hard-wrapped when its lines keep within a column and mostly break only where the next word
    would not fit; such breaks are undone. In other texts every line stands for itself, except in a group
    of lines that is wrapped for itself.
    """
    groups = list(_groups(text))
    width = _wrap_width([line for group in groups for line in group], groups)
    lines: list[TextLine] = []
    rules: list[str] = []
    for at, group in enumerate(groups):
        own_width = width or _own_width(group)
        for joined in _join_wrapped(group, own_width):
            if _RULE.fullmatch(joined.strip()):
                rules.append(joined.strip())
                if lines and lines[-1].group == at:
                    lines[-1] = replace(lines[-1], underlined=True)
            else:
                lines.append(_logical_line(joined, at))
    return TextLines(tuple(lines), tuple(rules), is_wrapped=width is not None)


def _groups(text: str) -> Iterator[list[str]]:
    group: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line.strip():
            group.append(line.rstrip())
        elif group:
            yield group
            group = []


def _wrap_width(lines: Sequence[str], groups: Sequence[Sequence[str]]) -> int | None:
    """Return the column that a text is wrapped at, None if it is not."""
    lengths = sorted(len(line) for line in lines if " " in line.strip())
    if not lengths:
        return None
    width = lengths[int(0.98 * (len(lengths) - 1))]
    if not _MIN_WIDTH <= width <= _MAX_WIDTH:
        return None
    pairs = [pair for group in groups for pair in pairwise(group) if not _begins(pair[1])]
    unfit = sum(_is_unfit(first, second, width) for first, second in pairs)
    return width if unfit >= 2 and 2 * unfit >= len(pairs) else None


def _own_width(group: Sequence[str]) -> int | None:
    if len(group) < 4:
        return None
    width = max(map(len, group))
    fits = all(
        _is_unfit(first, second, width) and len(first) >= _MIN_WIDTH for first, second in pairwise(group)
    )
    return width if fits and width <= _MAX_WIDTH else None


def _is_unfit(line: str, following: str, width: int) -> bool:
    """Say whether the next line's first word would not have fitted, give or take a few columns."""
    word = following.split(maxsplit=1)[0]
    return len(line) + 1 + len(word) > width - 3


def _begins(line: str) -> bool:
    """Say whether a line cannot be the rest of the one above."""
    text = line.strip()
    return bool(_ITEM.match(text) or _REFERENCE_LABEL.match(text) or _RULE.fullmatch(text))


def _join_wrapped(group: Sequence[str], width: int | None) -> Iterator[str]:
    parts: list[str] = []
    last = ""
    for line in group:
        if parts and width is not None and _continues(last, line, width):
            # A hyphen at a line's end is kept: which words bear one cannot be told here.
            parts += [] if _CUT.search(last[-2:]) else [" "]
            parts.append(line.strip())
        else:
            if parts:
                yield "".join(parts)
            parts = [line]
        last = line
    yield "".join(parts)


def _continues(last: str, line: str, width: int) -> bool:
    return (
        not _begins(line)
        and "\t" not in line.strip()
        and _is_unfit(last, line, width)
        and not _RULE.fullmatch(last.strip())
    )


def _logical_line(line: str, group: int) -> TextLine:
    text = line.strip()
    indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
    item = _ITEM.fullmatch(text)
    if item is None:
        return TextLine(text, group, indent)
    return TextLine(item["text"].strip(), group, indent, is_item=True, label=item["label"])
