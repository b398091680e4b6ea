"""Whether a reference number ever changes its meaning, over random sequences of adding, removing and rebuilding.

Example: .venv/bin/python -m benchmarks.random_rebuilds --sequences 200
"""

import argparse
import random
import sys

from rich.console import Console

from ingest.bibliography import DocumentReferences, Ledger, number_references
from ingest.records import Reference
from ingest.references import parse_reference_list

_STEPS = 40
_WORKS = 60
_SUBJECTS = "Sleep Cramp Fever Cough Pain Stretch Walking Water Salt Heat Cold Light".split()  # noqa: SIM905


def main() -> None:
    """Print how many numbers were given and how many changed their meaning; exit 1 when any did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sequences", type=int, default=200)
    sequences = parser.parse_args().sequences
    given = changed = rebuilds = 0
    for seed in range(sequences):
        meanings, changes, builds = _run(random.Random(seed))  # noqa: S311  # the same sequences every time
        given, changed, rebuilds = given + len(meanings), changed + changes, rebuilds + builds
    Console().print(
        f"{sequences} sequences, {rebuilds} rebuilds, {given} numbers given, {changed} changed their meaning"
    )
    sys.exit(changed > 0)


def _run(source: random.Random) -> tuple[dict[int, int], int, int]:
    """Return number -> work over one sequence, how often a number came to mean another work, and the rebuilds."""
    works = [_work(at) for at in range(_WORKS)]
    documents: dict[str, list[int]] = {}
    meanings: dict[int, int] = {}
    ledger, changes, rebuilds = Ledger(), 0, 0
    for step in range(_STEPS):
        if documents and source.random() < 0.4:
            del documents[source.choice(sorted(documents))]
        else:
            documents[f"article-{step}"] = source.sample(range(_WORKS), source.randint(1, 12))
        lists = [
            DocumentReferences(doc_id, _printed([works[at] for at in listed]))
            for doc_id, listed in documents.items()
        ]
        numbering = number_references([], lists, ledger)
        ledger, rebuilds = numbering.ledger, rebuilds + 1
        for doc_id, listed in documents.items():
            for printed, at in enumerate(listed, start=1):
                number = numbering.numbers[doc_id][printed]
                changes += meanings.setdefault(number, at) != at
    return meanings, changes, rebuilds


def _work(at: int) -> str:
    subject = _SUBJECTS[at % len(_SUBJECTS)]
    identifier = f" https://doi.org/10.5555/{subject.lower()}.{at}" if at % 3 else ""
    title = f"{subject} and {_SUBJECTS[(at // len(_SUBJECTS) + at) % len(_SUBJECTS)].lower()} in study {at}"
    return (
        f"Author{chr(65 + at % 26)} B. {title}. J Tests. {1990 + at % 30};{at}:{at + 1}-{at + 9}.{identifier}"
    )


def _printed(works: list[str]) -> tuple[Reference, ...]:
    return parse_reference_list([f"[{number}] {work}" for number, work in enumerate(works, start=1)])


if __name__ == "__main__":
    main()
