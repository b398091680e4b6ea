"""One numbered bibliography per index, in which a number, once given, never comes to mean anything else.

The ledger remembers every number ever given, also of references that no document lists any more. Numbering is
a function of what the manifest pins, what the documents print, and the ledger; its result holds the ledger grown
by the numbers given this time, which the next build must be handed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from ingest.entry_merging import merge_entries
from ingest.errors import BibliographyError
from ingest.ledger import Ledger, LedgerRecord, Register
from ingest.records import Reference
from ingest.reference_identity import (
    SAME_TITLE_FROM,
    Identity,
    Likeness,
    compare,
    fingerprint,
    fold,
    identity_of,
    same_first_author,
    title_similarity,
)

__all__ = ["DocumentReferences", "Ledger", "Numbering", "number_references"]


@dataclass(frozen=True, slots=True)
class DocumentReferences:
    """The reference list of one document, under the numbers that it prints."""

    doc_id: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Numbering:
    """The bibliography of an index.

    Args:
        entries: Those that are pinned or that a present document lists, by number, ascending. What is pinned
            wins over what is printed; what the first document leaves out, a later one fills in.
        numbers: For each document, the index's number for each number that it prints. A printed number that
            stands before several different entries is left out: no marker with it can be resolved.
        ambiguities: What an editor should look at, in words.
        ledger: The ledger that was given, with the numbers given this time.
    """

    entries: tuple[Reference, ...]
    numbers: Mapping[str, Mapping[int, int]]
    ambiguities: tuple[str, ...]
    ledger: Ledger


def number_references(
    pinned: Sequence[Reference], lists: Sequence[DocumentReferences], ledger: Ledger
) -> Numbering:
    """Give every entry of every list its number in the one bibliography of the index.

    An entry that was numbered before keeps its number, whatever else is present. A new one gets the number of
    the work it matches (see `reference_identity.compare`) if there is exactly one and nothing contradicts it.
    All others get a number of their own: in the first list the one that is printed, where it was never given
    before; else one above the highest ever given. Entries of one list share a number only if they agree in all
    they print. The numbers of entries that the ledger knows do not depend on the order of the lists.

    Args:
        pinned: The manifest's entries, under fixed numbers.
        lists: The reference lists of the present documents, in the corpus's order.
        ledger: The result of the build before, or an empty one.

    Raises:
        BibliographyError: If pinned entries contradict each other, or a pinned number belongs to something else.
        ValueError: If two lists have the same `doc_id`.
    """
    counts = Counter(document.doc_id for document in lists)
    if repeated := [doc_id for doc_id, count in counts.items() if count > 1]:
        raise ValueError(f"the documents {repeated} have more than one reference list each")
    register = Register(ledger)
    _pin(pinned, register)
    placed = _place_lists(lists, register)
    return Numbering(
        entries=tuple(_bibliography_entries(pinned, placed, register)),
        numbers={doc_id: _resolvable(pairs) for doc_id, pairs in placed.items()},
        ambiguities=tuple(_ambiguities(pinned, placed, register)),
        ledger=register.as_ledger(),
    )


_Placed = list[tuple[Reference, int]]  # printed entries of one list, each with the index's number


def _pin(pinned: Sequence[Reference], register: Register) -> None:
    """Enter the manifest's entries; their data win over what was known."""
    seen: dict[object, int] = {}
    free = max([register.next_free - 1, *(one.number for one in pinned)]) + 1
    for reference in sorted(pinned, key=lambda one: one.number):
        identity = identity_of(reference)
        for key in (("number", reference.number), *sorted(identity.identifiers)):
            _refuse_twice_pinned(key, reference, seen)
        _refuse_contradiction(reference, identity, register, next_free=free)
        if reference.number in register.records:
            register.learn(reference.number, identity, overrule=True)
        else:
            register.give(reference.number, reference, identity)
        if identity.is_telling:
            register.remember(reference.number, fingerprint(reference.text))


def _refuse_twice_pinned(key: tuple[str, object], reference: Reference, seen: dict[object, int]) -> None:
    if key in seen:
        raise BibliographyError(
            f"The manifest has two entries with {key[0]} {key[1]}, under {seen[key]} and {reference.number}. "
            "Remove one of them, or correct it."
        )
    seen[key] = reference.number


def _refuse_contradiction(
    reference: Reference, identity: Identity, register: Register, *, next_free: int
) -> None:
    number = reference.number
    record = register.records.get(number)
    if record is not None and not _may_be_pinned(reference, identity, record):
        raise BibliographyError(
            f"The manifest gives number {number} to “{reference.text}”, but {number} was given to “{record.text}” "
            f"before, and a number never changes its meaning. Give it another number; the next free one is {next_free}."
        )
    elsewhere = sorted((register.holders(identity) | _printed_as(reference, identity, register)) - {number})
    if elsewhere:
        raise BibliographyError(
            f"The manifest gives number {number} to “{reference.text}”, but it has had number {elsewhere[0]} before, "
            f"and a number never changes its meaning. Give it {elsewhere[0]} in the manifest."
        )


def _printed_as(reference: Reference, identity: Identity, register: Register) -> set[int]:
    """The number, if any, that was given to this very print."""
    known = register.by_print.get(fingerprint(reference.text)) if identity.is_telling else None
    if known is None or compare(identity, register.records[known].identity) is Likeness.DIFFERENT:
        return set()
    return {known}


def _may_be_pinned(reference: Reference, identity: Identity, record: LedgerRecord) -> bool:
    """Say whether a pinned entry can be what its number was given to, an editor's corrections allowed for."""
    known = record.identity
    if fingerprint(reference.text) in record.prints or identity.identifiers & known.identifiers:
        return True
    authors = (identity.first_author, known.first_author)
    if authors[0] and authors[1] and not same_first_author(authors[0], authors[1]):
        return False
    if identity.title and known.title:
        if {kind for kind, _ in identity.identifiers} & {kind for kind, _ in known.identifiers}:
            return title_similarity(identity.title, known.title) >= SAME_TITLE_FROM
        return fuzz.token_set_ratio(fold(identity.title), fold(known.title)) >= SAME_TITLE_FROM
    return fuzz.ratio(fold(reference.text), fold(record.text)) >= SAME_TITLE_FROM


@dataclass(slots=True)
class _Entry:
    """One printed entry on its way to a number."""

    reference: Reference
    identity: Identity
    printed: str  # its fingerprint
    wish: int | None = None  # the number that it prints, where it may keep it
    number: int | None = None


def _place_lists(lists: Sequence[DocumentReferences], register: Register) -> dict[str, _Placed]:
    """Number the entries of all lists: first those known before, so that no newcomer takes their place."""
    waiting = {document.doc_id: _entries_of(document) for document in lists}
    for entry in (entry for entries in waiting.values() for entry in entries):
        entry.number = register.by_print.get(entry.printed)
        if entry.number is not None:
            register.learn(entry.number, entry.identity)
    _wish_for_printed_numbers(next(filter(None, waiting.values()), []), register)
    for entries in waiting.values():
        for entry in entries:
            if entry.number is None:
                # An entry before it may have had the same print.
                entry.number = register.by_print.get(entry.printed) or _place(entry, entries, register)
    return {
        doc_id: [(entry.reference, entry.number) for entry in entries if entry.number is not None]
        for doc_id, entries in waiting.items()
    }


def _entries_of(document: DocumentReferences) -> list[_Entry]:
    """The entries of a list; a print that is not telling is known in its document only, and by its turn there."""
    turns: Counter[str] = Counter()
    entries: list[_Entry] = []
    for reference in document.references:
        identity = identity_of(reference)
        printed = fingerprint(reference.text, *_told_beyond(reference.text, identity))
        if not identity.is_telling:
            turns[printed] += 1
            printed = fingerprint(reference.text, document.doc_id, str(turns[printed]))
        entries.append(_Entry(reference, identity, printed))
    return entries


def _told_beyond(text: str, identity: Identity) -> list[str]:
    """What a format's own markup says of an entry that its text does not."""
    told = [value for _, value in sorted(identity.identifiers) if value.casefold() not in text.casefold()]
    if identity.title and fold(identity.title) not in fold(text):
        told.append(fold(identity.title))
    return told


def _wish_for_printed_numbers(entries: Sequence[_Entry], register: Register) -> None:
    taken = set(register.records)
    for entry in entries:
        if entry.number is None and entry.reference.number not in taken:
            entry.wish = entry.reference.number
            taken.add(entry.wish)


def _place(entry: _Entry, siblings: Sequence[_Entry], register: Register) -> int:
    """Return the number of the one work that a new entry matches, or give it a number of its own."""
    number, note = _match(entry.identity, register)
    others = [one for one in siblings if one is not entry and number is not None and one.number == number]
    if any(not _agree(entry, one) for one in others):
        number, note = None, f"Its list has another, different entry that is reference {number} as well."
    if number is None:
        number = entry.wish or _next_free(siblings, register)
        register.give(number, entry.reference, entry.identity, note=note)
    register.learn(number, entry.identity)
    register.remember(number, entry.printed)
    return number


def _next_free(siblings: Sequence[_Entry], register: Register) -> int:
    """One above the highest number given or about to be given."""
    return max(register.next_free, 1 + max((one.wish or 0 for one in siblings), default=0))


def _match(identity: Identity, register: Register) -> tuple[int | None, str | None]:
    """Return the number of the one work that is the same, or why none is taken though some resemble it."""
    holders = sorted(register.holders(identity))
    likeness = {number: compare(identity, register.records[number].identity) for number in holders}
    if not holders:
        resembling = sorted(register.resembling(identity))
        likeness = {number: compare(identity, register.records[number].identity) for number in resembling}
    alike = [number for number, one in likeness.items() if one is not Likeness.DIFFERENT]
    if not alike:
        return None, None
    if len(alike) == 1 and likeness[alike[0]] is Likeness.SAME:
        return alike[0], None
    return None, _ambiguity(alike, by_identifier=bool(holders))


def _ambiguity(alike: Sequence[int], *, by_identifier: bool) -> str:
    shared = "an identifier" if by_identifier else "title, first author and year, or address and title,"
    if len(alike) == 1:
        return f"It has {shared} in common with reference {alike[0]}, but other data speak against it."
    return f"It has {shared} in common with {_listing(alike)}; which one is meant cannot be told."


def _listing(numbers: Sequence[int]) -> str:
    return f"references {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _agree(one: _Entry, other: _Entry) -> bool:
    """Say whether two entries of one list agree in all that both print, their title among it."""
    if one.printed == other.printed:
        return True
    a, b = one.identity, other.identity
    pairs = (
        (fold(a.title or ""), fold(b.title or "")),
        *(
            (getattr(a, name), getattr(b, name))
            for name in ("year", "doi", "pmid", "pmcid", "volume", "first_page")
        ),
    )
    if a.first_author and b.first_author and not same_first_author(a.first_author, b.first_author):
        return False
    return bool(a.title and b.title) and all(x == y for x, y in pairs if x and y)


def _resolvable(placed: _Placed) -> dict[int, int]:
    """Map printed numbers to the index's, without those printed before entries of different numbers."""
    meanings = _meanings(placed)
    return {printed: min(numbers) for printed, numbers in meanings.items() if len(numbers) == 1}


def _meanings(placed: _Placed) -> dict[int, set[int]]:
    meanings: defaultdict[int, set[int]] = defaultdict(set)
    for reference, number in placed:
        meanings[reference.number].add(number)
    return dict(meanings)


def _bibliography_entries(
    pinned: Sequence[Reference], placed: Mapping[str, _Placed], register: Register
) -> list[Reference]:
    printed: defaultdict[int, list[Reference]] = defaultdict(list)
    problems: defaultdict[int, list[str]] = defaultdict(list)
    for doc_id, pairs in placed.items():
        own: defaultdict[int, list[int]] = defaultdict(list)
        for reference, number in pairs:
            printed[number].append(reference)
            own[number].append(reference.number)
        for number, numbers in own.items():
            if len(numbers) > 1:
                markers = " and ".join(f"[{one}]" for one in numbers)
                problems[number].append(f"It stands more than once in the list of {doc_id}: as {markers}.")
    fixed = {reference.number: reference for reference in pinned}
    for number, note in _notes(printed, fixed, register).items():
        problems[number].append(note)
    return [
        merge_entries(number, fixed.get(number), printed[number], problems[number])
        for number in sorted({*printed, *fixed})
    ]


def _notes(numbers: Iterable[int], fixed: Mapping[int, Reference], register: Register) -> dict[int, str]:
    """Notes on entries that are kept apart; what the manifest pins, an editor has looked at."""
    notes = {number: register.records[number].note for number in sorted(numbers) if number not in fixed}
    return {number: note for number, note in notes.items() if note is not None}


def _ambiguities(
    pinned: Sequence[Reference], placed: Mapping[str, _Placed], register: Register
) -> Iterator[str]:
    present = {number for pairs in placed.values() for _, number in pairs}
    for number, note in _notes(present, {one.number: one for one in pinned}, register).items():
        yield f"Reference {number} (“{register.records[number].text}”) is kept apart: {note}"
    for doc_id, pairs in placed.items():
        for printed, numbers in sorted(_meanings(pairs).items()):
            if len(numbers) > 1:
                yield (
                    f"{doc_id} prints the number {printed} before {_listing(sorted(numbers))} of the index; "
                    f"its markers [{printed}] cannot be resolved."
                )
