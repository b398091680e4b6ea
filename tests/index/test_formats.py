"""Indexes that older releases made: recognised, said what to do with, and replaced without losing anything.

`formats/format-N.tar.xz` is an index of the six documents in format N, as the last release with it wrote it.
"""

import tarfile
from pathlib import Path

import pytest

from index.building import build_index
from index.searching import open_snapshot
from index.snapshot import FORMAT_VERSION, current_version, versions
from index.vector_cache import VectorCache
from index.versions import list_versions, roll_back
from ingest.errors import IndexMismatchError
from tests.conftest import no_calibration, write_corpus
from tests.twins import TwinEmbedder

FORMATS = Path(__file__).with_name("formats")
OLDER = range(1, FORMAT_VERSION)


@pytest.fixture(params=OLDER)
def old_index(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(FORMATS / f"format-{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path / "index", filter="data")
    return tmp_path / "index"


def test_there_is_an_index_of_every_older_format() -> None:
    assert {path.name for path in FORMATS.iterdir()} == {f"format-{number}.tar.xz" for number in OLDER}


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
