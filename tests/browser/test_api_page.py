"""The page that describes the API, in a browser."""

import pytest

from tests.chromium import Visit

pytestmark = pytest.mark.slow


def test_the_description_of_the_api_shows_itself_without_another_origin(visit: Visit, site: str) -> None:
    reader = visit()

    reader.page.goto(f"{site}/docs")
    reader.page.get_by_text("Ask a question", exact=True).wait_for()

    assert reader.watch.origins() == {site}
    assert reader.watch.failures == []
