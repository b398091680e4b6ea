"""A document's reference list: its heading, its entries, and the number that each one bears.

Where one entry ends is told by `entry_splitting`, what it says of itself is read by `reference_entry`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ingest.canonical import normalize_text
from ingest.entry_labels import labels_of_entries
from ingest.entry_splitting import split_reference_list
from ingest.records import Reference
from ingest.reference_entry import parse_reference

__all__ = ["is_reference_list_heading", "parse_reference", "parse_reference_list", "split_reference_list"]

#: Headings of lists that a text's markers point into. "Further reading" and "Resources" are not among them:
#: such lists are not cited, and their numbers would clash with those of the list that is.
_HEADINGS = frozenset(
    """
    references|reference|reference list|references list|list of references|references cited|cited references
    references and notes|notes and references|references and sources|sources and references
    references and links
    selected references|key references|main references|medical references|article references|web references
    bibliographic references|references and bibliography|references and further reading
    works cited|work cited|works consulted|literature|literature cited|cited literature|literature references
    bibliography|selected bibliography|sources|article sources|our sources|sources cited|sources consulted
    citations|citations and references|references and citations|cited works|cited sources|source
    literatur|literaturverzeichnis|literaturangaben|quellen|quellenangaben|quellenverzeichnis|referenzen
    références|références bibliographiques|bibliographie|références citées|notes et références
    referencias|referencias bibliográficas|bibliografía|fuentes|fuentes consultadas
    referências|referências bibliográficas|bibliografia|fontes
    riferimenti|riferimenti bibliografici|fonti|referenties|literatuur|literatuurlijst|bronnen
    referenser|källor|litteraturförteckning|referencer|referanser|kilder|litteratur|litteraturliste
    piśmiennictwo|źródła|literatura|použitá literatura|lähteet|viitteet|kirjallisuus|irodalom
    kaynaklar|kaynakça
    daftar pustaka|referensi|βιβλιογραφία|список литературы|литература|источники|список літератури|література
    参考文献|參考文獻|引用文献|참고문헌|संदर्भ|المراجع
    """.strip()
    .replace("\n", "|")
    .split("|")
)
_HEADING_NUMBER = re.compile(
    r"^(?:section )?(?:\d{1,3}(?:\.\d{1,2})*|[ivx]{1,5}(?=[.)])|[a-z](?=[.)]))[.):]?\s+", re.I
)
_HEADING_ENDING = re.compile(r"(?:\s*[(\[]\d{1,4}[)\]])?[\s:.…]*$")


def is_reference_list_heading(text: str) -> bool:
    """Say whether a heading announces the list that a document's markers point into.

    A number before it ("7. References"), a count behind it ("Sources (12)"), a colon and marks of emphasis
    play no part. "Further reading" is no such heading: nothing cites the entries below it.
    """
    heading = unicodedata.normalize("NFC", normalize_text(text)).strip().strip("#*_ ").casefold()
    heading = _HEADING_ENDING.sub("", heading).strip("*_ ")
    heading = heading.replace("&", "and")
    return heading in _FOLDED_HEADINGS or _HEADING_NUMBER.sub("", heading) in _FOLDED_HEADINGS


_FOLDED_HEADINGS = frozenset(heading.strip().casefold() for heading in _HEADINGS)


def parse_reference_list(entries: Sequence[str]) -> tuple[Reference, ...]:
    """Return one reference per entry, in order, under the number that it prints or else its position.

    An entry without a number in a numbered list gets its position where no other entry prints that number,
    else the next one above all printed; a problem says so. A number that is printed on several entries stays
    on each of them, and each has a problem that says so: a marker with that number cannot be resolved.
    """
    printed = [entry for entry in entries if entry.strip()]
    labels = {label.line: label for label in labels_of_entries(printed)}
    numbers = _numbers_of(len(printed), {line: label.number for line, label in labels.items()})
    counts = Counter(numbers)
    references: list[Reference] = []
    for line, (entry, number) in enumerate(zip(printed, numbers, strict=True)):
        label = labels.get(line)
        text = entry[label.end :] if label else entry
        reference = parse_reference(text if text.strip() else entry, number)
        problems = _number_problems(number, counts[number], missing=bool(labels) and label is None)
        references.append(replace(reference, problems=(*problems, *reference.problems)))
    return tuple(references)


def _numbers_of(count: int, printed: Mapping[int, int]) -> list[int]:
    """Give every entry, by its place from 0, the number that it prints or one that no entry prints."""
    taken = set(printed.values())
    numbers: list[int] = []
    for place in range(count):
        number = printed.get(place)
        if number is None:
            number = place + 1 if place + 1 not in taken else max(taken) + 1
            taken.add(number)
        numbers.append(number)
    return numbers


def _number_problems(number: int, count: int, *, missing: bool) -> Iterator[str]:
    if missing:
        yield f"No number is printed before this entry of a numbered list; it is kept as {number}."
    if count > 1:
        yield f"The number {number} is printed before {count} entries of one list; [{number}] is ambiguous."
