"""Misspelled words of a query, put right by the words that the index itself has."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MIN_CHARS = 5
_ENGLISH = "frequency_dictionary_en_82_765.txt"
#: One letter added, lost, changed or swapped with its neighbour. Two would make hyperkalaemia hypokalaemia.
_MAX_EDITS = 1


@cache
def english_words() -> frozenset[str]:
    """Return some 80,000 English words, lower-case, from the frequency list that symspellpy ships."""
    lines = files("symspellpy").joinpath(_ENGLISH).read_text(encoding="utf-8-sig").splitlines()
    return frozenset(line.split()[0] for line in lines)


class Spelling:
    """The words of an index, to correct a query by."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._by_initial: dict[str, list[str]] = {}
        for word in sorted(counts):
            self._by_initial.setdefault(word[0], []).append(word)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Spelling":
        """Collect the words of texts."""
        counts = Counter(word.lower() for text in texts for word in _WORD.findall(text))
        return cls({word: count for word, count in counts.items() if len(word) >= _MIN_CHARS})

    @classmethod
    def read(cls, path: Path) -> "Spelling":
        """Open a file that `write` made."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        """Write the words to a file; the same words give the same bytes."""
        path.write_text(json.dumps(self._counts, ensure_ascii=False, sort_keys=True), encoding="utf-8")

    def correct(self, query: str, *, is_indexed: Callable[[str], bool]) -> str:
        """Return a query with its misspelled words replaced by the nearest words of the index.

        A word is left alone when it is short, when it is English or holds an apostrophe, when the index has
        it (or, as `is_indexed` says, another form of it), or when no word of the index with the same initial
        is one edit away.
        """

        def replace(found: re.Match[str]) -> str:
            word = found.group().lower()
            known = word in self._counts or word in english_words() or is_indexed(word)
            if known or len(word) < _MIN_CHARS or not word.isalpha():
                return found.group()
            return self._nearest(word) or found.group()

        return _WORD.sub(replace, query)

    def _nearest(self, word: str) -> str | None:
        """Return the most frequent word that is one edit away, of equally frequent ones the first by alphabet."""
        candidates = process.extract(
            word,
            self._by_initial.get(word[0], []),
            scorer=DamerauLevenshtein.distance,
            score_cutoff=_MAX_EDITS,
            limit=None,
        )
        words = [candidate[0] for candidate in candidates]
        return min(words, key=lambda near: (-self._counts[near], near), default=None)
