"""How well the readers read: real articles in JATS, and the same rendered and read back.

    python -m benchmarks.reading [FOLDER]     # default: ../shared/real/jats
    python -m benchmarks.reading --mistakes   # with an example of each kind of mistake

Exits with 1 when the folder holds no article.
"""

import argparse
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rapidfuzz import fuzz

from benchmarks import rendering
from benchmarks.articles import (
    TrueArticle,
    TrueLink,
    TrueMarker,
    TrueReference,
    letters,
    read_article,
    read_links,
)
from ingest.readers.html import read_html
from ingest.readers.jats import read_jats
from ingest.readers.plain_text import read_plain_text
from ingest.readers.reading import Reading
from ingest.records import Reference

_DEFAULT_FOLDER = Path("../shared/real/jats")
_SAME_TEXT = 95.0  # of 100; an entry is split right when this much of it is where it should be
_CONTEXT_LETTERS = 20


@dataclass(frozen=True, slots=True)
class Rendering:
    """One way to print an article and to read it back."""

    name: str
    render: Callable[[TrueArticle], bytes]
    read: Callable[[bytes], Reading]


#: A format is measured by adding its row.
RENDERINGS: list[Rendering] = [
    Rendering("text [1]", rendering.text_with_brackets, read_plain_text),
    Rendering("text ¹", rendering.text_with_superscripts, read_plain_text),
    Rendering("html [1]", rendering.html_with_brackets, read_html),
    Rendering("html <sup>", rendering.html_with_superscripts, read_html),
    Rendering("html [<a>]", rendering.html_with_links, read_html),
    Rendering("html <sup><a>", rendering.html_with_raised_links, read_html),
    Rendering("html wiki", rendering.html_like_a_wiki, read_html),
]


@dataclass(slots=True)
class Score:
    """Counts over articles; every figure printed is a ratio of two of them."""

    markers: int = 0
    found: int = 0
    right: int = 0
    entries: int = 0
    split: int = 0
    dois: int = 0
    doi_right: int = 0
    years: int = 0
    year_right: int = 0
    authors: int = 0
    author_right: int = 0
    letters: int = 0
    lost: int = 0
    outside_blocks: int = 0
    leaked: int = 0

    def add(self, other: "Score") -> None:
        """Add the counts of another article."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def score_reading(article: TrueArticle, reading: Reading) -> Score:
    """Compare a reading of a rendered article with the article."""
    expected, found = Counter(expected_markers(article)), Counter(found_markers(reading))
    score = Score(markers=expected.total(), found=found.total(), right=(expected & found).total())
    by_number = {reference.number: reference for reference in reading.references}
    for true in article.references:
        _score_reference(score, true, by_number.get(true.number))
    extra = len(reading.references) - len(article.references)
    score.entries += max(extra, 0)
    kept = letters("".join(_block_texts(reading)))
    for block in article.blocks:
        own = letters("".join(piece for piece in block.pieces if isinstance(piece, str)))
        score.letters += len(own)
        score.lost += len(own) if own not in kept and not _is_scattered(block.pieces, kept) else 0
    score.outside_blocks = _letters_outside_blocks(reading)
    score.leaked = sum(word in kept for word in rendering.FURNITURE_WORDS)
    return score


def _is_scattered(pieces: Iterable[object], kept: str) -> bool:
    """Say whether all pieces of a block were kept, with something else (a raised letter) between them."""
    return all(letters(piece) in kept for piece in pieces if isinstance(piece, str))


def _score_reference(score: Score, true: TrueReference, found: Reference | None) -> None:
    printed = max((rendering.vancouver(true), rendering.apa(true)), key=lambda text: _likeness(text, found))
    score.entries += 1
    score.split += _likeness(printed, found) >= _SAME_TEXT
    found_doi = found.doi.lower() if found and found.doi else None
    if true.doi or found_doi:
        score.dois += 1
        score.doi_right += true.doi == found_doi
    if true.year and not true.rest:
        score.years += 1
        score.year_right += bool(found and found.year == true.year)
    if true.first_author and not true.rest:
        score.authors += 1
        score.author_right += bool(
            found and found.authors and _same_author(true.first_author, found.authors[0])
        )


def _likeness(text: str, found: Reference | None) -> float:
    return fuzz.ratio(text, found.text) if found else 0.0


def _same_author(true: str, found: str) -> bool:
    surname = true.rpartition(" ")[0] if true.rsplit(maxsplit=1)[-1].isupper() and " " in true else true
    return letters(found).startswith(letters(surname))


def expected_markers(article: TrueArticle) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each marker of an article with the letters before it."""
    before = letters(article.title)
    for block in article.blocks:
        for piece in block.pieces:
            if isinstance(piece, TrueMarker):
                yield before[-_CONTEXT_LETTERS:], piece.numbers
            elif isinstance(piece, str):
                before += letters(piece)
            else:
                before += letters(piece.text)
        before = before[-200:]


def found_markers(reading: Reading) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each marker of a reading with the letters before it."""
    for citation in reading.citations:
        start = max(0, citation.start - 60 * _CONTEXT_LETTERS)
        yield (
            letters(reading.text[start : citation.start])[-_CONTEXT_LETTERS:],
            tuple(sorted(citation.numbers)),
        )


def _block_texts(reading: Reading) -> Iterator[str]:
    return (reading.text[block.start : block.end] for block in reading.blocks)


def _letters_outside_blocks(reading: Reading) -> int:
    return sum(not one.isspace() for one in reading.text) - sum(
        not one.isspace() for text in _block_texts(reading) for one in text
    )


# --- JATS as it is -----------------------------------------------------------------------------------


def resolved_links(links: Sequence[TrueLink], reading: Reading) -> list[bool]:
    """Return for each `xref` whether a citation at its place holds its number, and all that its dash implies."""
    places = [at for at, one in enumerate(reading.text) for _ in letters(one)]
    flat = letters(reading.text)
    starts = [citation.start for citation in reading.citations]
    return [_is_resolved(link, reading, flat, places, starts) for link in links]


def _is_resolved(
    link: TrueLink, reading: Reading, flat: str, places: Sequence[int], starts: Sequence[int]
) -> bool:
    wanted = {link.number, *link.implied}
    at = flat.find(link.before + link.own)
    while at >= 0:
        last_before = at + len(link.before) - 1
        low = places[last_before] if last_before >= 0 else 0
        following = last_before + len(link.own) + 1
        high = places[following] if following < len(places) else len(reading.text)
        near = reading.citations[max(0, bisect_left(starts, low) - 1) : bisect_right(starts, high)]
        cited = {number for one in near if one.end > low and one.start < high for number in one.numbers}
        if wanted <= cited:
            return True
        at = flat.find(link.before + link.own, at + 1)
    return False


# --- Command -----------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; see the module."""
    parser = argparse.ArgumentParser(description="Measure the readers on real articles.")
    parser.add_argument("folder", type=Path, nargs="?", default=_DEFAULT_FOLDER)
    parser.add_argument("--mistakes", action="store_true", help="show where the readers went wrong")
    options = parser.parse_args(arguments)
    paths = sorted(path for path in options.folder.glob("*") if path.suffix in {".xml", ".nxml"})
    if not paths:
        sys.stderr.write(
            f"{options.folder} holds no JATS files (.xml, .nxml). Give the folder as argument.\n"
        )
        return 1
    _report_jats(paths, mistakes=options.mistakes)
    articles = [read_article(path) for path in paths]
    columns = ("P", "R", "F1", "split", "DOI", "year", "author")
    _print(f"\n{'rendering':15} {' '.join(f'{name:>7}' for name in columns)}  lost outside leaked")
    for one in RENDERINGS:
        _report_rendering(one, articles, mistakes=options.mistakes)
    return 0


def _report_jats(paths: Sequence[Path], *, mistakes: bool) -> None:
    total = right = 0
    for path in paths:
        links, reading = read_links(path), read_jats(path.read_bytes())
        resolved = resolved_links(links, reading)
        total, right = total + len(links), right + sum(resolved)
        for link, is_right in zip(links, resolved, strict=True):
            if mistakes and not is_right:
                _print(f"  {path.name}: …{link.before!r} {link.own!r} -> {link.number} {link.implied}")
    _print(
        f"JATS: {right} of {total} xrefs resolved ({100 * right / max(total, 1):.2f} %), {len(paths)} articles"
    )


def _report_rendering(one: Rendering, articles: Sequence[TrueArticle], *, mistakes: bool) -> None:
    score = Score()
    for article in articles:
        reading = one.read(one.render(article))
        score.add(score_reading(article, reading))
        if mistakes:
            _print_mistakes(article, reading)
    precision, recall = _ratio(score.right, score.found), _ratio(score.right, score.markers)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shares = (
        precision, recall, f1, _ratio(score.split, score.entries), _ratio(score.doi_right, score.dois),
        _ratio(score.year_right, score.years), _ratio(score.author_right, score.authors),
    )  # fmt: skip
    counts = f"{score.lost:>5} {score.outside_blocks:>6} {score.leaked:>6}"
    _print(f"{one.name:15} {' '.join(f'{share:7.4f}' for share in shares)} {counts}")


def _print_mistakes(article: TrueArticle, reading: Reading) -> None:
    expected, found = Counter(expected_markers(article)), Counter(found_markers(reading))
    for label, wrong in (("missed", expected - found), ("false ", found - expected)):
        for before, numbers in list(wrong)[:3]:
            _print(f"  {article.name} {label} …{before} {numbers}")
    by_number = {reference.number: reference for reference in reading.references}
    if len(by_number) != len(article.references):
        _print(f"  {article.name} has {len(by_number)} references for {len(article.references)}")
    for true in article.references:
        score = Score()
        _score_reference(score, true, by_number.get(true.number))
        if (score.split, score.doi_right, score.year_right, score.author_right) != (
            score.entries, score.dois, score.years, score.authors,
        ):  # fmt: skip
            _print(f"  {article.name} {true} read as {by_number.get(true.number)}"[:900])


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
