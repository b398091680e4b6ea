"""Whoever has the key and sends anything at all: every answer is one that the description promises."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from service.serving_index import ServingIndex
from tests.conftest import write_corpus
from tests.service.conftest import make_app
from tests.service.test_openapi import HELD_TO

KEY = "an admin key that is long enough"
OPERATIONS = [
    ("post", "/v1/documents"),
    ("put", "/v1/documents/{doc_id}"),
    ("delete", "/v1/documents/{doc_id}"),
    ("post", "/v1/index/builds"),
    ("post", "/v1/index/rollback"),
    ("get", "/v1/index/versions"),
    ("get", "/v1/jobs"),
    ("get", "/v1/jobs/{job_id}"),
    ("get", "/v1/jobs/{job_id}/events"),
]


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_an_editor_sends_is_answered_as_described(
    serving: ServingIndex,
    index_dir: Path,
    tmp_path: Path,
    method: str,
    path: str,
    mode: schemathesis.GenerationMode,
) -> None:
    app = make_app(
        serving,
        admin_key=KEY,
        keys_file=tmp_path / "keys.json",
        corpus_dir=write_corpus(tmp_path / "corpus"),
        index_dir=index_dir,
        state_dir=tmp_path / "state",
    )
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)[path][method]
    described = set(operation.definition.raw["responses"]) - {"default"}
    if mode is schemathesis.GenerationMode.NEGATIVE and not operation.query and not operation.body:
        pytest.skip("nothing of this address can be wrong")

    statuses: set[int] = set()

    @settings(max_examples=50, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(mode))
    def probe(case: Any) -> None:
        response = case.call(headers={"Authorization": f"Bearer {KEY}"})
        case.validate_response(response, checks=HELD_TO)
        assert str(response.status_code) in described
        statuses.add(response.status_code)

    probe()
    # What is sent with a faulty head loses its key among other things; not everything may.
    assert statuses - {401, 403}
