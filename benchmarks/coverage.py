"""Whether passages hold all body text and fit the encoder's window, over real documents.

Example: .venv/bin/python -m benchmarks.coverage ../shared/real
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from index.embedding import Embedder, SentenceTransformerEmbedder
from ingest.chunking import ChunkLimits, chunk_document
from ingest.errors import UnreadableDocumentError
from ingest.readers.registry import SUPPORTED_SUFFIXES, read_document
from ingest.records import BODY_KINDS, Document, Passage


def main() -> None:
    """Print a row per document; exit 1 when a passage is too long or a character is in none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="searched for documents of every format")
    folder: Path = parser.parse_args().folder
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUPPORTED_SUFFIXES]
    if not paths:
        sys.exit(f"{folder} holds no documents. Name a folder that does.")
    embedder = SentenceTransformerEmbedder()
    table = Table("document", "passages", "too long", "characters in no passage")
    faults = 0
    for path in paths:
        try:
            reading = read_document(path.read_bytes(), name=path.name)
        except UnreadableDocumentError as error:
            table.add_row(path.name, f"refused: {error}", "", "")
            continue
        document = Document(
            "document",
            reading.title or path.stem,
            "article",
            "full_text",
            reading.text,
            reading.blocks,
            reading.references,
            reading.citations,
        )
        passages = _passages(document, embedder)
        too_long = sum(
            embedder.count_tokens(each.embedding_text) > embedder.identity.max_tokens for each in passages
        )
        uncovered = _uncovered(document, passages)
        faults += too_long + uncovered
        table.add_row(path.name, str(len(passages)), str(too_long), str(uncovered))
    Console().print(table)
    sys.exit(bool(faults))


def _passages(document: Document, embedder: Embedder) -> list[Passage]:
    numbers = {reference.number: reference.number for reference in document.references}
    limits = ChunkLimits.within(embedder.identity.max_tokens)
    return chunk_document(document, numbers=numbers, count_tokens=embedder.count_tokens, limits=limits)


def _uncovered(document: Document, passages: list[Passage]) -> int:
    covered = {at for passage in passages for at in range(passage.start, passage.end)}
    return sum(
        at not in covered and not document.text[at].isspace()
        for block in document.blocks
        if block.kind in BODY_KINDS
        for at in range(block.start, block.end)
    )


if __name__ == "__main__":
    main()
