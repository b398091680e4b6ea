"""Keeping the first passages from saying one thing over and over, or from all being of one document."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

#: How many of the first places are looked after; what comes later stays as it is.
SPREAD_PLACES = 10
#: At most this share of the first passages is of one document, wherever they end ...
_LARGEST_SHARE = 0.8
#: ... as long as another document's passage scores this share of what it would stand before.
_LEAST_SCORE_SHARE = 0.7
_ALIKE_FROM = 0.9
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\w*\d\w*")


def share_places(documents: Sequence[int], scores: Sequence[float]) -> list[int]:
    """Return the order in which passages are shown so that no document fills the first places.

    Of the first n passages at most four in five are of one document (of one passage alone, that one), unless
    those of all others score far less than what they would be put before.

    Args:
        documents: Which document each passage is of, best passage first.
        scores: Their scores, same length, never rising.

    Returns:
        Places in the sequences given, all of them.
    """
    left = list(range(len(documents)))
    order: list[int] = []
    held: Counter[int] = Counter()
    while left and len(order) < SPREAD_PLACES:
        most = max(1, math.ceil(_LARGEST_SHARE * (len(order) + 1)))
        least = _LEAST_SCORE_SHARE * scores[left[0]]
        fitting = (at for at in left if held[documents[at]] < most and scores[at] >= least)
        chosen = next(fitting, left[0])
        order.append(chosen)
        held[documents[chosen]] += 1
        left.remove(chosen)
    return order + left


def put_repeats_last(texts: Sequence[str]) -> list[int]:
    """Return the order of texts in which what repeats an earlier one comes after all that repeat none.

    A text repeats another when they share nine in ten of their words and all of their numbers: two doses in
    the same words are two facts.
    """
    words, numbers = zip(*map(_words_and_numbers, texts), strict=True) if texts else ((), ())
    first: list[int] = []
    repeats: list[int] = []
    for at in range(len(texts)):
        is_repeat = any(
            numbers[at] == numbers[other] and _are_alike(words[at], words[other]) for other in first
        )
        (repeats if is_repeat else first).append(at)
    return first + repeats


@lru_cache(maxsize=8_192)
def _words_and_numbers(text: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(_WORD.findall(text.lower())), frozenset(_NUMBER.findall(text.lower()))


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < _ALIKE_FROM * max(len(one), len(other)):
        return False  # sooner said than counted
    return len(one & other) >= _ALIKE_FROM * len(one | other)
