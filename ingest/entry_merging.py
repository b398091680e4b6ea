"""One entry of the bibliography from all that is known of a work: what is pinned, and what documents print."""

from collections.abc import Sequence
from dataclasses import fields, replace

from ingest.records import Reference
from ingest.reference_entry import MISSING_PROBLEMS

__all__ = ["merge_entries"]


def merge_entries(
    number: int, fixed: Reference | None, printed: Sequence[Reference], added: Sequence[str]
) -> Reference:
    """Join what is known of one work: what is pinned first, then what documents print, in their order.

    Problems are joined as well, but for those that another source has solved, or that the manifest tells of in
    its own words.

    Args:
        number: The index's number.
        fixed: The manifest's entry, if there is one.
        printed: The entries of documents; at least one if nothing is fixed.
        added: Problems that came up in numbering.
    """
    first, *others = [fixed, *printed] if fixed else printed
    merged = replace(first, number=number)
    for other in others:
        empty = {
            one.name: getattr(other, one.name)
            for one in fields(Reference)
            if one.name != "problems" and getattr(merged, one.name) in (None, ())
        }
        merged = replace(merged, **empty)
    told = [problem for reference in (first, *others) for problem in reference.problems]
    known = list(fixed.problems) if fixed else []
    kept = [
        one
        for one in told
        if one in known or not (_is_filled(one, merged) or _is_told(one, merged.doi, known))
    ]
    return replace(merged, problems=tuple(dict.fromkeys([*kept, *added])))


def _is_filled(problem: str, reference: Reference) -> bool:
    """Say whether a problem says of one print that it lacks a field which is known from elsewhere."""
    name = next((name for name, sentence in MISSING_PROBLEMS.items() if problem == sentence), None)
    return name is not None and bool(getattr(reference, name))


def _is_told(problem: str, doi: str | None, known: Sequence[str]) -> bool:
    """Say whether the manifest already tells of the same correction in its own words."""
    return doi is not None and doi in problem and any(doi in one for one in known)
