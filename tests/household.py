"""A corpus whose readers have other words than its documents, for tests of learning from judged questions."""

import json
from collections.abc import Sequence
from pathlib import Path

from answer.adapting import learn
from index.building import build_index
from index.searching import OpenSnapshot, open_snapshot
from index.snapshot import current_version
from index.vector_cache import VectorCache
from tests.conftest import no_calibration, write_corpus
from tests.twins import TwinEmbedder

_MANIFEST = """\
[[documents]]
doc_id = "household"
path = "household.md"
title = "Household"
kind = "article"
"""
#: Sixty things, of which the documents say how each is mended and where it is kept.
THINGS = [f"{made}{of}" for made in ["stone", "copper", "silver", "wooden", "plastic", "leather"] for of in
          ["lamp", "chair", "clock", "kettle", "ladder", "basket", "mirror", "drum", "wheel", "spoon"]]  # fmt: skip
#: Readers have a word of their own for mending, which no document has, and others that mislead.
QUESTION = "Which {} of those stored in the cellar is reparable?"


def article() -> str:
    """Return what the documents say of every thing."""
    sections = [
        f"## The {each}\n\nWhen it is broken, mend the {each} with some glue and string.\n\n"
        f"## Keeping it\n\nThe {each} is stored in the cellar beside the others of its sort.\n"
        for each in THINGS
    ]
    return "# Household\n\n" + "\n".join(sections)


def questions(things: Sequence[str], *, answerable: bool = True) -> str:
    """Return judged questions about some things: how each is mended, or something that no document says."""
    return "".join(
        json.dumps(
            {
                "id": f"{each}-{answerable}",
                "question": QUESTION.format(each) if answerable else f"What does a {each} weigh?",
                "kind": "lookup",
                "answerable": answerable,
                "refs": [0] if answerable else [],
                "nuggets": [[f"mend the {each} "]] if answerable else [],
            }
        )
        + "\n"
        for each in things
    )


def corpus(folder: Path, judged: str) -> Path:
    """Write the corpus with some judged questions, and return its folder."""
    return write_corpus(
        folder,
        {
            "household.md": article(),
            "questions/judged.jsonl": judged,
            "corpus.toml": _MANIFEST,
        },
    )


def build(corpus_dir: Path, index_dir: Path) -> OpenSnapshot:
    """Build an index that learns what it can, with the encoder's twin, and open it."""
    twin = TwinEmbedder(dim=256)
    build_index(
        corpus_dir,
        index_dir,
        embedder=twin,
        cache=VectorCache(index_dir.parent / "vectors.sqlite"),
        calibrate=no_calibration,
        learn=learn,
    )
    return open_snapshot(index_dir / current_version(index_dir), embedder=twin)
