"""Where to draw the line between two titles: `python -m benchmarks.reference_matching FOLDER_OF_JATS_FILES`.

Pairs of one work are the titles of real references beside the same title as another author or typist prints it:
British spelling, another dash, a dropped article, a slip of the fingers. Pairs of different works are each title
beside the most similar title of all other references, which is harder than nature: these pairs do not even have
the first author and the year in common, as a match must.
"""

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.reference_parsing import read_truths
from ingest.reference_identity import SAME_TITLE_FROM, fold, title_similarity

_THRESHOLDS = (80.0, 85.0, 88.0, 90.0, 92.0, 95.0, 98.0)


def _respelled(title: str, _: random.Random) -> str:
    for american, british in (
        ("ization", "isation"),
        ("emia", "aemia"),
        ("tumor", "tumour"),
        ("behavior", "behaviour"),
    ):
        title = title.replace(american, british)
    return title.upper().replace("-", " – ")


def _with_slip(title: str, chance: random.Random) -> str:
    at = chance.randrange(len(title) - 1)
    return title[:at] + title[at + 1] + title[at] + title[at + 2 :]


def _with_two_letters_lost(title: str, chance: random.Random) -> str:
    for _ in range(2):
        at = chance.randrange(len(title))
        title = title[:at] + title[at + 1 :]
    return title


def _without_articles(title: str, _: random.Random) -> str:
    return " ".join(word for word in title.split() if word.lower() not in ("the", "a", "an"))


def _without_subtitle(title: str, _: random.Random) -> str:
    return title.partition(":")[0]


VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "respelled, in capitals": _respelled,
    "two letters swapped": _with_slip,
    "two letters lost": _with_two_letters_lost,
    "articles dropped": _without_articles,
    "subtitle dropped": _without_subtitle,
}


def nearest_others(titles: Sequence[str]) -> list[float]:
    """Return for each title its similarity to the most similar of the others."""
    return [max(title_similarity(one, other) for other in titles if other is not one) for one in titles]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the share of pairs taken for one work at each threshold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of JATS files")
    folder = parser.parse_args(arguments).folder
    found = {
        fold(one.title): one.title for path in sorted(folder.glob("*.*xml")) for one in read_truths(path)
    }
    titles = [found[key] for key in sorted(found)]
    chance = random.Random(7)  # noqa: S311 - slips of the fingers, not secrets
    rows = {
        name: [
            title_similarity(title, vary(title, chance)) for title in titles if vary(title, chance) != title
        ]
        for name, vary in VARIANTS.items()
    }
    rows["another work"] = nearest_others(titles)
    lines = [f"{'share taken for one from':<28}" + "".join(f"{one:>8.0f}" for one in _THRESHOLDS)]
    for name, values in rows.items():
        shares = (sum(value >= one for value in values) / len(values) for one in _THRESHOLDS)
        lines.append(f"{name:<28}" + "".join(f"{share:>8.1%}" for share in shares) + f"  of {len(values)}")
    lines.append(f"Titles are taken for one from {SAME_TITLE_FROM:.0f} on.")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
