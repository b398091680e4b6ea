"""Which versions there are, and going back to one of them."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.snapshot import activate, built_at, current_version, read_history, read_manifest, verify, versions
from ingest.errors import SnapshotError, SnapshotNotFoundError

__all__ = ["StoredVersion", "list_versions", "roll_back", "served_before"]


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version on disk.

    Args:
        built_at: ISO 8601, UTC, as the next one.
        activated_at: When it last became the one that serves; None if it never did.
        is_current: Whether CURRENT names it.
        detail: What the history says of it, such as why it was kept without being activated.
        manifest: None where it cannot be used.
        problem: Why it cannot be used; its files are not looked at, only its manifest is.
    """

    version: str
    built_at: str
    activated_at: str | None
    is_current: bool
    detail: str
    manifest: dict[str, Any] | None
    problem: str | None


def list_versions(index_dir: Path) -> list[StoredVersion]:
    """Return the versions on disk, the one built last first."""
    current = _current(index_dir)
    history = read_history(index_dir)
    activated = {record.version: record for record in history if record.event == "activated"}
    last = {record.version: record for record in history}
    return [
        StoredVersion(
            version=version,
            built_at=built_at(index_dir, version),
            activated_at=activated[version].at if version in activated else None,
            is_current=version == current,
            detail=last[version].detail if version in last else "",
            **_manifest(index_dir / version),
        )
        for version in reversed(_in_order_of_building(index_dir))
    ]


def roll_back(index_dir: Path, version: str | None = None) -> str:
    """Make another version serve, and return it: by default the one that served before the current one was built.

    It is verified first. What is built later serves again by itself.

    Raises:
        SnapshotNotFoundError: If there is no such version, or none to go back to.
        SnapshotDamagedError: If it is damaged; the version that serves still does.
        IndexMismatchError: If this release does not read its format.
    """
    target = version or _one_before(index_dir)
    if target not in versions(index_dir):
        raise SnapshotNotFoundError(
            f"There is no version {target!r} in {index_dir}. It has: {', '.join(versions(index_dir)) or 'none'}."
        )
    verify(index_dir / target)
    activate(index_dir, target, detail="rolled back")
    return target


def served_before(index_dir: Path) -> list[str]:
    """Return the versions that have served and were built before the current one, the one built last first.

    Where CURRENT names none that is there, all that have served are older ones.
    """
    current = _current(index_dir)
    order = _in_order_of_building(index_dir)
    served = {record.version for record in read_history(index_dir) if record.event == "activated"}
    older = order[: order.index(current)] if current in order else order
    return [version for version in reversed(older) if version in served]


def _one_before(index_dir: Path) -> str:
    if older := served_before(index_dir):
        return older[0]
    raise SnapshotNotFoundError(
        f"There is no older version than {_current(index_dir)} in {index_dir} that has served. "
        "Build another with `citewell build`."
    )


def _in_order_of_building(index_dir: Path) -> list[str]:
    first: dict[str, int] = {}
    for at, record in enumerate(read_history(index_dir)):
        first.setdefault(record.version, at)
    return sorted(versions(index_dir), key=lambda version: (first.get(version, -1), version))


def _current(index_dir: Path) -> str | None:
    with contextlib.suppress(SnapshotNotFoundError):
        return current_version(index_dir)
    return None


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return {"manifest": read_manifest(folder), "problem": None}
    except SnapshotError as error:
        return {"manifest": None, "problem": str(error)}
