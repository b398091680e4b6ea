"""A web of our own for the tests of what fetches."""

from collections.abc import Iterator

import pytest

from tests.local_web import LocalWeb


@pytest.fixture
def web() -> Iterator[LocalWeb]:
    local = LocalWeb()
    yield local
    local.stop()
