"""How well printed references are read back: `python -m benchmarks.reference_parsing FOLDER_OF_JATS_FILES`.

The truth is what the markup of real articles says of each reference. It is printed in six styles by the code
below, once with and once without numbers, hard-wrapped, split and parsed again; a table shows the share of
fields that come back. "split" has an empty line between entries, "tight" has none. The row "as printed" parses
the text that the articles themselves print.
"""

import argparse
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lxml import etree
from rapidfuzz import fuzz

from ingest.records import Reference
from ingest.reference_identity import fold
from ingest.references import parse_reference, parse_reference_list, split_reference_list

_CITATIONS = ("element-citation", "mixed-citation", "nlm-citation", "citation")
FIELDS = ("split", "tight", "doi", "year", "author", "title", "container", "volume", "issue", "pages")


@dataclass(frozen=True, slots=True)
class Truth:
    """What the markup says of one reference; persons as (family, initials)."""

    persons: tuple[tuple[str, str], ...]
    title: str
    container: str
    year: str
    volume: str
    issue: str
    pages: str
    doi: str
    pmid: str
    complete_list: bool
    printed: str


def read_truths(path: Path) -> Iterator[Truth]:
    """Yield the journal references of one JATS file whose markup names at least author, title and year."""
    parser = etree.XMLParser(recover=True, load_dtd=False, no_network=True, resolve_entities=False)
    for reference in etree.parse(path, parser).iter("ref"):
        for work in reference.iterchildren(*_CITATIONS):
            truth = _truth(work)
            if truth.persons and truth.title and truth.container and re.fullmatch(r"\d{4}", truth.year):
                yield truth
            break


def _truth(work: etree._Element) -> Truth:
    persons = tuple((_text(one, "surname"), _text(one, "given-names")) for one in work.iter("name"))
    pages = "–".join(filter(None, (_text(work, "fpage"), _text(work, "lpage"))))
    identifiers = {
        one.get("pub-id-type", ""): _words(_all_text(one)) for one in work.iter("pub-id", "object-id")
    }
    link = next((one.get("{http://www.w3.org/1999/xlink}href", "") for one in work.iter("ext-link")), "")
    doi = identifiers.get("doi") or (
        re.sub(r"^https?://(?:dx\.)?doi\.org/", "", link) if "doi.org/" in link else ""
    )
    return Truth(
        persons=tuple((family, given) for family, given in persons if family and given),
        title=_text(work, "article-title"),
        container=_text(work, "source"),
        year=_text(work, "year"),
        volume=_text(work, "volume"),
        issue=_text(work, "issue"),
        pages=pages,
        doi=unquote(doi).lower(),
        pmid=identifiers.get("pmid", ""),
        complete_list=work.find(".//etal") is None,
        printed=_as_printed(work),
    )


def _as_printed(work: etree._Element) -> str:
    """Return all text; where the markup leaves the space between two elements to the reader, with one."""
    text = ""
    for piece in map(str, work.itertext()):
        text += " " + piece if re.search(r"[\w.?]$", text) and re.match(r"\w", piece) else piece
    return _words(text)


def _text(element: etree._Element, tag: str) -> str:
    found = next(element.iter(tag), None)
    return _words(_all_text(found)) if found is not None else ""


def _all_text(element: etree._Element) -> str:
    return "".join(map(str, element.itertext()))


def _words(text: str) -> str:
    return " ".join(text.split())


def _initials(given: str) -> list[str]:
    return (
        re.findall(r"[^\W\d_]", given)
        if given.isupper()
        else [word[0] for word in re.split(r"[\s.-]+", given) if word]
    )


def _stop(title: str) -> str:
    return title if title[-1] in ".?!" else title + "."


def _apa(one: Truth) -> str:
    names = [
        f"{family}, {' '.join(f'{letter}.' for letter in _initials(given))}" for family, given in one.persons
    ]
    authors = f"{', '.join(names[:-1])}, & {names[-1]}" if len(names) > 1 else names[0]
    issue = f"({one.issue})" if one.issue and one.volume else ""
    place = "".join(f", {part}" for part in (f"{one.volume}{issue}", one.pages) if part)
    doi = f" https://doi.org/{one.doi}" if one.doi else ""
    return f"{authors} ({one.year}). {_stop(one.title)} {one.container}{place}.{doi}"


def _short_names(one: Truth) -> str:
    names = ", ".join(f"{family} {''.join(_initials(given))}" for family, given in one.persons)
    return names if one.complete_list else f"{names}, et al"


def _semicolon_place(one: Truth) -> str:
    issue = f"({one.issue})" if one.issue and one.volume else ""
    return f"{one.year}{f';{one.volume}{issue}' if one.volume else ''}:{one.pages}".rstrip(":")


def _vancouver(one: Truth) -> str:
    place = _semicolon_place(one)
    doi = f" doi: {one.doi}." if one.doi else ""
    pmid = f" PMID: {one.pmid}." if one.pmid else ""
    return f"{_short_names(one)}. {_stop(one.title)} {one.container}. {place}.{doi}{pmid}"


def _ama(one: Truth) -> str:
    place = _semicolon_place(one)
    doi = f" doi:{one.doi}" if one.doi else ""
    return f"{_short_names(one)}. {_stop(one.title)} {one.container}. {place}.{doi}"


def _harvard(one: Truth) -> str:
    names = [f"{family}, {'.'.join(_initials(given))}." for family, given in one.persons]
    authors = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    issue = f"({one.issue})" if one.issue and one.volume else ""
    place = "".join(
        f", {part}" for part in (f"{one.volume}{issue}", one.pages and f"pp. {one.pages}") if part
    )
    doi = f" doi:{one.doi}." if one.doi else ""
    return f"{authors} ({one.year}) ‘{one.title.rstrip('.')}’, {one.container}{place}.{doi}"


def _bmc(one: Truth) -> str:
    place = _semicolon_place(one).replace(";", ", ")
    doi = f" doi:{one.doi}" if one.doi else ""
    return f"{_short_names(one)}: {_stop(one.title)} {one.container} {place}.{doi}"


def _chicago(one: Truth) -> str:
    persons = [
        (family, " ".join(f"{letter}." for letter in _initials(given))) for family, given in one.persons
    ]
    (family, given), *rest = persons
    names = [f"{family}, {given}", *(f"{given} {family}" for family, given in rest)]
    authors = f"{', '.join(names[:-1])}, and {names[-1]}." if rest else names[0]
    number = f", no. {one.issue}" if one.issue else ""
    place = f" {one.volume}{number} ({one.year}): {one.pages}".rstrip(": ")
    doi = f" https://doi.org/{one.doi}." if one.doi else ""
    return f"{authors} “{_stop(one.title)}” {one.container}{place}.{doi}"


STYLES: dict[str, Callable[[Truth], str]] = {
    "APA": _apa,
    "Vancouver": _vancouver,
    "AMA": _ama,
    "Harvard": _harvard,
    "BMC": _bmc,
    "Chicago": _chicago,
}
_WRAPPED_AT_CHARS = 88


def measure_style(
    truths: Sequence[Truth], print_one: Callable[[Truth], str], *, numbered: bool
) -> Counter[str]:
    """Print, wrap, split and parse one list; count per field how many there are and how many come back."""
    entries = [(f"{place}. " if numbered else "") + print_one(one) for place, one in enumerate(truths, 1)]
    wrapped = [textwrap.wrap(entry, _WRAPPED_AT_CHARS) for entry in entries]
    counts = Counter({"of split": len(entries), "of tight": len(entries)})
    for name, gap in (("split", [""]), ("tight", [])):
        split = split_reference_list([line for lines in wrapped for line in [*lines, *gap]])
        counts[name] = len({_bare(entry) for entry in entries} & {_bare(entry) for entry in split})
    parsed = parse_reference_list(entries)
    for truth, reference in zip(truths, parsed, strict=True):
        counts += compare_fields(truth, reference)
    return counts


def _bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def compare_fields(truth: Truth, reference: Reference) -> Counter[str]:
    """Count the fields of one reference, and those that were read as the markup has them."""
    family = fold(truth.persons[0][0]).replace(" ", "")
    first = fold(reference.authors[0]).replace(" ", "") if reference.authors else ""
    known = {
        "doi": (truth.doi, reference.doi == truth.doi),
        "year": (truth.year, str(reference.year) == truth.year),
        "author": (family, first.startswith(family)),
        "title": (truth.title, fuzz.ratio(fold(truth.title), fold(reference.title or "")) >= 97),
        "container": (truth.container, fold(reference.container or "") == fold(truth.container)),
        "volume": (truth.volume, reference.volume == truth.volume),
        "issue": (truth.issue, reference.issue == truth.issue),
        "pages": (truth.pages, fold(reference.pages or "") == fold(truth.pages)),
    }
    counts: Counter[str] = Counter()
    for name, (there, right) in known.items():
        counts[f"of {name}"] = int(bool(there))
        counts[name] = int(bool(there) and right)
    return counts


def measure_printed(truths: Sequence[Truth]) -> Counter[str]:
    """Parse the text as the articles print it."""
    counts: Counter[str] = Counter()
    for truth in truths:
        counts += compare_fields(truth, parse_reference(truth.printed, 1))
    return counts


def measure(folder: Path) -> dict[str, Counter[str]]:
    """Return the counts of each style over all JATS files of a folder."""
    rows: dict[str, Counter[str]] = {}
    lists = [list(read_truths(path)) for path in sorted(folder.glob("*.*xml"))]
    for name, print_one in STYLES.items():
        for numbered in (True, False):
            row = f"{name}, {'numbered' if numbered else 'unnumbered'}"
            rows[row] = sum(
                (measure_style(one, print_one, numbered=numbered) for one in lists if one), Counter()
            )
    spaced = [one for truths in lists for one in truths if _is_text(one)]
    rows["as printed"] = measure_printed(spaced)
    return rows


def _is_text(truth: Truth) -> bool:
    """Whether the markup holds an entry as printed: with punctuation between its parts."""
    return f"({truth.year})" in truth.printed or f"{truth.year};" in truth.printed


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of JATS files")
    rows = measure(parser.parse_args(arguments).folder)
    lines = [f"{'style':<24}" + "".join(f"{name:>11}" for name in FIELDS) + f"{'entries':>9}"]
    for row, counts in rows.items():
        shares = (
            f"{100 * counts[one] / counts[f'of {one}']:.1f}" if counts[f"of {one}"] else "–" for one in FIELDS
        )
        lines.append(f"{row:<24}" + "".join(f"{share:>11}" for share in shares) + f"{counts['of year']:>9}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
