"""Which versions there are, and going back to one of them."""

from pathlib import Path
from typing import Any

import pytest

from index.snapshot import activate, build_lock, current_version, keep_aside, write_snapshot
from index.versions import list_versions, roll_back, served_before
from ingest.errors import SnapshotDamagedError, SnapshotNotFoundError


def write(index_dir: Path, content: str, *, serves: bool = True) -> str:
    def fill(folder: Path) -> dict[str, Any]:
        (folder / "part").write_text(content)
        return {"title": content}

    with build_lock(index_dir):
        version = write_snapshot(index_dir, fill)
    if serves:
        activate(index_dir, version)
    return version


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    return [write(tmp_path, content) for content in ("one", "two", "three")]


def test_going_back_goes_one_version_at_a_time(tmp_path: Path, three: list[str]) -> None:
    assert [roll_back(tmp_path), roll_back(tmp_path)] == [three[1], three[0]]
    with pytest.raises(SnapshotNotFoundError, match="no older version"):
        roll_back(tmp_path)
    assert current_version(tmp_path) == three[0]


def test_going_to_a_named_version_goes_forward_too(tmp_path: Path, three: list[str]) -> None:
    roll_back(tmp_path, three[0])

    assert roll_back(tmp_path, three[2]) == current_version(tmp_path) == three[2]


@pytest.mark.parametrize("version", ["0" * 16, "..", "CURRENT"])
def test_what_is_no_version_is_not_gone_back_to(tmp_path: Path, three: list[str], version: str) -> None:
    with pytest.raises(SnapshotNotFoundError, match=three[2]):
        roll_back(tmp_path, version)
    assert current_version(tmp_path) == three[2]


def test_a_damaged_version_is_not_gone_back_to(tmp_path: Path, three: list[str]) -> None:
    (tmp_path / three[1] / "part").write_text("tWo")

    with pytest.raises(SnapshotDamagedError, match=three[1]):
        roll_back(tmp_path)
    assert current_version(tmp_path) == three[2]


def test_a_version_that_never_served_is_only_gone_to_by_name(tmp_path: Path, three: list[str]) -> None:
    kept = write(tmp_path, "worse", serves=False)
    keep_aside(tmp_path, kept, detail="It is worse.")
    latest = write(tmp_path, "better")

    assert served_before(tmp_path) == three[::-1]
    assert roll_back(tmp_path) == three[2]
    assert roll_back(tmp_path, kept) == kept
    assert latest in [each.version for each in list_versions(tmp_path)]


def test_versions_are_listed_with_what_is_known_of_each(tmp_path: Path, three: list[str]) -> None:
    kept = write(tmp_path, "worse", serves=False)
    keep_aside(tmp_path, kept, detail="It is worse.")
    (tmp_path / three[0] / "manifest.json").write_text("{}")

    listed = list_versions(tmp_path)
    assert [each.version for each in listed] == [kept, *three[::-1]]
    assert [each.is_current for each in listed] == [False, True, False, False]
    assert [each.activated_at is None for each in listed] == [True, False, False, False]
    assert listed[0].detail == "It is worse."
    assert [each.problem is None for each in listed] == [True, True, True, False]


def test_without_a_pointer_all_that_have_served_may_serve_again(tmp_path: Path, three: list[str]) -> None:
    (tmp_path / "CURRENT").unlink()

    assert served_before(tmp_path) == three[::-1]
