"""Fixtures for the edges: a service over six short documents, with the encoder's twin."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from answer.confidence import calibrate
from index.building import build_index
from index.embedding import Embedder
from index.vector_cache import VectorCache
from service import wiring
from service.app import create_app
from service.live_index import LiveIndex
from service.serving_index import ServingIndex
from service.settings import Settings
from tests.conftest import write_corpus
from tests.twins import TwinEmbedder

MAX_BODY_BYTES = 65_536
#: Of applications that nobody edits; what strangers may store, feedback, must not end up in the working folder.
_STATE_DIR = Path(tempfile.mkdtemp(prefix="citewell-tests-"))
atexit.register(shutil.rmtree, _STATE_DIR, ignore_errors=True)


def build_corpus(corpus_dir: Path, index_dir: Path) -> str:
    """Build a corpus with the twin, confidence fitted as in earnest, and return the version."""
    cache = VectorCache(index_dir.parent / "vectors.sqlite")
    return build_index(
        corpus_dir, index_dir, embedder=TwinEmbedder(), cache=cache, calibrate=calibrate
    ).version


def open_serving(index_dir: Path, embedder: Embedder | None = None) -> ServingIndex:
    """Open the current version with the twin."""
    return wiring.open_current(index_dir, embedder or TwinEmbedder(), None)


@contextmanager
def holding(serving: ServingIndex) -> Iterator[LiveIndex]:
    """Hold one version for ever."""
    yield LiveIndex(open_current=lambda: serving, read_version=lambda: serving.version, check_every_s=3600)


def make_app(serving: ServingIndex, *, query_threads: int = 2, **changes: Any) -> FastAPI:
    """Return the whole application over one version, with every question answered afresh unless told otherwise."""
    chosen = {"state_dir": _STATE_DIR, "reply_cache_mb": 0, **changes}
    settings = Settings(query_threads=query_threads, max_body_bytes=MAX_BODY_BYTES, **chosen)
    return create_app(lambda: holding(serving), settings)


@pytest.fixture(scope="session")
def index_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the six documents; only for reading."""
    folder = tmp_path_factory.mktemp("service")
    build_corpus(write_corpus(folder / "corpus"), folder / "index")
    return folder / "index"


@pytest.fixture(scope="session")
def serving(index_dir: Path) -> ServingIndex:
    return open_serving(index_dir)


@pytest.fixture(scope="session")
def client(serving: ServingIndex) -> Iterator[TestClient]:
    """A client that sees a failure as its status, as a real one does."""
    with TestClient(make_app(serving), raise_server_exceptions=False) as client:
        yield client


Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def ask(client: TestClient) -> Ask:
    """Ask by POST and return the reply of a 200."""

    def ask(question: str, **fields: Any) -> dict[str, Any]:
        response = client.post("/v1/ask", json={"question": question, **fields})
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    return ask
