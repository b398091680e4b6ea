"""Keeping the first passages from saying one thing over and over, or from all being of one document."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

#: How many of the first passages are looked at; what comes later stays where it is.
SPREAD_PASSAGES = 20
#: At most this share of the first passages is of one document, wherever they end ...
_LARGEST_SHARE = 0.8
#: ... as long as another document's passage scores this share of what it would stand before.
_LEAST_SCORE_SHARE = 0.7
_ALIKE_FROM = 0.9
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage as far as its place among the first ones is concerned."""

    doc_id: str
    text: str
    score: float


def spread(candidates: Sequence[Candidate]) -> list[int]:
    """Return the order in which candidates, best first, are shown: their places in the sequence given.

    A passage that repeats a better one goes behind all that repeat none. Of the first n passages at most four
    in five are of one document (of one passage alone, that one), unless all others score far less.
    """
    repeats = _repeats(candidates)
    left = [at for at in range(len(candidates)) if at not in repeats]
    order: list[int] = []
    while left:
        best = left[0]
        least = _LEAST_SCORE_SHARE * candidates[best].score
        fitting = (at for at in left if candidates[at].score >= least and not _crowds(candidates, order, at))
        chosen = next(fitting, best)
        order.append(chosen)
        left.remove(chosen)
    return order + sorted(repeats)


def _crowds(candidates: Sequence[Candidate], order: Sequence[int], at: int) -> bool:
    """Return whether one more passage of its document would be too many."""
    of_document = sum(candidates[other].doc_id == candidates[at].doc_id for other in order) + 1
    return of_document > max(1, math.ceil(_LARGEST_SHARE * (len(order) + 1)))


def _repeats(candidates: Sequence[Candidate]) -> set[int]:
    words = [frozenset(_WORD.findall(each.text.lower())) for each in candidates]
    numbers = [frozenset(word for word in each if any(map(str.isdigit, word))) for each in words]
    found: set[int] = set()
    for at in range(len(candidates)):
        for better in range(at):
            # Two doses in the same words are two facts.
            if better in found or numbers[at] != numbers[better]:
                continue
            if len(words[at] & words[better]) >= _ALIKE_FROM * len(words[at] | words[better]):
                found.add(at)
                break
    return found
