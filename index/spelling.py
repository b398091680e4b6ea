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
_MIN_CHARS = 4
_ENGLISH = "frequency_dictionary_en_82_765.txt"
#: Two words are taken for one when this share of the longer one's letters stays: of short words, more must.
_MIN_SIMILARITY, _MIN_SIMILARITY_SHORT, _SHORT_CHARS = 0.75, 0.8, 5


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

        A word is left alone when it is short, when it is English or holds an apostrophe, when the index has it (or, as
        `is_indexed` says, another form of it), or when no word of the index with the same initial is near
        enough.
        """

        def replace(found: re.Match[str]) -> str:
            word = found.group().lower()
            known = word in self._counts or word in english_words() or is_indexed(word)
            if known or len(word) < _MIN_CHARS or not word.isalpha():
                return found.group()
            return self._nearest(word) or found.group()

        return _WORD.sub(replace, query)

    def _nearest(self, word: str) -> str | None:
        """Return the nearest word; of equally near ones the most frequent, then the first by alphabet."""
        similarity = _MIN_SIMILARITY_SHORT if len(word) <= _SHORT_CHARS else _MIN_SIMILARITY
        candidates = process.extract(
            word,
            self._by_initial.get(word[0], []),
            scorer=DamerauLevenshtein.normalized_similarity,
            score_cutoff=similarity,
            limit=None,
        )
        ranked = sorted(candidates, key=lambda found: (-found[1], -self._counts[found[0]], found[0]))
        return ranked[0][0] if ranked else None
