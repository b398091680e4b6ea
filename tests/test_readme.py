"""What the README promises: its question has its answer."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from service import build_wiring, wiring
from service.asking import answer_request
from service.schemas import AskRequest
from service.settings import Settings
from tests.conftest import share_exports

_ROOT = Path(__file__).parents[1]
#: What differs from one build or run to the next.
_PASSING = ("took_ms", "index")


def _rounded(value: Any) -> Any:
    """Leave out the digits in which one kind of processor differs from another."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items() if key not in _PASSING}
    return value


def _question_and_reply() -> tuple[dict[str, Any], dict[str, Any]]:
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    asked = re.search(r"-d '(\{.*?\})'", readme)
    assert asked is not None
    reply = re.search(r"^    \{$.*?^    \}$", readme[asked.end() :], re.MULTILINE | re.DOTALL)
    assert reply is not None
    return json.loads(asked.group(1)), json.loads(reply.group())


@pytest.mark.slow
def test_the_question_of_the_readme_has_the_answer_of_the_readme(tmp_path: Path) -> None:
    asked, expected = _question_and_reply()
    settings = Settings(
        corpus_dir=_ROOT / "corpus",
        index_dir=tmp_path / "index",
        cache_dir=share_exports(tmp_path / "cache"),
    )
    embedder = wiring.make_embedder(settings)
    build_wiring.build(settings, embedder)

    serving = wiring.open_current(settings.index_dir, embedder, None)
    reply = answer_request(AskRequest(**asked), serving).model_dump(mode="json")

    assert _rounded(reply) == _rounded(expected)
