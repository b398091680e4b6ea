"""The numbers that are printed before the entries of a reference list: `[1]`, `1.`, `(1)`, `1)`, `¹`, `1`."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Label", "labels_of_entries", "labels_of_lines"]


@dataclass(frozen=True, slots=True)
class Label:
    """A number at the start of a line (counted from 0), and where the text behind it begins."""

    line: int
    number: int
    end: int


@dataclass(frozen=True, slots=True)
class _Style:
    """One way to print a label.

    Args:
        distinct: Hardly ever met at the start of a line for another reason.
        weak: Just as likely the first word of a text; only a run of numbers from the first line on counts.
    """

    pattern: re.Pattern[str]
    distinct: bool = False
    weak: bool = False


_BULLET = r"\s*(?:[•*·▪◦–-]\s+)?"
_STYLES = (
    _Style(re.compile(_BULLET + r"\\?\[\^?([1-9]\d{0,3})\\?\](?!\()\s*[:.]?\s*"), distinct=True),
    _Style(re.compile(_BULLET + r"([1-9]\d{0,3})\\?\.(?:\)|(?=\s|[^\W\d_]|[\"“‘«]|$))\s*")),
    _Style(re.compile(_BULLET + r"\(([1-9]\d{0,3})\)[.:]?\s*(?=\S|$)")),
    _Style(re.compile(_BULLET + r"([1-9]\d{0,3})\)[.:]?\s*")),
    _Style(re.compile(r"\s*([¹²³⁴-⁹][⁰¹²³⁴-⁹]{0,2})\s*")),
    _Style(re.compile(r"\s*([1-9]\d{0,2})[:|]?\s+(?=\S)"), weak=True),
    _Style(re.compile(r"\s*([1-9]\d{0,2})(?=[^\W\d_]{2})"), weak=True),
)
#: Lists begin with a label; so much else may stand before the first one.
_LINES_BEFORE_LABELS = 3
#: A list may leave out a few numbers; a larger step is more likely a line that begins with another number.
_LARGEST_STEP = 4


def labels_of_entries(entries: Sequence[str]) -> list[Label]:
    """Return the labels of entries that are already told apart, in the style that most of them have.

    Fewer than half of the entries with a label are not a numbered list; then there are none.
    """
    best: list[Label] = []
    for style in _STYLES:
        labels = _labels_in_style(entries, style)
        if style.weak and not (len(labels) == len(entries) > 1 and _is_run(labels)):
            continue  # "5 ways to stretch" is a title
        if len(labels) * 2 >= len(entries) and len(labels) > len(best):
            best = labels
    return best


def labels_of_lines(lines: Sequence[str]) -> list[Label]:
    """Return the labels that begin the entries of a list which may be hard-wrapped; none if it has no numbers."""
    visible = [place for place, line in enumerate(lines) if line.strip()]
    best: list[Label] = []
    for style in _STYLES:
        labels = _labels_in_style(lines, style)
        if not style.distinct and (style.weak or len(labels) < len(visible)):
            labels = _longest_run(labels)
            if labels and labels[0].line not in visible[: 1 if style.weak else _LINES_BEFORE_LABELS]:
                continue
        if len(labels) > max(len(best), 1) or (labels and not best and _stands_alone(labels[0], style)):
            best = labels
    return best


def _stands_alone(label: Label, style: _Style) -> bool:
    return label.line == 0 and not style.weak and (style.distinct or label.number == 1)


def _labels_in_style(lines: Sequence[str], style: _Style) -> list[Label]:
    found = ((line, style.pattern.match(text)) for line, text in enumerate(lines))
    labels = [Label(line, _as_number(match[1]), match.end()) for line, match in found if match]
    return _without_years(labels)


def _as_number(digits: str) -> int:
    return int(unicodedata.normalize("NFKC", digits))


def _without_years(labels: Sequence[Label]) -> list[Label]:
    """Leave out what must be years, and other four-digit numbers that no neighbouring number explains."""
    numbers = {label.number for label in labels}

    def is_plausible(number: int) -> bool:
        return number < 1000 or (number < 1500 and bool({number - 1, number + 1} & numbers))

    return [label for label in labels if is_plausible(label.number)]


def _is_run(labels: Sequence[Label]) -> bool:
    return all(after.number == before.number + 1 for before, after in pairwise(labels))


def _longest_run(labels: Sequence[Label]) -> list[Label]:
    """Those labels that count upwards best; a wrapped line that begins with a number is not among them.

    Each step by one is worth 1; a repeat or a few missing numbers 0.2; a new start at 1 nothing.
    """
    worth: list[float] = []
    previous: list[int | None] = []
    latest: dict[int, int] = {}  # number -> place of its best label so far
    best: int | None = None
    for place, label in enumerate(labels):
        options: list[tuple[float, int | None]] = [(0.0, None)]
        if best is not None and label.number == 1:
            options.append((worth[best], best))
        for step in range(_LARGEST_STEP + 1):
            before = latest.get(label.number - step)
            if before is not None:
                options.append((worth[before] + (1.0 if step == 1 else 0.2), before))
        value, before = max(options, key=lambda option: option[0])
        worth.append(value)
        previous.append(before)
        if label.number not in latest or value >= worth[latest[label.number]]:
            latest[label.number] = place
        if best is None or value > worth[best]:
            best = place
    return _followed_back(labels, previous, best)


def _followed_back(labels: Sequence[Label], previous: Sequence[int | None], last: int | None) -> list[Label]:
    chosen: list[Label] = []
    while last is not None:
        chosen.append(labels[last])
        last = previous[last]
    return chosen[::-1]
