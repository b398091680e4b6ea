"""Stand-ins for questions, made from an index's own sentences."""

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.lexical import terms
from index.searching import Searcher

_MAX_PSEUDO_QUESTIONS = 150
_KEYWORDS = 4


@dataclass(frozen=True, slots=True, order=True)
class PseudoQuestion:
    """A few keywords of one sentence, in its order, and the position of the passage that the sentence is in."""

    keywords: str
    position: int


def pseudo_questions(searcher: Searcher) -> list[PseudoQuestion]:
    """Return a few keywords from each of some sentences of the index, both picked by their hash.

    Sentences with fewer keywords stand in only where there are no others.
    """
    found = heapq.nsmallest(_MAX_PSEUDO_QUESTIONS, _candidates(searcher))
    long_enough = [each for each in found if not each[0]] or found
    return [made for _, _, made in long_enough]


def _candidates(searcher: Searcher) -> Iterator[tuple[bool, str, PseudoQuestion]]:
    """Yield, for each sentence with any keyword, whether it has too few, its hash, and those that are picked."""
    for position, passage in enumerate(searcher.content.all_passages()):
        for sentence in passage.sentences:
            text = passage.text_of(sentence)
            words = [word.strip("[]().,;:").lower() for word in text.split() if terms(word)]
            if words:
                keywords = " ".join(words[at] for at in sorted(_pick(words, text)))
                yield len(words) < _KEYWORDS, _hash(text), PseudoQuestion(keywords, position)


def _pick(words: Sequence[str], text: str) -> list[int]:
    """Return the places of a few words, in no order of theirs."""
    return sorted(range(len(words)), key=lambda at: _hash(f"{text}{at}"))[:_KEYWORDS]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
