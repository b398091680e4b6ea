import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index import snapshot
from index.snapshot import (
    activate,
    build_lock,
    built_at,
    current_version,
    prune,
    read_history,
    read_manifest,
    verify,
    versions,
    write_snapshot,
)
from ingest.errors import (
    BuildInProgressError,
    IndexMismatchError,
    SnapshotDamagedError,
    SnapshotError,
    SnapshotNotFoundError,
)

ROOT = Path(__file__).parents[2]

#: Holds the lock beside a half-written snapshot until it is killed.
_BUILDER = """
import sys, time
from pathlib import Path
from index.snapshot import build_lock, write_snapshot

def fill(folder):
    (folder / "part").write_text("half")
    print("building", flush=True)
    time.sleep(60)

with build_lock(Path(sys.argv[1])):
    write_snapshot(Path(sys.argv[1]), fill)
"""


def filling(content: str) -> Callable[[Path], dict[str, Any]]:
    def fill(folder: Path) -> dict[str, Any]:
        (folder / "lexical").mkdir()
        (folder / "lexical" / "terms.json").write_text(content)
        (folder / "vectors").write_bytes(bytes(range(64)))
        return {"title": content}

    return fill


def write(index_dir: Path, content: str = "one") -> str:
    with build_lock(index_dir):
        return write_snapshot(index_dir, filling(content))


def write_and_activate(index_dir: Path, content: str) -> str:
    version = write(index_dir, content)
    activate(index_dir, version)
    return version


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def entries(index_dir: Path) -> set[str]:
    return {path.name for path in index_dir.iterdir()}


FILES = ["manifest.json", "lexical/terms.json", "vectors"]


# --- Writing ------------------------------------------------------------------------------------------


def test_a_snapshot_is_verified_and_names_the_hash_and_size_of_every_file(tmp_path: Path) -> None:
    version = write(tmp_path)

    manifest = verify(tmp_path / version)
    assert set(manifest["files"]) == {"lexical/terms.json", "vectors"}
    assert manifest["files"]["vectors"]["size"] == 64
    assert manifest["title"] == "one"
    assert read_manifest(tmp_path / version) == manifest


def test_the_same_content_gives_the_same_version_and_the_same_bytes(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a"), write(tmp_path / "b")

    assert one == two
    assert files_of(tmp_path / "a" / one) == files_of(tmp_path / "b" / two)


def test_other_content_gives_another_version(tmp_path: Path) -> None:
    assert write(tmp_path, "one") != write(tmp_path, "two")


def test_content_that_is_there_already_keeps_its_folder(tmp_path: Path) -> None:
    version = write(tmp_path)
    before = (tmp_path / version).stat().st_ino

    assert write(tmp_path) == version
    assert (tmp_path / version).stat().st_ino == before
    assert [record.event for record in read_history(tmp_path)] == ["built"]


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_version_is_replaced_when_the_same_content_is_built_again(
    tmp_path: Path, file: str
) -> None:
    version = write(tmp_path)
    intact = files_of(tmp_path / version)
    (tmp_path / version / file).write_bytes(b"")

    assert write(tmp_path) == version
    assert files_of(tmp_path / version) == intact
    assert entries(tmp_path) == {version, "lock", "history.jsonl"}


def test_a_snapshot_can_be_read_by_others(tmp_path: Path) -> None:
    version = write_and_activate(tmp_path, "one")

    assert (tmp_path / version).stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "CURRENT").stat().st_mode & 0o777 == 0o644


def test_an_error_while_filling_leaves_nothing_behind(tmp_path: Path) -> None:
    def fill(folder: Path) -> dict[str, Any]:
        (folder / "part").write_text("half")
        raise ZeroDivisionError

    with build_lock(tmp_path), pytest.raises(ZeroDivisionError):
        write_snapshot(tmp_path, fill)
    assert entries(tmp_path) == {"lock"}


# --- A disk that refuses ------------------------------------------------------------------------------


def refuse(*_arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("when", ["while filling", "while syncing"])
def test_a_full_disk_leaves_the_old_version_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    old = write_and_activate(tmp_path, "old")
    before = {**files_of(tmp_path / old), "CURRENT": (tmp_path / "CURRENT").read_bytes()}
    with build_lock(tmp_path), monkeypatch.context() as patch:
        if when == "while syncing":
            patch.setattr(os, "fsync", refuse)
        with pytest.raises(SnapshotError, match=r"No space left on device.*Free some space"):
            write_snapshot(tmp_path, filling("new") if when == "while syncing" else refuse)  # type: ignore[arg-type]

    assert current_version(tmp_path) == old
    assert {**files_of(tmp_path / old), "CURRENT": (tmp_path / "CURRENT").read_bytes()} == before
    assert entries(tmp_path) == {old, "CURRENT", "lock", "history.jsonl"}


def test_a_disk_that_fills_up_while_activating_leaves_the_old_version_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_and_activate(tmp_path, "old")
    new = write(tmp_path, "new")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(SnapshotError, match="No space left on device"):
            activate(tmp_path, new)

    assert current_version(tmp_path) == old
    assert entries(tmp_path) == {old, new, "CURRENT", "lock", "history.jsonl"}


# --- Verifying ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("where", [0, 0.5, 1])
def test_a_flipped_bit_in_any_file_is_found(tmp_path: Path, file: str, where: float) -> None:
    version = write(tmp_path)
    path = tmp_path / version / file
    content = bytearray(path.read_bytes())
    content[int(where * (len(content) - 1))] ^= 1
    path.write_bytes(content)

    with pytest.raises(SnapshotDamagedError, match="citewell build"):
        verify(tmp_path / version)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("change", ["cut", "emptied", "lengthened", "removed"])
def test_a_file_that_was_cut_lengthened_or_removed_is_found(tmp_path: Path, file: str, change: str) -> None:
    version = write(tmp_path)
    path = tmp_path / version / file
    content = path.read_bytes()
    if change == "removed":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-1], "emptied": b"", "lengthened": content + b"\n"}[change])

    with pytest.raises(SnapshotDamagedError, match=path.name):
        verify(tmp_path / version)


@pytest.mark.parametrize("name", ["extra", "lexical/extra", ".hidden"])
def test_a_file_that_does_not_belong_is_found(tmp_path: Path, name: str) -> None:
    version = write(tmp_path)
    (tmp_path / version / name).write_text("")

    with pytest.raises(SnapshotDamagedError, match=r"extra|hidden"):
        verify(tmp_path / version)


def test_a_version_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    one, two = write(tmp_path, "one"), write(tmp_path, "two")
    (tmp_path / one).rename(tmp_path / "aside")
    (tmp_path / two).rename(tmp_path / one)

    with pytest.raises(SnapshotDamagedError, match=f"not the manifest of version {one}"):
        verify(tmp_path / one)


def test_another_format_is_named_and_not_called_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = write(tmp_path)
    monkeypatch.setattr(snapshot, "FORMAT_VERSION", 9)

    with pytest.raises(IndexMismatchError, match=r"has format \d+; this release reads 9"):
        verify(tmp_path / version)


# --- The version that serves --------------------------------------------------------------------------


def test_nothing_serves_before_the_first_activation(tmp_path: Path) -> None:
    write(tmp_path)

    with pytest.raises(SnapshotNotFoundError, match=r"no index in .* yet"):
        current_version(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"0123456789abcdef\n", b"..\n", b"\xff\xfe\n", b"lexical"])
def test_a_pointer_that_names_no_version_is_an_error_and_a_build_mends_it(
    tmp_path: Path, content: bytes
) -> None:
    version = write_and_activate(tmp_path, "one")
    (tmp_path / "CURRENT").write_bytes(content)

    with pytest.raises(SnapshotNotFoundError, match=r"not there\. Run `citewell build`"):
        current_version(tmp_path)
    activate(tmp_path, version)
    assert current_version(tmp_path) == version


@pytest.mark.parametrize("version", ["0123456789abcdef", "..", "", "../other"])
def test_a_version_that_is_not_there_cannot_be_activated(tmp_path: Path, version: str) -> None:
    serving = write_and_activate(tmp_path / "index", "one")
    (tmp_path / "manifest.json").write_text("{}")

    with pytest.raises(SnapshotNotFoundError, match=serving):
        activate(tmp_path / "index", version)
    assert current_version(tmp_path / "index") == serving


def test_going_back_is_activating_the_older_version(tmp_path: Path) -> None:
    one, two = (write_and_activate(tmp_path, content) for content in ("one", "two"))
    activate(tmp_path, one, detail="rolled back")

    assert current_version(tmp_path) == one
    assert [(each.version, each.event, each.detail) for each in read_history(tmp_path)] == [
        (one, "built", ""),
        (one, "activated", ""),
        (two, "built", ""),
        (two, "activated", ""),
        (one, "activated", "rolled back"),
    ]


def test_activating_what_serves_already_is_no_event(tmp_path: Path) -> None:
    version = write_and_activate(tmp_path, "one")
    before = read_history(tmp_path)
    activate(tmp_path, version)

    assert read_history(tmp_path) == before


def test_a_torn_line_of_the_history_is_skipped_and_the_next_one_is_whole(tmp_path: Path) -> None:
    one = write_and_activate(tmp_path, "one")
    with (tmp_path / "history.jsonl").open("a") as stream:
        stream.write('5\n{"version": "torn", "ev')
    two = write_and_activate(tmp_path, "two")

    assert [record.version for record in read_history(tmp_path)] == [one, one, two, two]
    assert versions(tmp_path) == [one, two]


def test_when_a_version_was_built_is_known_also_without_the_history(tmp_path: Path) -> None:
    version = write_and_activate(tmp_path, "one")
    assert built_at(tmp_path, version) == read_history(tmp_path)[0].at

    (tmp_path / "history.jsonl").unlink()
    assert built_at(tmp_path, version).endswith("+00:00")


def test_the_last_versions_are_kept_and_older_ones_deleted(tmp_path: Path) -> None:
    built = [write_and_activate(tmp_path, f"content {at}") for at in range(5)]

    assert versions(tmp_path) == built
    assert prune(tmp_path, keep=2) == built[:3]
    assert versions(tmp_path) == built[3:]
    assert prune(tmp_path, keep=2) == []


def test_the_version_that_serves_is_never_deleted(tmp_path: Path) -> None:
    old, *_ = [write(tmp_path, f"content {at}") for at in range(4)]
    (tmp_path / "CURRENT").write_text(f"{old}\n")

    prune(tmp_path, keep=1)
    assert old in versions(tmp_path)


def test_a_version_that_was_gone_back_to_counts_as_recent(tmp_path: Path) -> None:
    one, two, _ = (write_and_activate(tmp_path, content) for content in ("one", "two", "three"))
    activate(tmp_path, one)
    four = write_and_activate(tmp_path, "four")

    assert two in prune(tmp_path, keep=2)
    assert versions(tmp_path) == [one, four]


def test_at_least_one_version_is_kept(tmp_path: Path) -> None:
    write_and_activate(tmp_path, "one")

    with pytest.raises(ValueError, match="keep is 0"):
        prune(tmp_path, keep=0)


# --- One builder at a time ----------------------------------------------------------------------------


def test_a_second_builder_is_turned_away_and_may_build_afterwards(tmp_path: Path) -> None:
    with (
        build_lock(tmp_path),
        pytest.raises(BuildInProgressError, match="Another build is running"),
        build_lock(tmp_path),
    ):
        pass
    with build_lock(tmp_path):
        pass


def test_a_killed_builder_keeps_no_lock_and_its_half_written_folder_is_cleared(tmp_path: Path) -> None:
    version = write_and_activate(tmp_path, "one")
    builder = subprocess.Popen(
        [sys.executable, "-c", _BUILDER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert builder.stdout is not None
    try:
        assert builder.stdout.readline() == "building\n"
        with pytest.raises(BuildInProgressError), build_lock(tmp_path):
            pass
        assert len(list(tmp_path.glob(".building-*/part"))) == 1
    finally:
        os.kill(builder.pid, signal.SIGKILL)
        builder.wait()
        builder.stdout.close()

    assert current_version(tmp_path) == version
    verify(tmp_path / version)
    with build_lock(tmp_path):
        assert list(tmp_path.glob(".building-*")) == []


def test_a_history_line_is_json_with_a_time_in_utc(tmp_path: Path) -> None:
    write(tmp_path)

    (line,) = (tmp_path / "history.jsonl").read_text().splitlines()
    assert json.loads(line)["at"].endswith("+00:00")
