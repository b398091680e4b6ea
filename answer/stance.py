"""What a text says is happening, as opposed to what it only asks about, fears, denies or remembers.

"My leg is swollen" reports; "can a leg swell?" asks in general; "what should I do if my leg swells?" asks
what to do. A text is cut into clauses, and each clause gets one of these stances from how it begins and
from whom it speaks of; a clause without a beginning of its own goes on with the stance of the one before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise

from answer.phrases import Match, Text

#: Begins the name of every list of the section `stance`.
_CUE = "stance."
_ENDERS = frozenset(".?")
_MARKS = frozenset(".?,:")
_WH = frozenset({"what", "why", "how", "which", "who", "whose", "where", "when"})
_RELATIVE = frozenset({"which", "who", "whose", "where", "when"})
_ALWAYS_ASKING = frozenset(
    {
        "is",
        "are",
        "can",
        "could",
        "does",
        "do",
        "did",
        "should",
        "would",
        "may",
        "might",
        "must",
        "shall",
        "will",
    }
)
_ASKING_BEFORE_SUBJECT = frozenset({"have", "has", "had", "am", "was", "were"})
_AUXILIARIES = _ALWAYS_ASKING | _ASKING_BEFORE_SUBJECT
_NOT_ASKING_BEFORE = frozenset({"not", "be", "have", "been", "cannot"})
_IF = frozenset({"if", "unless", "suppose", "supposing"})
_JOINING = frozenset(
    {"and", "or", "but", "so", "because", "while", "then", "plus", "although", "though", "yet", "now"}
)
_BREAKING = _JOINING - {"and", "or", "plus"}
_POSSESSIVES = frozenset({"my", "his", "her", "our", "their"})
_SUBJECTS = frozenset({"i", "he", "she", "we", "they"})
_OBJECTS = frozenset({"me", "him", "myself", "us", "mine", "himself", "herself"})
_THINGS = frozenset({"it", "this", "that", "there", "these", "you"})
_INDEFINITE = frozenset({"a", "an", "any", "some", "every", "each", "no", "another"})
_UNDERTAKEN = frozenset({"took", "taken", "swallowed", "already", "overdosed", "started"})
_FUTURE = frozenset({"will", "would", "might"})
_CAUSING = frozenset(
    {
        "cause",
        "lead",
        "make",
        "give",
        "trigger",
        "produce",
        "help",
        "prevent",
        "treat",
        "affect",
        "reduce",
        "increase",
    }
)
#: A denied list: "no redness, swelling, heat or pain".
_MAX_LIST_ITEMS = 6
_MAX_ITEM_WORDS = 2
_FILLERS = frozenset({"just", "really", "ever", "not", "still", "safely"})


class Stance(IntEnum):
    """How a clause is said; a higher one is nearer to an emergency."""

    GENERAL = 0  # asked, told or imagined without its happening to anyone
    WHAT_IF = 1  # asked what to do if it should happen to the asker
    REPORTED = 2  # told, or asked about, as happening to someone


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    end: int
    opener: str  # "question", "if", "subject" or "plain"
    joint: str  # "sentence", "comma", "and", "but" or "inline": what stands before it
    sentence: int
    cues: dict[str, list[Match]] = field(default_factory=dict)  # what it holds of the lists of stance

    def has(self, name: str) -> bool:
        """Whether a phrase of a list of the section `stance` stands in the clause."""
        return bool(self.cues.get(f"{_CUE}{name}"))

    def all(self, name: str) -> Sequence[Match]:
        """Return the phrases of such a list that stand in the clause."""
        return self.cues.get(f"{_CUE}{name}", ())


@dataclass(frozen=True, slots=True)
class Reading:
    """The stance of every word of a text, and the words of it that are denied."""

    stances: tuple[Stance, ...]
    denied: frozenset[int]


@dataclass(frozen=True, slots=True)
class StanceReader:
    """Reads stances from matches of the phrase lists that `stance_phrases` names.

    Args:
        people: Words for a person, such as `mother`.
        greetings: Words that may stand before the real beginning of a question.
        permission_verbs: "Should I <verb>" asks leave to do something with a medicine.
        action_verbs: "Should I <verb>" asks what to do now.
        asker_verbs: "How do I <verb>" tells what the asker does, not what happens to them.
    """

    people: frozenset[str]
    greetings: frozenset[str]
    permission_verbs: frozenset[str]
    action_verbs: frozenset[str]
    asker_verbs: frozenset[str]

    def read(self, text: Text, found: Sequence[Match], *, whole: Sequence[Match]) -> Reading:
        """Return the stance of each word, and which words are denied.

        Args:
            text: What was typed.
            found: What `PhraseLists.find` found in it.
            whole: Phrases that are taken as a whole: the "no" in "no feeling" denies nothing.
        """
        clauses = self._clauses(text.words)
        _share_out(found, clauses)
        _share_out([Match(f"{_CUE}sign", match.start, match.end) for match in whole], clauses)
        stances = [Stance.GENERAL] * len(text.words)
        for clause, stance in zip(clauses, self._resolve(text.words, clauses), strict=True):
            stances[clause.start : clause.end] = [stance] * (clause.end - clause.start)
        idioms = (match for match in found if match.name == f"{_CUE}no_denial")
        inside = {at for match in (*whole, *idioms) for at in range(match.start, match.end)}
        denied = self._denied(text.words, clauses, inside)
        denied |= _unreal(clauses)
        return Reading(tuple(stances), frozenset(denied))

    # --- clauses

    def _clauses(self, words: Sequence[str]) -> list[_Clause]:
        clauses: list[_Clause] = []
        start, joint, sentence = 0, "sentence", 0
        opener = self._opener(words, 0, joint) if words else ""
        at = 0
        while at <= len(words):
            new_joint = "sentence" if at == len(words) else self._joint(words, at, start, opener)
            if new_joint:
                if at > start:
                    clauses.append(
                        _Clause(start, at, opener or self._opener(words, start, joint), joint, sentence)
                    )
                if at < len(words) and words[at] in _MARKS:
                    at += 1
                if new_joint == "sentence":
                    sentence += 1
                start, joint = at, new_joint
                opener = self._opener(words, start, joint) if start < len(words) else ""
            at += 1
        return clauses

    def _joint(self, words: Sequence[str], at: int, start: int, opener: str) -> str:
        """Return what joins a new clause at a word to the one before, or "" where none begins."""
        word = words[at]
        if word in _MARKS:
            return "sentence" if word in _ENDERS else "comma"
        if at == start or self._only_greetings(words, start, at):
            return ""
        if word in _IF:
            return "inline"
        if word in _JOINING and self._subject_at(words, at + 1):
            return "but" if word in _BREAKING else "and"
        if self._asks_inline(words, at) and not (
            opener == "question" and words[at - 1] in _WH | {"much", "many", "long"}
        ):
            return "inline"
        return ""

    def _only_greetings(self, words: Sequence[str], start: int, at: int) -> bool:
        return at - start <= 3 and all(word in self.greetings for word in words[start:at])

    def _opener(self, words: Sequence[str], start: int, joint: str) -> str:
        at = start
        while at < len(words) and words[at] in self.greetings and at - start < 6:
            at += 1
        if at >= len(words):
            return "plain"
        word, then = words[at], words[at + 1] if at + 1 < len(words) else ""
        if word in _IF or (word == "what" and then == "if") or (word == "in" and then == "case"):
            return "if"
        if self._asks(word, then, joint):
            return "question"
        return "subject" if self._subject_at(words, at) else "plain"

    def _asks(self, word: str, then: str, joint: str) -> bool:
        if word in _WH:
            if word in {"when", "where"} and then not in _AUXILIARIES:
                return False
            return joint in {"sentence", "inline", "but"} or word not in _RELATIVE
        if word in _ASKING_BEFORE_SUBJECT:
            return then in _SUBJECTS | _POSSESSIVES | _THINGS | self.people | {"the", "you"}
        return word in _ALWAYS_ASKING and then not in _NOT_ASKING_BEFORE

    def _asks_inline(self, words: Sequence[str], at: int) -> bool:
        then = words[at + 1] if at + 1 < len(words) else ""
        if words[at] in {"what", "why", "how"}:
            return then in _AUXILIARIES or (words[at] == "what" and then in {"to", "now", "causes"})
        return words[at] in _ALWAYS_ASKING and then in _SUBJECTS | _POSSESSIVES | _THINGS - {"you", "there"}

    def _subject_at(self, words: Sequence[str], at: int) -> bool:
        return at < len(words) and (words[at] in _SUBJECTS | _POSSESSIVES | self.people | {"the", "both"})

    # --- stances

    def _resolve(self, words: Sequence[str], clauses: Sequence[_Clause]) -> list[Stance]:
        asking = {clause.sentence for clause in clauses if clause.has("asks_what_to_do")}
        asking -= {clause.sentence for clause in clauses if clause.has("when_to")}
        stances: list[Stance] = []
        before: _Clause | None = None
        for clause in clauses:
            previous = stances[-1] if before and before.sentence == clause.sentence else None
            goes_on = before is not None and previous is not None and _goes_on(clause, before)
            stance = self._stance(words, clause, previous=previous if goes_on else None)
            if clause.opener == "if" and stance is Stance.WHAT_IF and clause.sentence not in asking:
                stance = Stance.GENERAL
            stances.append(stance)
            before = clause
        if any(clause.has("happening") for clause in clauses):
            return [Stance.REPORTED] * len(clauses)
        return _with_titles(words, clauses, stances)

    def _stance(self, words: Sequence[str], clause: _Clause, *, previous: Stance | None) -> Stance:
        """Return the stance of a clause; `previous` is that of a clause that it goes on from, if any."""
        if clause.has("long_ago"):
            return Stance.GENERAL
        if clause.opener == "question":
            return self._question(words, clause)
        if clause.opener == "if":
            return self._condition(words, clause)
        if previous is not None:
            return Stance.REPORTED if clause.has("recent") else previous
        if clause.has("general") and not clause.has("overrides_general"):
            return Stance.GENERAL
        return Stance.REPORTED

    def _question(self, words: Sequence[str], clause: _Clause) -> Stance:
        if clause.has("recent"):
            return Stance.REPORTED
        span = words[clause.start : clause.end]
        if _FUTURE & set(span[:3]) or ("what" in span[:3] and "happens" in span):
            return Stance.GENERAL
        own = bool(set(span) & (_POSSESSIVES | _OBJECTS)) or self._names_someone(span)
        verb = _verb_after_subject(span)
        if verb in self.permission_verbs:
            return Stance.GENERAL
        if verb in self.action_verbs and not own:
            return Stance.GENERAL if clause.has("when_to") else Stance.WHAT_IF
        if _CAUSING & set(span) and set(span) & {"can", "could", "does", "do"}:
            return Stance.GENERAL
        told = verb is not None and verb not in self.action_verbs and verb not in self.asker_verbs
        return Stance.REPORTED if own or told else Stance.GENERAL

    def _condition(self, words: Sequence[str], clause: _Clause) -> Stance:
        span = words[clause.start : clause.end]
        personal = bool(set(span) & (_POSSESSIVES | _SUBJECTS | _OBJECTS)) or self._names_someone(span)
        if personal and (clause.has("recent") or set(span) & _UNDERTAKEN):
            return Stance.REPORTED
        return Stance.WHAT_IF if personal else Stance.GENERAL

    def _names_someone(self, span: Sequence[str]) -> bool:
        return span[0] in self.people or any(
            word in self.people and before not in _INDEFINITE for before, word in pairwise(span)
        )

    # --- denial

    def _denied(self, words: Sequence[str], clauses: Sequence[_Clause], inside: set[int]) -> set[int]:
        ends = {cue.start for clause in clauses for cue in clause.all("negation_ends")}
        denied: set[int] = set()
        for number, clause in enumerate(clauses):
            for cue in clause.all("negators"):
                if cue.start in inside:
                    continue
                stop = next((at for at in range(cue.end, clause.end) if at in ends), clause.end)
                denied.update(range(cue.end, stop))
                if stop == clause.end:
                    denied.update(_list_rest(words, clauses, number))
            for cue in clause.all("negated_after"):
                denied.update(range(max(clause.start, cue.start - 3), cue.start))
        return denied


def _list_rest(words: Sequence[str], clauses: Sequence[_Clause], number: int) -> Sequence[int]:
    """Return the words after a clause that a denial in it goes on to, as in "no redness, swelling or warmth"."""
    items: list[int] = []
    for at in range(number + 1, min(number + 1 + _MAX_LIST_ITEMS, len(clauses))):
        clause = clauses[at]
        if clause.sentence != clauses[number].sentence or clause.opener != "plain":
            return ()
        items.extend(range(clause.start, clause.end))
        if {"or", "nor"} & set(words[clause.start : clause.end]):
            return items
        if clause.end - clause.start > _MAX_ITEM_WORDS:
            return ()
    return ()


def _unreal(clauses: Sequence[_Clause]) -> set[int]:
    """Return the words that come after an intention or a fear in its clause."""
    return {at for clause in clauses for cue in clause.all("unreal") for at in range(cue.start, clause.end)}


def _with_titles(words: Sequence[str], clauses: Sequence[_Clause], stances: list[Stance]) -> list[Stance]:
    """Return the stances with that of the question after it for a title such as "Chest cramps: what causes them?"."""
    titled = list(stances)
    for at, (clause, then) in enumerate(pairwise(clauses)):
        title = clause.end < len(words) and words[clause.end] == ":" and clause.opener == "plain"
        if title and then.opener == "question":
            titled[at] = stances[at + 1]
    return titled


def _verb_after_subject(span: Sequence[str]) -> str | None:
    """Return the verb of "should I go", or None where the subject doesn't follow an auxiliary near the start."""
    for at, (word, then) in enumerate(pairwise(span[:6])):
        if word in _AUXILIARIES | {"cannot"} and then in _SUBJECTS - {"they"}:
            rest = [
                later
                for later in span[at + 2 : at + 5]
                if later not in {"just", "really", "ever", "not", "still", "safely"}
            ]
            return rest[0] if rest else ""
    return None


def _goes_on(clause: _Clause, before: _Clause) -> bool:
    """Whether a clause without a beginning of its own shares the stance of the one before it.

    "Does it cause fever, confusion?" goes on asking; "What is wrong, left leg swollen" begins to report.
    """
    if clause.opener == "subject":
        return clause.joint == "and" and before.opener == "if"
    return before.opener != "question" or before.has("sign") or before.has("general")


def _share_out(found: Sequence[Match], clauses: Sequence[_Clause]) -> None:
    """Give each clause the cues that lie wholly in it."""
    owners = {at: clause for clause in clauses for at in range(clause.start, clause.end)}
    for cue in (match for match in found if match.name.startswith(_CUE)):
        owner = owners.get(cue.start)
        if owner is not None and cue.end <= owner.end:
            owner.cues.setdefault(cue.name, []).append(cue)


def stance_phrases(stance: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the phrase lists of the section `stance` under the names that `StanceReader` expects."""
    names = (
        "negators",
        "no_denial",
        "happening",
        "negation_ends",
        "negated_after",
        "unreal",
        "long_ago",
        "recent",
        "asks_what_to_do",
    )
    return {
        f"{_CUE}{name}": stance[name]
        for name in (*names, "when_to", "general", "overrides_general", "people")
    }
