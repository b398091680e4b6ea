"""Misspelled words of a query, put right by the words that the index itself has."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
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
#: Letters that sound alike in English, in the order in which they are replaced.
_SOUNDS = [
    (re.compile("ph"), "f"),
    (re.compile("c(?=[eiy])|z"), "s"),
    (re.compile("ck|c|q"), "k"),
    (re.compile("y"), "i"),
    (re.compile(r"(.)\1"), r"\1"),
]


def read_english_words() -> Iterator[str]:
    """Yield some 80,000 English words, lower-case, the most frequent first, from the list that symspellpy ships."""
    with files("symspellpy").joinpath(_ENGLISH).open(encoding="utf-8-sig") as lines:
        for line in lines:
            yield line.partition(" ")[0]


@cache
def english_words() -> frozenset[str]:
    """Return all of them, to look one up."""
    return frozenset(read_english_words())


class Spelling:
    """The words of an index, to correct a query by."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._by_initial: dict[str, list[str]] = {}
        self._by_sound: dict[str, list[str]] = {}
        words = sorted(counts)
        # All at once: no rule looks beyond the end of a line, and there may be very many words.
        sounds = _sound_of("\n".join(words)).split("\n")
        for word, sound in zip(words, sounds if words else [], strict=True):
            self._by_initial.setdefault(word[0], []).append(word)
            self._by_sound.setdefault(sound, []).append(word)

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
        it (or, as `is_indexed` says, another form of it), or when no word of the index sounds the same and
        none with the same initial is one edit away.
        """

        def replace(found: re.Match[str]) -> str:
            word = found.group().lower()
            if len(word) < _MIN_CHARS or not word.isalpha():
                return found.group()
            # The many English words come last: most questions need not load them.
            if word in self._counts or is_indexed(word) or word in english_words():
                return found.group()
            return self._nearest(word) or found.group()

        return _WORD.sub(replace, query)

    def _nearest(self, word: str) -> str | None:
        """Return the most frequent word that sounds the same, else the most frequent that is one edit away.

        Of equally frequent ones it is the first by alphabet.
        """
        if alike := self._by_sound.get(_sound_of(word)):
            return self._most_frequent(alike)
        candidates = process.extract(
            word,
            self._by_initial.get(word[0], []),
            scorer=DamerauLevenshtein.distance,
            score_cutoff=_MAX_EDITS,
            limit=None,
        )
        return self._most_frequent([candidate[0] for candidate in candidates])

    def _most_frequent(self, words: Sequence[str]) -> str | None:
        return min(words, key=lambda near: (-self._counts[near], near), default=None)


def _sound_of(word: str) -> str:
    """Return a key that words share when they differ only by letters that sound alike."""
    for letters, sound in _SOUNDS:
        word = letters.sub(sound, word)
    return word
