"""One printed entry of a reference list: who wrote what, when, and where it appeared."""

from ingest.records import Reference


#: What is said of an entry from which a field could not be read.
MISSING_PROBLEMS = {
    "authors": "No author could be read from the printed entry.",
    "year": "No year could be read from the printed entry.",
    "title": "No title could be read from the printed entry.",
}


def parse_reference(text: str, number: int) -> Reference:
    """Return what one entry, printed without its number label, says of the work it stands for."""
    return Reference(number, " ".join(text.split()))
