"""Which emergencies a text describes, by rules that `urgent_care.toml` states as data."""

import functools
import tomllib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from answer.phrases import Match, Normalizer, PhraseLists, Speller, compile_rewrites, stems
from answer.stance import Reading, Stance, StanceReader, stance_phrases

_DATA = "urgent_care.toml"
_MASK = "masks"
#: How many words apart the parts of a rule may stand, unless it says otherwise.
_WITHIN_WORDS = 40

#: A choice of word groups.
Choice = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RedFlag:
    """An emergency that a text can describe, and what to tell a reader who describes it.

    Args:
        name: What it is, in plain words.
        urgency: 1 is the most urgent; no two flags share one.
        text: The advice.
        query: Finds the passage that says why.
        because: The passage must have a sentence with a word of every group, compared by stems.
    """

    name: str
    urgency: int
    text: str
    query: str
    because: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class _Combination:
    """One line of a rule: all of `present` must be found, near each other, and none of `absent` anywhere."""

    present: tuple[Choice, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    flag: RedFlag
    any_of: tuple[_Combination, ...]
    within: int
    what_if: bool


@dataclass(frozen=True)
class _Lexicon:
    normalizer: Normalizer
    phrases: PhraseLists
    signs: frozenset[str]
    stance: StanceReader
    rules: tuple[_Rule, ...]

    @functools.cached_property
    def _beginning(self) -> Mapping[str, Sequence[int]]:
        """Word group -> places of the rules with a line that asks for it first."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for at, rule in enumerate(self.rules):
            for name in dict.fromkeys(name for line in rule.any_of for name in line.present[0]):
                found[name].append(at)
        return found

    def rules_for(self, names: Iterable[str]) -> list[_Rule]:
        """Return the rules that these word groups may meet, in order: most texts have none of most groups."""
        places = {at for name in names for at in self._beginning.get(name, ())}
        return [self.rules[at] for at in sorted(places)]


def red_flags(question: str) -> tuple[RedFlag, ...]:
    """Return the emergencies that a text describes as happening to someone, most urgent first.

    A text that only asks about an emergency, denies it or tells of it as long past has none. Never
    raises, whatever the text, and takes time in proportion to its length.
    """
    lexicon = _lexicon()
    text = lexicon.normalizer.normalize(question)
    found = lexicon.phrases.find(text)
    by_name = _by_name(_unmasked(found, lexicon.signs))
    possible = [rule for rule in lexicon.rules_for(by_name) if _holds(rule, by_name)]
    if not possible:
        return ()
    taken_whole = [match for match in found if match.name in lexicon.signs or match.name == _MASK]
    reading = lexicon.stance.read(text, found, whole=taken_whole)
    return tuple(
        rule.flag
        for rule in possible
        if _holds(rule, _happening(by_name, reading, signs=lexicon.signs, what_if=rule.what_if))
    )


def _holds(rule: _Rule, matches: Mapping[str, Sequence[Match]]) -> bool:
    return any(_stand_together(combination, matches, within=rule.within) for combination in rule.any_of)


def _stand_together(
    combination: _Combination, matches: Mapping[str, Sequence[Match]], *, within: int
) -> bool:
    """Whether a match of each group lies within so many words of one of the first group."""
    if any(name in matches for name in combination.absent):
        return False
    if any(matches.keys().isdisjoint(choice) for choice in combination.present):
        return False
    starts = [
        sorted(match.start for name in choice for match in matches.get(name, ()))
        for choice in combination.present
    ]
    return all(starts) and any(
        all(_has_within(others, anchor, within) for others in starts[1:]) for anchor in starts[0]
    )


def _has_within(starts: Sequence[int], anchor: int, within: int) -> bool:
    """Whether one of the ascending starts is at most so far from the anchor, before or after it."""
    at = bisect_left(starts, anchor - within)
    return at < len(starts) and starts[at] <= anchor + within


def _unmasked(found: Sequence[Match], signs: frozenset[str]) -> list[Match]:
    """Return the matches but those of a sign that begins inside a harmless expression, or ends in one."""
    masked = {at for match in found if match.name == _MASK for at in range(match.start, match.end)}
    return [
        match
        for match in found
        if match.name not in signs or not (match.start in masked or match.end - 1 in masked)
    ]


def _by_name(matches: Iterable[Match]) -> dict[str, list[Match]]:
    by_name: defaultdict[str, list[Match]] = defaultdict(list)
    for match in matches:
        by_name[match.name].append(match)
    return dict(by_name)


def _happening(
    by_name: Mapping[str, list[Match]], reading: Reading, *, signs: frozenset[str], what_if: bool
) -> dict[str, list[Match]]:
    """Return the matches that count: of what sets the scene all, of signs those told as happening."""
    least = Stance.WHAT_IF if what_if else Stance.REPORTED
    counting = {
        name: [match for match in matches if name not in signs or _counts(match, reading, least)]
        for name, matches in by_name.items()
    }
    return {name: matches for name, matches in counting.items() if matches}


def _counts(match: Match, reading: Reading, least: Stance) -> bool:
    stances = reading.stances[match.start : match.end]
    return min(stances) >= least and match.start not in reading.denied and match.end - 1 not in reading.denied


@functools.cache
def _lexicon() -> _Lexicon:
    data = tomllib.loads((files("answer") / _DATA).read_text(encoding="utf-8"))
    stance = data["stance"]
    groups: dict[str, Sequence[str]] = {
        **data["parts"],
        **data["context"],
        **data["signs"],
        **stance_phrases(stance),
    }
    phrases = PhraseLists({**groups, _MASK: data["masks"]["phrases"]})
    people = frozenset(stance["people"])
    spelling = data["spelling"]
    speller = Speller(
        spelling["corrected"].split(), known=[*phrases.words(), *people, *spelling["known"].split()]
    )
    return _Lexicon(
        normalizer=Normalizer(data["spellings"], compile_rewrites(data["rewrites"]), speller),
        phrases=phrases,
        signs=frozenset(data["signs"]),
        stance=StanceReader(
            people=people,
            greetings=frozenset(stance["greetings"]),
            permission_verbs=frozenset(stance["permission_verbs"]),
            action_verbs=frozenset(stance["action_verbs"]),
            asker_verbs=frozenset(stance["asker_verbs"]),
        ),
        rules=tuple(
            _rule(entry, urgency=at, groups=frozenset(groups))
            for at, entry in enumerate(data["flags"], start=1)
        ),
    )


def _rule(entry: Mapping[str, Any], *, urgency: int, groups: frozenset[str]) -> _Rule:
    combinations = tuple(_combination(line) for line in entry["any"])
    named = {name for line in combinations for choice in (*line.present, line.absent) for name in choice}
    if unknown := named - groups:
        raise ValueError(
            f"the flag {entry['name']!r} in {_DATA} names {sorted(unknown)}; add these word groups"
        )
    flag = RedFlag(
        name=entry["name"],
        urgency=urgency,
        text=entry["text"],
        query=entry["query"],
        because=tuple(frozenset(stems(group)) for group in entry["because"]),
    )
    return _Rule(
        flag=flag,
        any_of=combinations,
        within=entry.get("within", _WITHIN_WORDS),
        what_if=entry.get("what_if", False),
    )


def _combination(line: str) -> _Combination:
    present, *absent = line.split(" - ")
    choices = tuple(tuple(name.strip() for name in choice.split("/")) for choice in present.split("+"))
    return _Combination(choices, tuple(name.strip() for name in absent))
