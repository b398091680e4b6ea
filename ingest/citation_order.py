"""What the order of first citation says of doubtful markers.

Most documents number their list in the order in which they cite it. There a raised 40 cannot be a marker
where nothing beyond 12 has been cited yet, and what nothing else cites is cited where its turn is.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from ingest.notations import Candidate
from ingest.raised_numbers import Doubt

_SLACK = 2  # how far a number may run ahead: one of the two between may stand where no marker is seen
_MOST_FALLS = 4  # one fall in so many first citations is an exception, not another order


def settle_doubts(candidates: Sequence[Candidate], known: frozenset[int]) -> list[Candidate]:
    """Return the candidates without those whose doubt the document does not lift.

    Args:
        candidates: In order of their place in the text.
        known: The numbers of the reference list.
    """
    if all(one.doubt is Doubt.NONE for one in candidates):
        return list(candidates)
    certain = _Citing.of(candidates, known)
    kept: list[Candidate] = []
    highest = 0
    for one in candidates:
        numbers = () if one.is_label else one.numbers(known) or ()
        if one.doubt is Doubt.NONE or (numbers and certain.lifts(one, numbers, highest)):
            kept.append(one)
            highest = max((highest, *numbers))
    return kept


class _Citing:
    """Where the markers beyond doubt cite each number first."""

    def __init__(self, first_at: dict[int, int]) -> None:
        """Take the place of each number's first citation, in order of place."""
        self._first_at = first_at
        self._numbers, self._places = list(first_at), list(first_at.values())
        falls = sum(high < low for low, high in pairwise(self._numbers))
        self._ascends = falls * _MOST_FALLS <= len(self._numbers)

    @classmethod
    def of(cls, candidates: Sequence[Candidate], known: frozenset[int]) -> "_Citing":
        first_at: dict[int, int] = {}
        for one in candidates:
            if one.doubt is Doubt.NONE and not one.is_label:
                for number in sorted(one.numbers(known) or ()):
                    first_at.setdefault(number, one.start)
        return cls(first_at)

    def lifts(self, one: Candidate, numbers: Sequence[int], highest: int) -> bool:
        """Say whether a doubtful candidate fits in where nothing beyond `highest` has been cited yet."""
        if one.doubt is Doubt.ORDER:
            return (
                not self._ascends or min((n for n in numbers if n > highest), default=0) <= highest + _SLACK
            )
        following = bisect_right(self._places, one.start)
        return (
            self._ascends
            and sorted(numbers) == list(range(highest + 1, highest + 1 + len(numbers)))
            and not any(number in self._first_at for number in numbers)
            and all(number > max(numbers) for number in self._numbers[following : following + 1])
        )
