"""Stand-ins for questions, made from an index's own sentences."""

import hashlib
from collections.abc import Sequence

from index.lexical import terms
from index.searching import Searcher

_MAX_PSEUDO_QUESTIONS = 150
_KEYWORDS = 4


def pseudo_questions(searcher: Searcher) -> list[str]:
    """Return a few keywords from each of some sentences of the index, both picked by their hash.

    Sentences with fewer keywords stand in only where there are no others.
    """
    found: list[tuple[bool, str, str]] = []
    for passage in searcher.content.all_passages():
        for sentence in passage.sentences:
            text = passage.text_of(sentence)
            words = [word.strip("[]().,;:").lower() for word in text.split() if terms(word)]
            if words:
                keywords = " ".join(words[at] for at in sorted(_pick(words, text)))
                found.append((len(words) < _KEYWORDS, _hash(text), keywords))
    long_enough = [each for each in found if not each[0]] or found
    return [keywords for _, _, keywords in sorted(long_enough)[:_MAX_PSEUDO_QUESTIONS]]


def _pick(words: Sequence[str], text: str) -> list[int]:
    """Return the places of a few words, in no order of theirs."""
    return sorted(range(len(words)), key=lambda at: _hash(f"{text}{at}"))[:_KEYWORDS]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
