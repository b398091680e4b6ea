"""The on-disk format of an index: written whole, verified, activated by one pointer, rolled back by it.

<index_dir>/
    CURRENT            one line: the version that serves
    history.jsonl      one line per build and activation
    lock               held while a build runs; the system frees it when its holder dies
    <version>/         immutable; the version is a hash of the manifest, and so of every byte
        manifest.json  format, hash and size of every file, model, chunker, counts, self-score
        content.sqlite documents, passages, bibliography
        vectors.faiss  one vector per passage; in a very large index
        vectors.npy    the same, float16, and
        codes.faiss    the short codes that they are chosen by
        sentences.npy  one vector per sentence, float16; in a very large index int8
        tokens/        those of the tokens of sentences and headings, 8 bits a dimension; not in a very large index
        adapters/      what was learned from judged questions; not where there were too few
        lexical/       BM25
        words.json     the words that a query's misspelled ones are corrected by
        wording.json   abbreviations and readers' wordings that the documents have a term for
        self-score.json  how well each cited sentence finds the source it cites
        confidence.json  parameters of the fitted probability, with the data they were fitted on
"""

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.cores import available_cores
from ingest.errors import (
    BuildInProgressError,
    IndexMismatchError,
    SnapshotDamagedError,
    SnapshotError,
    SnapshotNotFoundError,
)

FORMAT_VERSION = 7
VERSIONS_KEPT = 5
MANIFEST_NAME = "manifest.json"
_CURRENT = "CURRENT"
_HISTORY = "history.jsonl"
_LOCK = "lock"
_UNFINISHED = ".building-"
_HASH_CHARS = 16
_VERSION = re.compile(rf"[0-9a-f]{{{_HASH_CHARS}}}")


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One line of the history."""

    version: str
    event: str  # "built", "activated", or "kept": built and not activated
    at: str  # ISO 8601, UTC
    detail: str = ""


@contextlib.contextmanager
def build_lock(index_dir: Path) -> Iterator[None]:
    """Hold the right to build in a folder, and clear away what a crashed builder left there.

    Raises:
        BuildInProgressError: If another living process holds it.
    """
    index_dir.mkdir(parents=True, exist_ok=True)
    with (index_dir / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BuildInProgressError(
                f"Another build is running in {index_dir}. Wait until it has finished, then build again."
            ) from error
        for leftover in index_dir.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(leftover)
        yield


def write_snapshot(index_dir: Path, fill: Callable[[Path], dict[str, Any]]) -> str:
    """Write a new snapshot and return its version; it does not serve until it is activated.

    Args:
        index_dir: Folder of all versions; the caller holds its `build_lock`.
        fill: Writes the files into an empty folder and returns the manifest's other fields.

    Returns:
        The version. Content that is there already, intact, keeps its folder.

    Raises:
        SnapshotError: If the disk refuses; nothing is left behind, and no version is harmed.
    """
    with _disk_errors(index_dir):
        folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=index_dir))
        try:
            fields = fill(folder)
            version = _seal(folder, fields)
            verify(folder)
            _install(folder, index_dir / version)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if not any(record.version == version for record in read_history(index_dir)):
            _record(index_dir, version, "built")
    return version


@contextlib.contextmanager
def _disk_errors(index_dir: Path) -> Iterator[None]:
    """Say what to do when the disk refuses."""
    try:
        yield
    except OSError as error:
        raise SnapshotError(
            f"The snapshot could not be written to {index_dir}: {error}. Free some space or mend the disk, then "
            "build again; what served before still does."
        ) from error


def _seal(folder: Path, fields: dict[str, Any]) -> str:
    """Write the manifest over everything in a folder, make it all durable, and return the version."""
    files = {
        path.relative_to(folder).as_posix(): {"sha256": _hash_file(path), "size": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = json.dumps(
        {"format": FORMAT_VERSION, **fields, "files": files}, indent=1, ensure_ascii=False, sort_keys=True
    )
    (folder / MANIFEST_NAME).write_text(manifest, encoding="utf-8")
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)
    return _version_of(manifest.encode())


def _install(folder: Path, target: Path) -> None:
    aside = folder.with_name(f"{folder.name}-damaged")
    if target.exists():
        with contextlib.suppress(SnapshotDamagedError):
            verify(target)
            return
        # A damaged copy of the same content gives way to the intact one.
        target.rename(aside)
    folder.chmod(0o755)
    folder.rename(target)
    _sync(target.parent)
    if aside.exists():
        shutil.rmtree(aside)


def verify(folder: Path) -> dict[str, Any]:
    """Check every file of a snapshot against its manifest, and return the manifest.

    Raises:
        SnapshotDamagedError: If a file is missing, changed, or not in the manifest.
        IndexMismatchError: If the format is one that this release does not read.
    """
    manifest = read_manifest(folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    strange = found ^ {MANIFEST_NAME, *manifest["files"]}
    if strange:
        raise SnapshotDamagedError(
            f"{folder} does not hold the files of its manifest: {', '.join(sorted(strange))} differ. "
            "Run `citewell build`, or `citewell rollback` to an older version."
        )
    # Hashing leaves the interpreter to others, so that each core takes a file, the largest first.
    files = dict(sorted(manifest["files"].items(), key=lambda named: -int(named[1]["size"])))
    with ThreadPoolExecutor(available_cores()) as pool:
        intact = pool.map(lambda named: _is_intact(folder / named[0], named[1]), files.items())
        for name, is_intact in zip(files, intact, strict=True):
            if not is_intact:
                raise SnapshotDamagedError(
                    f"{folder / name} is damaged: its bytes are not those that were written. "
                    "Run `citewell build`, or `citewell rollback` to an older version."
                )
    return manifest


def _is_intact(path: Path, expected: dict[str, Any]) -> bool:
    return path.stat().st_size == int(expected["size"]) and _hash_file(path) == str(expected["sha256"])


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a snapshot; its other files are not looked at.

    Raises:
        SnapshotDamagedError: If the manifest is missing or not the one that names the version.
        IndexMismatchError: If the format is one that this release does not read.
    """
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
        manifest = json.loads(content)
    except (OSError, ValueError) as error:
        raise SnapshotDamagedError(f"{path} cannot be read: {error}. Run `citewell build`.") from error
    if not isinstance(manifest, dict) or not folder.name.startswith((_UNFINISHED, _version_of(content))):
        raise SnapshotDamagedError(
            f"{path} is not the manifest of version {folder.name}. Run `citewell build`."
        )
    if manifest.get("format") != FORMAT_VERSION:
        raise IndexMismatchError(
            f"{folder} has format {manifest.get('format')}; this release reads {FORMAT_VERSION}. Run `citewell build`: "
            "it makes a version in the new format beside it, from the corpus and with the numbers that were given."
        )
    return manifest


def current_version(index_dir: Path) -> str:
    """Return the version that serves.

    Raises:
        SnapshotNotFoundError: If nothing has been built yet.
        SnapshotError: If the disk refuses to say.
    """
    try:
        version = (index_dir / _CURRENT).read_text(encoding="ascii", errors="replace").removesuffix("\n")
    except FileNotFoundError as error:
        raise SnapshotNotFoundError(f"There is no index in {index_dir} yet. Run `citewell build`.") from error
    except OSError as error:
        raise SnapshotError(f"{index_dir / _CURRENT} cannot be read: {error}. Mend the disk.") from error
    # An empty line, or one with a stroke in it, would name the folder itself or one outside it.
    if not _VERSION.fullmatch(version) or not (index_dir / version).is_dir():
        raise SnapshotNotFoundError(
            f"{index_dir / _CURRENT} names version {version!r}, which is not there. Run `citewell build`."
        )
    return version


def activate(index_dir: Path, version: str, *, detail: str = "") -> None:
    """Make a version the one that serves, in one atomic step; an index that is current stays so.

    Raises:
        SnapshotNotFoundError: If there is no such version.
        SnapshotError: If the disk refuses; the version that served before still does.
    """
    if not _VERSION.fullmatch(version) or not (index_dir / version / MANIFEST_NAME).is_file():
        raise SnapshotNotFoundError(
            f"There is no version {version} in {index_dir}: {', '.join(versions(index_dir))}."
        )
    with contextlib.suppress(SnapshotNotFoundError):
        if current_version(index_dir) == version:
            return
    with _disk_errors(index_dir):
        _point_to(index_dir, version)
        _record(index_dir, version, "activated", detail)


def keep_aside(index_dir: Path, version: str, *, detail: str) -> None:
    """Note why a version that was built does not serve.

    Raises:
        SnapshotError: If the disk refuses.
    """
    with _disk_errors(index_dir):
        _record(index_dir, version, "kept", detail)


def _point_to(index_dir: Path, version: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f"{_CURRENT}.", dir=index_dir)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(f"{version}\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(index_dir / _CURRENT)
    finally:
        Path(name).unlink(missing_ok=True)
    _sync(index_dir)


def versions(index_dir: Path) -> list[str]:
    """Return the versions on disk, the one built or activated longest ago first."""
    order = {record.version: at for at, record in enumerate(read_history(index_dir))}
    present = [path.parent.name for path in index_dir.glob(f"[0-9a-f]*/{MANIFEST_NAME}")]
    return sorted(present, key=lambda version: (order.get(version, -1), version))


def prune(index_dir: Path, *, keep: int = VERSIONS_KEPT) -> list[str]:
    """Delete all versions but the last few, never the current one; return those deleted.

    Raises:
        ValueError: If none is to be kept.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}; choose 1 or more")
    current = current_version(index_dir)
    surplus = [version for version in versions(index_dir)[:-keep] if version != current]
    for version in surplus:
        shutil.rmtree(index_dir / version)
    return surplus


def read_history(index_dir: Path) -> list[VersionRecord]:
    """Return every build and activation, oldest first."""
    path = index_dir / _HISTORY
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    records = []
    for line in lines:
        # A line that was being written when the power went is no event.
        with contextlib.suppress(ValueError, TypeError):
            records.append(VersionRecord(**json.loads(line)))
    return records


def built_at(index_dir: Path, version: str) -> str:
    """Return when a version was first built, ISO 8601 in UTC."""
    for record in read_history(index_dir):
        if record.version == version and record.event == "built":
            return record.at
    modified = (index_dir / version).stat().st_mtime
    return datetime.datetime.fromtimestamp(modified, datetime.UTC).isoformat(timespec="seconds")


def _record(index_dir: Path, version: str, event: str, detail: str = "") -> None:
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    path = index_dir / _HISTORY
    torn = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8") as stream:
        stream.write("\n" if torn else "")
        stream.write(json.dumps({"version": version, "event": event, "at": at, "detail": detail}) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def _version_of(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:_HASH_CHARS]


def _hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
