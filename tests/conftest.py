"""Fixtures for all tests: a corpus that anyone can rank by eye, and an index of it."""

import os
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports the hub's client

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from index.building import build_index
from index.embedding import Embedder, locate_model
from index.model_files import DEFAULT_MODEL
from index.onnx_embedding import ExportedModel
from index.onnx_export import find_export
from index.searching import OpenSnapshot, Searcher, open_snapshot
from index.snapshot import current_version
from index.vector_cache import VectorCache
from service import wiring
from service.settings import Settings
from tests.chromium import chromium, visit  # noqa: F401  # fixtures: any test may open a page
from tests.twins import TwinEmbedder

#: Exported encoders, shared by all tests and kept from one run to the next; `open_encoder` fills it.
_EXPORTS = Path(__file__).parents[1] / "var" / "cache" / "models"

# How long an example takes depends on what else the machine does.
settings.register_profile("citewell", deadline=None)
settings.load_profile("citewell")

_MANIFEST = """\
format = 1
title = "Garden health"

[[documents]]
doc_id = "hay-fever"
path = "hay-fever.md"
kind = "article"

[[documents]]
doc_id = "saline"
path = "sources/saline.md"
kind = "source"
fidelity = "digest"
reference_number = 1

[[documents]]
doc_id = "tablets"
path = "sources/tablets.md"
kind = "source"
fidelity = "abstract"
reference_number = 2

[[references]]
number = 1
printed = "Alder B. Rinsing the nose with salt water. Nose Journal. 2019;4:11-19."
title = "Rinsing the nose with salt water"
authors = ["Alder B"]
year = 2019
doi = "10.5555/nose.1"

[[references]]
number = 2
printed = "Birch C, Cedar D. Antihistamine tablets in spring. Pollen Letters. 2021;7:3-9."
title = "Antihistamine tablets in spring"
authors = ["Birch C", "Cedar D"]
year = 2021
"""

_FILES = {
    "corpus.toml": _MANIFEST,
    "hay-fever.md": """\
# Living with hay fever

Hay fever makes the nose run and the eyes itch when grass or birch is in bloom.

## Treatment

Rinsing the nose with salt water washes pollen away [1]. Antihistamine tablets relieve sneezing within
an hour [2]. Both can be used together [1, 2].

Before you start a nasal spray:

- Shake the bottle well.
- Aim away from the middle of the nose [1].

## Outlook

Symptoms often fade after the age of sixty.

## References

1. Alder B. Rinsing the nose with salt water. Nose Journal. 2019;4:11-19.
2. Birch C, Cedar D. Antihistamine tablets in spring. Pollen Letters. 2021;7:3-9.
""",
    "sources/saline.md": """\
# Rinsing the nose with salt water

Forty adults rinsed the nose with warm salt water twice a day. Pollen in the nose fell by half.

Stinging was the only side effect, and it was mild [3].

## References

3. Dogwood E. Salt and skin. Skin Notes. 2010;1:1-2.
""",
    "sources/tablets.md": """\
# Antihistamine tablets in spring

Antihistamine tablets relieved sneezing within sixty minutes in a trial of ninety people. Some felt sleepy.
""",
    "bee-stings.md": """\
# Bee stings

Scrape the sting out at once. A cold pack eases the swelling.
""",
    "ticks.txt": """\
Ticks after gardening

Pull a tick out straight with fine tweezers. Do not twist it or cover it with oil.
""",
    "blisters.html": """\
<html><head><title>Blisters from digging</title></head><body><main><h1>Blisters from digging</h1>
<p>Leave a closed blister alone and cover it with a plaster. Gloves prevent most blisters.</p>
<p>Clean an open blister with running water and keep it covered until the skin has grown again.</p>
</main></body></html>
""",
}


def write_corpus(folder: Path, files: Mapping[str, str] = _FILES) -> Path:
    """Write a corpus of six short documents, or the files given, and return its folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def copy_own_corpus(folder: Path) -> Path:
    """Copy the six real documents, without the questions that are there to learn from: they would make builds long."""
    own = Path(__file__).parents[1] / "corpus"
    return shutil.copytree(own, folder, ignore=shutil.ignore_patterns("train.jsonl"))


def share_exports(cache_dir: Path) -> Path:
    """Make a cache folder that is empty but for the exported encoders of all tests, and return it."""
    for folder in (cache_dir, _EXPORTS):
        folder.mkdir(parents=True, exist_ok=True)
    (cache_dir / _EXPORTS.name).symlink_to(_EXPORTS, target_is_directory=True)
    return cache_dir


@cache
def open_encoder() -> Embedder:
    """Open the real encoder as it is served; tests that use it are marked slow."""
    return wiring.make_embedder(Settings(cache_dir=_EXPORTS.parent))


def real_export() -> ExportedModel:
    """Return the files of the real encoder as it is served."""
    open_encoder()
    return find_export(_EXPORTS, locate_model(DEFAULT_MODEL))


@pytest.fixture(scope="session")
def real_embedder() -> Embedder:
    return open_encoder()


def no_calibration(searcher: Searcher, *, corpus_dir: Path) -> dict[str, Any]:
    """Stand in for a `Calibrator`; say what it was given."""
    return {"passages": len(searcher.vectors), "corpus": corpus_dir.name}


@pytest.fixture
def corpus_dir(tmp_path: Path) -> Path:
    """A folder with six short documents."""
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def embedder() -> TwinEmbedder:
    return TwinEmbedder()


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> OpenSnapshot:
    """An open index of the six documents, shared by all tests that only read it."""
    folder = tmp_path_factory.mktemp("shared-index")
    twin = TwinEmbedder()
    build_index(
        write_corpus(folder / "corpus"),
        folder / "index",
        embedder=twin,
        cache=VectorCache(folder / "vectors.sqlite"),
        calibrate=no_calibration,
    )
    return open_snapshot(folder / "index" / current_version(folder / "index"), embedder=twin)


@pytest.fixture(scope="session")
def searcher(snapshot: OpenSnapshot) -> Searcher:
    return snapshot.searcher
