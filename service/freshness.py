"""Whether the current snapshot was built from what the corpus holds now."""

import hashlib
import json
from pathlib import Path

from index.snapshot import current_version, read_manifest
from ingest.chunking import CHUNKER_VERSION
from ingest.errors import SnapshotError
from service.release import RELEASE
from service.settings import Settings

_RECORD_NAME = "built-from.json"


def is_fresh(settings: Settings) -> bool:
    """Return whether building again would give the version that serves now."""
    try:
        version = current_version(settings.index_dir)
        read_manifest(settings.index_dir / version)
        recorded = json.loads((settings.index_dir / _RECORD_NAME).read_text(encoding="utf-8"))
    except (SnapshotError, OSError, ValueError):
        return False
    return bool(recorded == {"version": version, "inputs": _inputs(settings)})


def remember(settings: Settings) -> None:
    """Record what the current snapshot was built from."""
    record = {"version": current_version(settings.index_dir), "inputs": _inputs(settings)}
    (settings.index_dir / _RECORD_NAME).write_text(json.dumps(record), encoding="utf-8")


def _inputs(settings: Settings) -> str:
    """Return a hash of every byte of the corpus and of the code and settings that cut and embed it."""
    digest = hashlib.sha256(f"{RELEASE} {CHUNKER_VERSION} {settings.embedding_model}".encode())
    code = Path(__file__).resolve().parents[1]
    sources = [
        path for package in ("ingest", "index", "answer") for path in sorted((code / package).rglob("*.py"))
    ]
    documents = [path for path in sorted(settings.corpus_dir.rglob("*")) if path.is_file()]
    for path in (*sources, *documents):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
