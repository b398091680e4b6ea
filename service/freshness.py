"""Whether the current snapshot was built from what the corpus holds now."""

import hashlib
import json
from pathlib import Path

from index.snapshot import current_version, read_manifest
from ingest.chunking import CHUNKER_VERSION
from ingest.corpus import LEDGER_NAME
from ingest.errors import SnapshotError
from service.release import RELEASE
from service.settings import Settings

_RECORD_NAME = "built-from.json"
#: Packages whose code and data decide what a snapshot holds.
_PACKAGES = ("ingest", "index", "answer")


def is_fresh(settings: Settings, inputs: str) -> bool:
    """Return whether building from these inputs again would give the version that serves now."""
    try:
        version = current_version(settings.index_dir)
        read_manifest(settings.index_dir / version)
        recorded = json.loads((settings.index_dir / _RECORD_NAME).read_text(encoding="utf-8"))
    except (SnapshotError, OSError, ValueError):
        return False
    return bool(recorded == _record(settings, version, inputs))


def remember(settings: Settings, version: str, inputs: str) -> None:
    """Record what a version was built from.

    Args:
        settings: Where index and corpus are.
        version: What the build gave.
        inputs: Their hash from before the build: what is edited while a build runs is not in it.
    """
    record = _record(settings, version, inputs)
    (settings.index_dir / _RECORD_NAME).write_text(json.dumps(record), encoding="utf-8")


def hash_inputs(settings: Settings) -> str:
    """Return a hash of every byte of the corpus and of the code and settings that cut, embed and calibrate it.

    The ledger of reference numbers is not part of it: a build writes it.
    """
    digest = hashlib.sha256(f"{RELEASE} {CHUNKER_VERSION} {settings.embedding_model}".encode())
    code = Path(__file__).resolve().parents[1]
    for folder in (*(code / package for package in _PACKAGES), settings.corpus_dir):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and path != settings.corpus_dir / LEDGER_NAME:
                name = path.relative_to(folder).as_posix().encode(errors="surrogateescape")
                digest.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _record(settings: Settings, version: str, inputs: str) -> dict[str, str | None]:
    ledger = settings.corpus_dir / LEDGER_NAME
    numbers = hashlib.sha256(ledger.read_bytes()).hexdigest() if ledger.is_file() else None
    return {"version": version, "inputs": inputs, "ledger": numbers}
