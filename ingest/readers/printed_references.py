"""Cutting the printed lines of a reference list into entries, before anything reads what they say.

A number counts as a label only where the list has come to it: a line that begins with a year or a page number
begins no entry.
"""

import re
from collections.abc import Sequence

from ingest.readers.page_lines import Line
from ingest.readers.paragraphs import Typography

_LABELS = (
    re.compile(r"\[\s*(\d{1,4})\s*\]"),
    re.compile(r"\((\d{1,4})\)"),
    re.compile(r"(\d{1,4})[.)](?=\s|[^\W\d])"),
    re.compile(r"([⁰¹²³⁴-⁹]{1,4})"),
    re.compile(r"(\d{1,4})(?=\s+[^\W\d_])"),
)
_PLAIN_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_MAX_MISSING = 2
_MIN_SHARE_INDENTED = 0.2
_HANGING = 0.5  # of the size


def entry_starts(lines: Sequence[Line], paragraph_starts: Sequence[int], typography: Typography) -> list[int]:
    """Return the indices of the lines on which entries begin, the first line always among them.

    Args:
        lines: Of the list, without its heading.
        paragraph_starts: Lines on which a paragraph seems to begin; used where neither numbers nor a
            hanging indent tell.
        typography: Of the document.
    """
    if not lines:
        return []
    labelled = max((_labelled_starts(lines, label) for label in _LABELS), key=len)
    if len(labelled) >= 2 or (labelled and len(lines) <= 6):
        starts = labelled
    else:
        starts = _hanging_starts(lines, typography) or sorted(paragraph_starts)
    return sorted({0, *starts})


def printed_number(text: str) -> int | None:
    """Return the number that an entry prints before it, in any of the styles of label."""
    for label in _LABELS:
        match = label.match(text)
        if match:
            return int(match[1].translate(_PLAIN_DIGITS))
    return None


def _labelled_starts(lines: Sequence[Line], label: re.Pattern[str]) -> list[int]:
    starts: list[int] = []
    expected: int | None = None
    for at, line in enumerate(lines):
        match = label.match(line.text)
        if not match:
            continue
        number = int(match[1].translate(_PLAIN_DIGITS))
        if (expected is None and number <= 1 + _MAX_MISSING) or (
            expected is not None and expected <= number <= expected + _MAX_MISSING
        ):
            starts.append(at)
            expected = number + 1
    return starts


def _hanging_starts(lines: Sequence[Line], typography: Typography) -> list[int]:
    indented = [line.x0 - typography.edges(line).left > _HANGING * line.size for line in lines]
    if not _MIN_SHARE_INDENTED * len(lines) <= sum(indented) < len(lines):
        return []
    return [at for at, is_indented in enumerate(indented) if not is_indented]
