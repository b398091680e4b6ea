"""What every reader returns: a file's canonical text, its structure, and what was left out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.records import Block, Citation, Omission, Reference


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader finds in one file; the manifest adds the rest of a `Document`.

    Args:
        text: Canonical text, as in `Document.text`.
        blocks: As in `Document.blocks`.
        references: The file's own reference list, under the numbers that it prints.
        citations: The file's own markers. Their numbers are all in `references`.
        metadata: What the file says of itself, by these keys only, each when known: `last_updated`,
            `published`, `language`, `url`, `doi`, `licence`, `authors` (joined by "; "), `journal`.
        omitted: Text that is not in `text`, with the reason.
        warnings: What an editor should look at: a marker without a reference, a number printed twice.
    """

    title: str | None
    text: str
    blocks: tuple[Block, ...]
    references: tuple[Reference, ...] = ()
    citations: tuple[Citation, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[Omission, ...] = ()
    warnings: tuple[str, ...] = ()
