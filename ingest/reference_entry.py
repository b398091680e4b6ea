"""One printed entry of a reference list: who wrote what, when, and where it appeared."""

from ingest.records import Reference


def parse_reference(text: str, number: int) -> Reference:
    """Return what one entry, printed without its number label, says of the work it stands for."""
    return Reference(number, " ".join(text.split()))
