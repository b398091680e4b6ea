"""Fixtures for tests in a browser: a real server over the default corpus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import build, serving
from tests.chromium import Visit, Visitor
from tests.conftest import copy_own_corpus, share_exports


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the default corpus and its index; only for reading.

    BROWSED_HOME names one that was built before, for whoever runs these tests again and again.
    """
    if kept := os.environ.get("BROWSED_HOME"):
        return Path(kept)
    home = tmp_path_factory.mktemp("browsed")
    copy_own_corpus(home / "corpus")
    share_exports(home / "cache")
    build(home)
    return home


@pytest.fixture(scope="session")
def site(built_home: Path) -> Iterator[str]:
    """The address of a running service over the default corpus; no test changes it."""
    with serving(built_home) as address:
        yield address


@pytest.fixture
def reader(visit: Visit, site: str) -> Iterator[Visitor]:
    """A reader of the site, whose browser has nothing to complain of and asks nobody else for anything."""
    reader = visit(base_url=site)
    yield reader
    assert reader.watch.console == []
    assert reader.watch.failures == []
    assert reader.watch.origins() <= {site}
