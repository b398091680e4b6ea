"""Joining the printed lines of a paragraph: words that a line end cut, addresses, text without spaces.

A hyphen at a line end is part of the word ("well-known") or only of the line ("recom-mend"). The document
itself decides where it can: by the word as it stands elsewhere, with the hyphen or without it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_WORD = re.compile(r"[^\W\d_]+(?:[-’'‐][^\W\d_]+)*")
_HYPHENS = "-‐"
_SOFT_HYPHEN = "\u00ad"
_CUT_WORD = re.compile(rf"([^\W\d_]+)[{_HYPHENS}]$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"(?:https?://|www\.|doi:|10\.\d{4,9}(?:/|$))\S*$", re.IGNORECASE)
_OPEN_ADDRESS = re.compile(r"(?:://|[/._=&?#%:~-]|10\.\d{4,9}|doi:)$", re.IGNORECASE)
_ADDRESS_PART = re.compile(r"[\w%~(][\w./%()<>;:=&?#~-]*")
_MIN_PART = 3
_MAX_TAIL_CHARS = 300  # where words are not parted by spaces


@dataclass(slots=True)
class Vocabulary:
    """How often each word of a document occurs, words that a line end cuts apart."""

    words: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> "Vocabulary":
        """Count the words of printed lines; the parts of a cut word are not counted."""
        words: Counter[str] = Counter()
        cut = False
        for line in lines:
            found = [match.group().casefold() for match in _WORD.finditer(line)]
            ends_cut = line.rstrip().endswith(tuple(_HYPHENS + _SOFT_HYPHEN))
            words.update(found[cut : len(found) - ends_cut])
            cut = ends_cut
        return cls(words)

    def keeps_hyphen(self, before: str, after: str) -> bool:
        """Say whether a hyphen between two parts belongs to the word."""
        before, after = before.casefold(), after.casefold()
        joined, hyphenated = self.words[before + after], self.words[f"{before}-{after}"]
        if joined or hyphenated:
            return hyphenated > joined
        both_are_words = self.words[before] > 0 and self.words[after] > 0
        return both_are_words and min(len(before), len(after)) >= _MIN_PART


def join_lines(lines: Sequence[str], vocabulary: Vocabulary) -> str:
    """Return the text of a paragraph from its printed lines."""
    pieces: list[str] = []
    for line in filter(None, (line.strip() for line in lines)):
        if not pieces:
            pieces.append(line)
            continue
        # Only the last word matters for how the next line joins.
        head, tail = _split_tail(pieces.pop())
        pieces += [head, _joined(tail, line, vocabulary)]
    return "".join(pieces).replace(_SOFT_HYPHEN, "")


def _split_tail(text: str) -> tuple[str, str]:
    at = max(text.rfind(" ") + 1, len(text) - _MAX_TAIL_CHARS)
    return text[:at], text[at:]


def _joined(tail: str, line: str, vocabulary: Vocabulary) -> str:
    if tail.endswith(_SOFT_HYPHEN):
        return tail[:-1] + line
    if _continues_address(tail, line):
        return tail + line
    if tail.endswith(tuple(_HYPHENS)) and len(tail) > 1:
        return _without_hyphen(tail, line, vocabulary)
    if _ends_open(tail) or _is_unspaced(tail[-1:], line[0]):
        return tail + line
    return f"{tail} {line}"


def _without_hyphen(tail: str, line: str, vocabulary: Vocabulary) -> str:
    cut, rest = _CUT_WORD.search(tail), _FIRST_WORD.match(line)
    if not cut or not rest:
        return tail + line  # "1990-" and "1995"
    is_suspended = rest.group().casefold() in {"and", "or", "to", "und", "oder"}
    if is_suspended:  # "short- and long-term"
        return f"{tail} {line}"
    # A capital after the hyphen is a name or an abbreviation ("anti-HIV"), never the middle of a word.
    if rest.group()[0].isupper() and not cut[1].isupper():
        return tail + line
    return tail + line if vocabulary.keeps_hyphen(cut[1], rest.group()) else tail[:-1] + line


def _continues_address(tail: str, line: str) -> bool:
    """Say whether a DOI or URL that a line begins goes on in the next one."""
    address = _ADDRESS.search(tail)
    if not address or not _OPEN_ADDRESS.search(tail):
        return False
    rest = line.split(" ", 1)[0]
    if not _ADDRESS_PART.match(rest):
        return False
    # After a full stop a capital or a year begins something else, unless more of an address follows.
    return (
        not tail.endswith(".") or rest[0].islower() or any(char in "/_=" for char in rest) or _is_part(rest)
    )


def _is_part(rest: str) -> bool:
    return rest[0].isdigit() and rest.rstrip(".").count(".") >= 1


def _ends_open(tail: str) -> bool:
    return tail.endswith(("–", "—")) and len(tail) > 1 and not tail[-2].isspace()


def _is_unspaced(before: str, after: str) -> bool:
    """Say whether two characters are of scripts that put no space between words."""
    return _is_ideographic(before) and _is_ideographic(after)


def _is_ideographic(char: str) -> bool:
    return bool(char) and unicodedata.east_asian_width(char) in "WF" and not "\uac00" <= char <= "\ud7a3"
