"""Time and peak memory for files at the edge of what is read: long text in three formats and a long PDF.

Example: .venv/bin/python -m benchmarks.large_files --megabytes 100 --pages 2000
"""

import argparse
import multiprocessing
import random
import resource
import time
from collections.abc import Callable
from functools import partial

from rich.console import Console
from rich.table import Table

from benchmarks.rendering_pdf import Article, PrintedReference, Section, render_pdf
from ingest.errors import UnreadableDocumentError
from ingest.readers.registry import read_document

_WORDS = [
    "muscle",
    "cramp",
    "calf",
    "night",
    "stretch",
    "water",
    "dose",
    "study",
    "patients",
    "reported",
    "pain",
    "relief",
    "doctor",
    "after",
    "exercise",
    "sudden",
    "age",
    "found",
    "that",
    "the",
    "of",
    "in",
    "and",
    "with",
    "for",
]
_REFERENCES = 50


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100, help="size of the text files")
    parser.add_argument("--pages", type=int, default=2_000, help="about how many pages the PDF has")
    options = parser.parse_args()
    size = options.megabytes * 1_000_000
    cases: dict[str, Callable[[], tuple[bytes, str]]] = {
        f"plain text, {options.megabytes} MB": partial(_text_file, size, "text.txt"),
        f"markdown, {options.megabytes} MB": partial(_text_file, size, "text.md"),
        f"HTML, {options.megabytes} MB": partial(_html_file, size),
        f"PDF, about {options.pages:,} pages": partial(_pdf_file, options.pages),
    }
    table = Table("file", "outcome", "processor s", "peak MiB")
    for name, make in cases.items():
        with multiprocessing.get_context("spawn").Pool(1) as fresh:
            table.add_row(name, *fresh.apply(_measure, (make,)))
    Console().print(table)


def _measure(make: Callable[[], tuple[bytes, str]]) -> tuple[str, str, str]:
    """Read one file in a process of its own; its peak includes the file itself and its making."""
    data, name = make()
    started = time.process_time()
    try:
        reading = read_document(data, name=name)
        outcome = f"{len(reading.blocks):,} blocks, {len(reading.citations):,} markers"
    except UnreadableDocumentError as error:
        outcome = f"refused: {error}"
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return outcome, f"{spent:.1f}", f"{peak:.0f}"


def _paragraphs(size: int) -> list[str]:
    source = random.Random(20261123)  # noqa: S311  # the same text every time
    paragraphs: list[str] = []
    while size > 0:
        paragraph = " ".join(_sentence(source) for _ in range(6))
        paragraphs.append(paragraph)
        size -= len(paragraph)
    return paragraphs


def _sentence(source: random.Random) -> str:
    words = " ".join(source.choices(_WORDS, k=14)).capitalize()
    marker = f" [{source.randint(1, _REFERENCES)}]" if source.random() < 0.3 else ""
    return f"{words}{marker}."


def _entries() -> list[str]:
    return [f"Doe J, Roe R. Title of work {at}. J Test. 2001;{at}:1-9." for at in range(1, _REFERENCES + 1)]


def _text_file(size: int, name: str) -> tuple[bytes, str]:
    heading = "# " if name.endswith(".md") else ""
    lines = [f"{heading}A treatise on cramps", *_paragraphs(size), f"{heading and '## '}References"]
    lines += [f"[{at}] {entry}" for at, entry in enumerate(_entries(), start=1)]
    return "\n\n".join(lines).encode(), name


def _html_file(size: int) -> tuple[bytes, str]:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in _paragraphs(size))
    entries = "".join(f"<li>{entry}</li>" for entry in _entries())
    page = f"<html><body><h1>Cramps</h1>{body}<h2>References</h2><ol>{entries}</ol></body></html>"
    return page.encode(), "page.html"


def _pdf_file(pages: int) -> tuple[bytes, str]:
    # A page of the renderer holds some 2,500 characters.
    section = Section("Findings", 1, tuple((text,) for text in _paragraphs(pages * 2_500)))
    references = tuple(PrintedReference(at, text) for at, text in enumerate(_entries(), start=1))
    article = Article(title="A treatise on cramps", sections=(section,), references=references)
    return render_pdf(article, columns=1, superscript=False), "treatise.pdf"


if __name__ == "__main__":
    main()
