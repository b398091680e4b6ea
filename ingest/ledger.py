"""The ledger: every reference number ever given, and to what.

It outlives the documents: a number whose reference no document lists any more is still taken.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ingest.errors import BibliographyError
from ingest.records import Reference
from ingest.reference_identity import Identity, author_key

__all__ = ["Ledger", "LedgerRecord", "Register"]

_LEDGER_FORMAT = 1
_SHORT_TEXT_CHARS = 160


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """What a number was given to.

    Args:
        text: The start of the entry as first printed, for people who read the ledger.
        identity: What tells the work from others. A field that is set keeps its value unless the manifest
            pins another; empty ones are filled as documents print more of it.
        prints: Hashes of the printed entries that were given this number, so that each finds it again.
        note: Why it has a number of its own although it resembles others; None if it resembles none.
    """

    number: int
    text: str
    identity: Identity
    prints: frozenset[str] = frozenset()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every number ever given, in ascending order. It only ever grows."""

    records: tuple[LedgerRecord, ...] = ()

    def __post_init__(self) -> None:
        numbers = [record.number for record in self.records]
        if numbers != sorted(set(numbers)) or (numbers and numbers[0] < 1):
            raise ValueError(
                f"the numbers of a ledger must ascend from 1 or more without repeats, not {numbers}"
            )
        counts = Counter(one for record in self.records for one in record.prints)
        if twice := [one for one, count in counts.items() if count > 1]:
            raise ValueError(f"the prints {sorted(twice)} are recorded under more than one number")

    @property
    def highest(self) -> int:
        """The highest number ever given, 0 if none was."""
        return self.records[-1].number if self.records else 0

    def to_json(self) -> str:
        """Return the ledger as JSON text; equal ledgers give equal text."""
        content = {"format": _LEDGER_FORMAT, "numbers": [_record_as_json(record) for record in self.records]}
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Ledger":
        """Return the ledger that `to_json` wrote.

        Raises:
            BibliographyError: If it is no ledger, damaged, or of another format.
        """
        try:
            content = json.loads(text)
            if content["format"] != _LEDGER_FORMAT:
                raise BibliographyError(
                    f"The ledger of reference numbers has format {content['format']!r}, not {_LEDGER_FORMAT}. "
                    "It was written by another version of Citewell; use that one, or restore an older ledger."
                )
            return cls(tuple(_record_from_json(record) for record in content["numbers"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BibliographyError(
                f"The ledger of reference numbers cannot be read ({error}). Restore it from a copy: without it, "
                "numbers that were given before could be given to something else."
            ) from error


class Register:
    """The ledger while it grows, with ways to look up what may match."""

    def __init__(self, ledger: Ledger) -> None:
        self.records = {record.number: record for record in ledger.records}
        self._highest = ledger.highest
        self.by_print = {one: record.number for record in ledger.records for one in record.prints}
        self._by_key: defaultdict[tuple[object, ...], set[int]] = defaultdict(set)
        for record in ledger.records:
            self._file(record)

    @property
    def next_free(self) -> int:
        """One above the highest number ever given."""
        return self._highest + 1

    def as_ledger(self) -> Ledger:
        """Return what has been entered so far."""
        return Ledger(tuple(self.records[number] for number in sorted(self.records)))

    def holders(self, identity: Identity) -> set[int]:
        """Numbers that share an identifier with it."""
        return {number for key in identity.identifiers for number in self._holding(key)}

    def resembling(self, identity: Identity) -> set[int]:
        """Numbers without a common identifier that may be the same by what is printed of them."""
        return {number for key in _description_keys(identity) for number in self._by_key.get(key, ())}

    def give(self, number: int, reference: Reference, identity: Identity, *, note: str | None = None) -> None:
        """Give a number that was never given."""
        if number in self.records:
            raise AssertionError(f"number {number} was given before")
        text = " ".join(reference.text.split())
        short = text if len(text) <= _SHORT_TEXT_CHARS else text[: _SHORT_TEXT_CHARS - 1].rstrip() + "…"
        record = LedgerRecord(number, short, self._without_held(identity, number), note=note)
        self.records[number] = record
        self._highest = max(self._highest, number)
        self._file(record)

    def learn(self, number: int, identity: Identity, *, overrule: bool = False) -> None:
        """Fill what is not known of a number yet; with `overrule`, replace what is."""
        record = self.records[number]
        known, told = asdict(record.identity), asdict(self._without_held(identity, number))
        order = (told, known) if overrule else (known, told)
        merged = {name: order[0][name] if order[0][name] is not None else order[1][name] for name in known}
        self.records[number] = replace(record, identity=Identity(**merged))
        self._file(self.records[number])

    def remember(self, number: int, printed: str) -> None:
        """Record that a printed entry has this number for ever."""
        if self.by_print.setdefault(printed, number) == number:
            record = self.records[number]
            self.records[number] = replace(record, prints=record.prints | {printed})

    def _without_held(self, identity: Identity, number: int) -> Identity:
        """Leave out identifiers of another number, so that each belongs to one number only."""
        held = {key[0]: None for key in identity.identifiers if self._holding(key) - {number}}
        return replace(identity, **held) if held else identity

    def _holding(self, key: tuple[str, str]) -> set[int]:
        # An identifier that the manifest has corrected is still filed under its old number, but not held.
        return {
            number for number in self._by_key.get(key, ()) if key in self.records[number].identity.identifiers
        }

    def _file(self, record: LedgerRecord) -> None:
        for key in (*record.identity.identifiers, *_description_keys(record.identity)):
            self._by_key[key].add(record.number)


def _description_keys(identity: Identity) -> Iterable[tuple[object, ...]]:
    if identity.url is not None:
        yield ("url", identity.url)
    if identity.first_author is not None and identity.year is not None:
        yield (author_key(identity.first_author), identity.year)


def _record_as_json(record: LedgerRecord) -> dict[str, Any]:
    identity = {name: value for name, value in asdict(record.identity).items() if value is not None}
    content: dict[str, Any] = {"number": record.number, "text": record.text, **identity}
    if record.note is not None:
        content["note"] = record.note
    return {**content, "prints": sorted(record.prints)}


_IDENTITY_FIELDS = {one.name: int if one.name == "year" else str for one in fields(Identity)}


def _record_from_json(content: Mapping[str, Any]) -> LedgerRecord:
    unknown = sorted(set(content) - {"number", "text", "note", "prints", *_IDENTITY_FIELDS})
    if unknown:
        raise ValueError(f"a record has the unknown fields {unknown}")
    number, text, note = content["number"], content["text"], content.get("note")
    identity = {name: content[name] for name in _IDENTITY_FIELDS if name in content}
    typed = [(number, int), (text, str), *((identity[name], _IDENTITY_FIELDS[name]) for name in identity)]
    typed += [(one, str) for one in content["prints"]] + ([(note, str)] if note is not None else [])
    for value, kind in typed:
        if type(value) is not kind:
            raise TypeError(f"number {number} has {value!r} where {kind.__name__} is expected")
    return LedgerRecord(number, text, Identity(**identity), frozenset(content["prints"]), note)
