"""Indexes that older releases made: recognised, said what to do with, and replaced without losing anything.

`formats/format-N.tar.xz` is an index of the six documents in format N, as a release with it wrote it
(`python -m tests.index.store_format`). The one of today's format is served as it is.
"""

import tarfile
from pathlib import Path

import pytest

from index.building import build_index
from index.searching import open_snapshot
from index.snapshot import FORMAT_VERSION, current_version, read_manifest, versions
from index.vector_cache import VectorCache
from index.versions import list_versions, roll_back
from ingest.errors import IndexMismatchError
from service.wiring import open_last_good
from tests.conftest import no_calibration, write_corpus
from tests.crashing import build_with_twin
from tests.index.store_format import learn_nothing
from tests.twins import TwinEmbedder

FORMATS = Path(__file__).with_name("formats")
OLDER = range(1, FORMAT_VERSION)


@pytest.fixture(params=OLDER)
def old_index(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(FORMATS / f"format-{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path / "index", filter="data")
    return tmp_path / "index"


def test_there_is_an_index_of_every_format() -> None:
    stored = {path.name for path in FORMATS.iterdir()}
    assert stored == {f"format-{number}.tar.xz" for number in range(1, FORMAT_VERSION + 1)}


def test_a_stored_index_of_todays_format_is_served_as_it_is(tmp_path: Path) -> None:
    with tarfile.open(FORMATS / f"format-{FORMAT_VERSION}.tar.xz") as archive:
        archive.extractall(tmp_path / "index", filter="data")
    embedder = TwinEmbedder()
    stored = open_last_good(tmp_path / "index", embedder, None)

    assert stored.version == current_version(tmp_path / "index")
    (best, *_) = stored.snapshot.searcher.search("How do I pull out a tick?", k=3).ranked
    assert best.passage.doc_id == "ticks"
    # Other files than a build makes today would be another format, and need its number.
    fresh = build_with_twin(
        write_corpus(tmp_path / "corpus"), tmp_path / "fresh" / "index", learn=learn_nothing
    )
    manifest = read_manifest(tmp_path / "fresh" / "index" / fresh)
    assert manifest.keys() == stored.snapshot.manifest.keys()
    assert manifest["files"].keys() == stored.snapshot.manifest["files"].keys()


def test_an_older_format_is_refused_with_what_to_do(old_index: Path) -> None:
    with pytest.raises(
        IndexMismatchError, match=rf"has format \d+; this release reads {FORMAT_VERSION}.*citewell build"
    ):
        open_snapshot(old_index / current_version(old_index), embedder=TwinEmbedder())


def test_a_build_makes_the_new_format_beside_the_old_one(old_index: Path, tmp_path: Path) -> None:
    old = current_version(old_index)
    report = build_index(
        write_corpus(tmp_path / "corpus"),
        old_index,
        embedder=TwinEmbedder(),
        cache=VectorCache(tmp_path / "vectors.sqlite"),
        calibrate=no_calibration,
        paired_test=lambda _: 0.0,
    )

    assert report.activated
    assert versions(old_index) == [old, report.version]
    assert (
        open_snapshot(old_index / report.version, embedder=TwinEmbedder()).manifest["format"]
        == FORMAT_VERSION
    )
    assert [each.problem is None for each in list_versions(old_index)] == [True, False]
    with pytest.raises(IndexMismatchError, match="citewell build"):
        roll_back(old_index)
    assert current_version(old_index) == report.version
