"""Whether the current snapshot was built from what the corpus holds now."""

import hashlib
import json
from pathlib import Path

from index.snapshot import current_version, read_manifest
from ingest.chunking import CHUNKER_VERSION
from ingest.corpus import LEDGER_NAME
from ingest.durable_files import store_bytes
from ingest.errors import SnapshotError
from service.release import RELEASE
from service.settings import Settings

_RECORD_NAME = "built-from.json"
#: Packages whose code and data decide what a snapshot holds.
_PACKAGES = ("ingest", "index", "answer")


def is_fresh(settings: Settings, inputs: str) -> bool:
    """Return whether there is nothing new to build: these inputs were built last, and some version serves.

    That need not be the version they gave: one that was rolled back, or kept without being activated, stays so
    until something changes.
    """
    try:
        read_manifest(settings.index_dir / current_version(settings.index_dir))
        recorded = json.loads((settings.index_dir / _RECORD_NAME).read_text(encoding="utf-8"))
        read_manifest(settings.index_dir / str(recorded["version"]))
    except (SnapshotError, OSError, ValueError, KeyError, TypeError):
        return False
    return bool(recorded == _record(settings, str(recorded["version"]), inputs))


def remember(settings: Settings, version: str, inputs: str) -> None:
    """Record what a version was built from.

    Args:
        settings: Where index and corpus are.
        version: What the build gave.
        inputs: Their hash from before the build: what is edited while a build runs is not in it.
    """
    record = _record(settings, version, inputs)
    store_bytes(settings.index_dir / _RECORD_NAME, json.dumps(record).encode())


def hash_inputs(settings: Settings) -> str:
    """Return a hash of every byte of the corpus and of the code and settings that cut, embed and calibrate it.

    The ledger of reference numbers is not part of it: a build writes it.
    """
    digest = hashlib.sha256(
        f"{RELEASE} {CHUNKER_VERSION} {settings.embedding_model} {settings.embedding_form} "
        f"{settings.reading_model}".encode()
    )
    code = Path(__file__).resolve().parents[1]
    for folder in (*(code / package for package in _PACKAGES), settings.corpus_dir):
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            # What was removed is kept in a hidden folder, and a hidden file is a lock.
            hidden = any(part.startswith(".") for part in relative.parts)
            if (
                not hidden
                and path.suffix != ".pyc"
                and path != settings.corpus_dir / LEDGER_NAME
                and path.is_file()
            ):
                name = relative.as_posix().encode(errors="surrogateescape")
                digest.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _record(settings: Settings, version: str, inputs: str) -> dict[str, str | None]:
    ledger = settings.corpus_dir / LEDGER_NAME
    numbers = hashlib.sha256(ledger.read_bytes()).hexdigest() if ledger.is_file() else None
    return {"version": version, "inputs": inputs, "ledger": numbers}
