"""Stand-ins for questions, made from an index's own sentences."""

import hashlib
import heapq
from collections.abc import Iterator, Sequence

from index.lexical import terms
from index.searching import Searcher

_MAX_PSEUDO_QUESTIONS = 150
_KEYWORDS = 4


def pseudo_questions(searcher: Searcher) -> list[str]:
    """Return a few keywords from each of some sentences of the index, both picked by their hash.

    Sentences with fewer keywords stand in only where there are no others.
    """
    found = heapq.nsmallest(_MAX_PSEUDO_QUESTIONS, _candidates(searcher))
    long_enough = [each for each in found if not each[0]] or found
    return [keywords for _, _, keywords in long_enough]


def _candidates(searcher: Searcher) -> Iterator[tuple[bool, str, str]]:
    """Yield, for each sentence with any keyword, whether it has too few, its hash, and those that are picked."""
    for passage in searcher.content.all_passages():
        for sentence in passage.sentences:
            text = passage.text_of(sentence)
            words = [word.strip("[]().,;:").lower() for word in text.split() if terms(word)]
            if words:
                keywords = " ".join(words[at] for at in sorted(_pick(words, text)))
                yield len(words) < _KEYWORDS, _hash(text), keywords


def _pick(words: Sequence[str], text: str) -> list[int]:
    """Return the places of a few words, in no order of theirs."""
    return sorted(range(len(words)), key=lambda at: _hash(f"{text}{at}"))[:_KEYWORDS]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
