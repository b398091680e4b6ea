"""Answering a question loads nothing that it does not need: torch takes seconds, what reads documents half of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service import build_wiring, wiring
from service.settings import Settings
from tests.conftest import share_exports, write_corpus

ROOT = Path(__file__).parents[2]
UNWANTED = (
    "torch",
    "transformers",
    "sentence_transformers",
    "onnx",
    "openvino",
    "sklearn",
    "scipy",
    "bm25s",
    "pydantic_settings",
)
#: What only building needs: a service has it done by a process of its own.
BUILDING = ("index.building", "ingest.corpus", "docx", "lxml", "pypdfium2", "tomlkit")
#: What only a service needs, which checks the DOIs that it is given, and what shows a reply to a person.
SERVING = ("idutils", "fastapi", "asyncio", "structlog", "prometheus_client", "rich")
#: Each takes some ten milliseconds to load, and is loaded by a function of numpy that looks harmless.
PARTS_OF_NUMPY = ("numpy.ma",)

_ASK = """
import sys
from service.cli import app
app(["ask", "Does salt water help the nose?", "--json"], standalone_mode=False)
print(*(name for name in {unwanted} if name in sys.modules), file=sys.stderr)
"""
_SERVE = """
import sys
from fastapi.testclient import TestClient
from service import wiring
from service.app import create_app
from service.logs import configure_logs
from service.settings import read_settings
configure_logs()
settings = read_settings()
opened = lambda: wiring.live_index(settings)
with TestClient(create_app(opened, settings)) as client:
    print(client.post("/v1/ask", json={{"question": "Does salt water help the nose?"}}).text)
print(*(name for name in {unwanted} if name in sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where an index of the six documents lies that the real encoder built."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(
        corpus_dir=write_corpus(home / "corpus"),
        index_dir=home / "index",
        cache_dir=share_exports(home / "cache"),
    )
    build_wiring.build(settings, wiring.make_embedder(settings))
    return settings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "unwanted"),
    [(_ASK, UNWANTED + BUILDING + SERVING + PARTS_OF_NUMPY), (_SERVE, UNWANTED + BUILDING)],
    ids=["ask", "serve"],
)
def test_a_question_is_answered_without_what_it_does_not_need(
    settings: Settings, program: str, unwanted: tuple[str, ...]
) -> None:
    folders = {name: str(getattr(settings, name)) for name in ("corpus_dir", "index_dir", "cache_dir")}

    done = subprocess.run(
        [sys.executable, "-c", program.format(unwanted=unwanted)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **{f"CITEWELL_{name.upper()}": folder for name, folder in folders.items()}},
    )

    assert json.loads(done.stdout)["passages"][0]["document"]["doc_id"] in ("saline", "hay-fever")
    assert done.stderr.splitlines()[-1] == ""  # the last line names what was loaded
