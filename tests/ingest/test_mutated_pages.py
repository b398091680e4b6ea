"""A copied page whose names, brands, numbers, addresses and degrees are all replaced, its shape kept.

What the reader does with it shows whether it knows the shape of such pages or only one page's words.
"""

import random
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.readers.plain_text import read_plain_text
from ingest.readers.reading import Reading

_SEEDS = sorted((Path(__file__).parents[2].parent / "shared" / "seed").glob("*.txt"))

needs_seed = pytest.mark.skipif(not _SEEDS, reason="the copied page is not beside this checkout")

_GIVEN = [
    "Ada",
    "Bram",
    "Cleo",
    "Dario",
    "Elif",
    "Fenna",
    "Goran",
    "Hana",
    "Ivo",
    "Jola",
    "Karim",
    "Lotte",
    "Milan",
    "Noor",
    "Otis",
    "Petra",
    "Quinn",
    "Rosa",
]
_FAMILY = [
    "Abelson",
    "Brandt",
    "Castell",
    "Dupont",
    "Eriksen",
    "Farkas",
    "Grimaldi",
    "Horvat",
    "Ishida",
    "Jansen",
    "Kowal",
    "Lindqvist",
]
_DEGREES = [
    "MBChB",
    "MD, PhD",
    "BSc, MPH",
    "RN",
    "B.Sc",
    "Pharm.D",
    "DDS, MSc (Oral)",
    "FRCP",
    "MSc Nutrition",
    "DNP, RN",
]
_HEADINGS = [
    "Our Panel",
    "The Team Behind It",
    "Keep In Touch",
    "Important Note",
    "Stay Informed",
    "Head Office",
    "Complaints Desk",
    "Get The Mobile Version",
    "Talk To Us",
    "Quality Seal",
    "Ways To Pay",
    "People",
    "Good To Know",
]
_QUESTIONS = [
    "Did this page help you?",
    "Is this what you were looking for?",
    "Would you recommend this text?",
]
_TITLES = [
    "Twitching calves revisited",
    "A survey of sore legs",
    "Salts and strain: an overview",
    "Night aches in adults",
]
_JOURNALS = [
    "Annals of Imagined Medicine",
    "Fictional Neurology",
    "Journal of Invented Results",
    "Example Care",
]


@dataclass(frozen=True)
class MutatedPage:
    """A page with other words, and what must be found in it."""

    text: str
    furniture: tuple[str, ...]  # lines behind the reference list
    reference_dois: tuple[str, ...]


def mutate_page(text: str, seed: int) -> MutatedPage:
    """Return the page with its references and everything behind them in other words."""
    rng = random.Random(seed)
    lines = text.split("\n")
    entries = [at for at, line in enumerate(lines) if re.match(r"\[\d+\] \S", line)]
    dois = [f"10.{rng.randrange(1000, 9999)}/x{rng.randrange(10**6)}" for _ in entries]
    for number, (at, doi) in enumerate(zip(entries, dois, strict=True), 1):
        lines[at] = _reference(rng, number, doi)
    start = entries[-1] + 1
    names: dict[str, str] = {}
    tail = [_furniture_line(rng, line, names) for line in lines[start:]]
    tail = _with_fresh_headings(rng, tail)
    return MutatedPage(
        "\n".join([*_rewrite_head(rng, lines[:start]), *tail]),
        tuple(line.strip() for line in tail if line.strip()),
        tuple(dois),
    )


def _person(rng: random.Random) -> str:
    return f"{rng.choice(['Dr. ', '', 'Prof. '])}{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}"


def _reference(rng: random.Random, number: int, doi: str) -> str:
    authors = ", ".join(f"{rng.choice(_FAMILY)}, {rng.choice('ABCDEF')}." for _ in range(rng.randrange(1, 5)))
    year, volume, page = rng.randrange(1980, 2025), rng.randrange(1, 60), rng.randrange(1, 900)
    return (
        f"[{number}] {authors} ({year}). {rng.choice(_TITLES)}. {rng.choice(_JOURNALS)}, {volume}({number}), "
        f"{page}–{page + 7}. https://doi.org/{doi}"
    )


def _rewrite_head(rng: random.Random, lines: list[str]) -> list[str]:
    day, year, minutes = rng.randrange(1, 28), rng.randrange(2015, 2026), rng.randrange(2, 30)
    head = [re.sub(r"\d{2} (\w{3}), \d{4}", rf"{day:02} \1, {year}", line) for line in lines]
    return [re.sub(r"^(\w+ \w+ : )\d+ min$", rf"\g<1>{minutes} min", line) for line in head]


def _furniture_line(rng: random.Random, line: str, names: dict[str, str]) -> str:
    if re.fullmatch(r"\d+ years", line):
        return f"{rng.randrange(1, 40)} years"
    if re.fullmatch(r"v[\d.]+", line):
        return f"v{rng.randrange(9)}.{rng.randrange(20)}.{rng.randrange(9)}"
    if re.search(r"(\w{4,}?)\1{2,}", line):
        return rng.choice(["trustBadge", "cardLogo", "payIcon"]) * rng.randrange(3, 8)
    if line.endswith("?"):
        return rng.choice(_QUESTIONS)
    return _line_of_words(rng, line, names)


def _line_of_words(rng: random.Random, line: str, names: dict[str, str]) -> str:
    words = line.split()
    if (
        re.search(r"\b[A-Z]\.? ?[A-Z]?[a-z]*\.|\b[A-Z]{3,}\b|PhD", line)
        and len(words) < 8
        and "Dr." not in line
    ):
        return rng.choice(_DEGREES) if not re.search(r"\d", line) else _numbers(rng, line)
    if 1 < len(words) <= 4 and all(word[0].isupper() for word in words):
        return names.setdefault(line, _person(rng))
    return _numbers(rng, _brandless(rng, line))


def _numbers(rng: random.Random, line: str) -> str:
    return re.sub(r"\d", lambda _: str(rng.randrange(1, 10)), line)


def _brandless(rng: random.Random, line: str) -> str:
    """Replace the capitalised words inside a line: brands, places, names."""
    brand = rng.choice(["Zellora", "Kinvita", "Orbanda", "Medulio"])
    return re.sub(r"(?<=[a-z,&-] )[A-Z][a-z]+", brand, line)


def _with_fresh_headings(rng: random.Random, lines: list[str]) -> list[str]:
    """Replace lines that stand alone between empty lines and are short: the headings of footer sections."""
    fresh = list(lines)
    for at in range(1, len(lines) - 1):
        alone = not lines[at - 1].strip() and not lines[at + 1].strip()
        if alone and 0 < len(lines[at].split()) <= 4 and not re.search(r"\d|[.,]", lines[at]):
            fresh[at] = rng.choice(_HEADINGS)
    return fresh


def read_seed() -> str:
    return _SEEDS[0].read_text(encoding="utf-8")


def body_texts(reading: Reading) -> list[str]:
    return [reading.text[block.start : block.end] for block in reading.blocks if block.kind != "reference"]


def cited_sentences(reading: Reading) -> list[tuple[str, tuple[int, ...]]]:
    return [(reading.text[one.sentence_start : one.sentence_end], one.numbers) for one in reading.citations]


@needs_seed
def test_the_copied_page_yields_its_title_references_and_every_marker() -> None:
    page = read_seed()
    article, _ = page.split("\nReferences\n")
    markers = re.findall(r"\[\d\]", article)

    reading = read_plain_text(page.encode())

    assert reading.title is not None
    assert page.split("\n")[0].endswith(reading.title)
    assert [reference.number for reference in reading.references] == [1, 2, 3, 4, 5]
    assert [reading.text[one.start : one.end] for one in reading.citations] == markers
    assert all(sentence.count("[") == 1 for sentence, _ in cited_sentences(reading))
    assert reading.metadata["last_updated"] == "2025-11-08"
    assert reading.warnings == ()


@needs_seed
def test_the_copied_page_keeps_every_line_of_the_article_and_none_behind_its_references() -> None:
    page = read_seed()
    article, tail = page.split("\nReferences\n")
    lines = [line.strip().removeprefix("• ") for line in article.split("\n")[7:] if line.strip()]

    reading = read_plain_text(page.encode())
    behind = [line for line in tail.split("\n") if line.strip() and not line.startswith("[")]

    assert body_texts(reading)[1:-1] == [" ".join(line.split()) for line in lines]
    omitted = "\n".join(omission.text for omission in reading.omitted)
    assert all(line.strip() in omitted for line in behind)


@needs_seed
def test_sections_of_the_copied_page_follow_its_headings() -> None:
    reading = read_plain_text(read_seed().encode())

    paths = {block.section for block in reading.blocks if block.kind == "list_item"}

    assert max(map(len, paths)) == 2
    assert all(not heading.endswith(":") for path in paths for heading in path[:1])


@needs_seed
@pytest.mark.parametrize("seed", range(40))
def test_in_other_words_the_page_is_read_the_same(seed: int) -> None:
    original = read_plain_text(read_seed().encode())
    page = mutate_page(read_seed(), seed)

    reading = read_plain_text(page.text.encode())

    assert reading.title == original.title
    assert body_texts(reading) == body_texts(original)
    assert cited_sentences(reading) == cited_sentences(original)
    assert len(reading.references) == len(page.reference_dois)
    for reference, doi in zip(reading.references, page.reference_dois, strict=True):
        assert doi in reference.text
    omitted = "\n".join(omission.text for omission in reading.omitted)
    assert all(line in omitted for line in page.furniture)
