"""Every view that `make screenshots` takes pictures of: for everybody, in both themes, narrow, wide and mirrored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browsing import serving
from tests.chromium import Visit, Visitor, barriers
from tests.screenshots import KEY, VIEWS, answer_the_waiting

pytestmark = pytest.mark.slow

NARROW, WIDE = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
#: A page as wide as this must not have lines as long as it.
WIDEST = {"width": 2560, "height": 1300}
#: Views of a service that is not there.
ELSEWHERE = {"widget-unreachable"}


@pytest.fixture(scope="module")
def desk(built_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with an admin key, which no test changes."""
    state = tmp_path_factory.mktemp("state")
    own = {"CITEWELL_STATE_DIR": str(state), "CITEWELL_KEYS_FILE": str(state / "keys")}
    with serving(built_home, CITEWELL_ADMIN_KEY=KEY, **own) as address:
        yield address


def open_view(visit: Visit, desk: str, view: str) -> Visitor:
    # The widget's views put a script on a page that they make themselves.
    reader = visit(base_url=desk, viewport=WIDE, bypass_csp=view.startswith("widget"))
    VIEWS[view](reader.page)
    return reader


def wider_than_the_window(page: Page) -> int:
    """Return by how many pixels a page would have to be scrolled sideways."""
    overhang: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return overhang


def show_in(page: Page, *, theme: str, size: dict[str, int]) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def outside_the_window(page: Page) -> list[str]:
    """Return what is shown and does not lie between the window's sides, but for what scrolls by itself."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("main *")]
            .filter(each => each.checkVisibility() && !each.closest(".visually-hidden, .scroll"))
            .map(each => [each, each.getBoundingClientRect()])
            .filter(([, box]) => box.width > 1 && (box.left < -1 || box.right > innerWidth + 1))
            .map(([each]) => `${each.tagName}.${each.className}`)"""
    )
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_keeps_nobody_out(visit: Visit, desk: str, view: str) -> None:
    reader = open_view(visit, desk, view)
    page, found = reader.page, {}

    for theme, size in (("light", WIDE), ("dark", WIDE), ("light", NARROW), ("dark", NARROW)):
        show_in(page, theme=theme, size=size)
        found[f"{theme}, {size['width']} pixels"] = barriers(page)
        assert wider_than_the_window(page) <= 0
    page.evaluate("document.documentElement.dir = 'rtl'")
    for size in (NARROW, WIDE):
        show_in(page, theme="light", size=size)
        assert wider_than_the_window(page) <= 0
        assert outside_the_window(page) == []

    answer_the_waiting()
    assert {where: barrier for where, barrier in found.items() if barrier} == {}
    assert reader.watch.failures == []
    assert reader.watch.origins() - {"http://127.0.0.1:9" if view in ELSEWHERE else ""} <= {desk}


@pytest.mark.parametrize("view", ["answer", "refusal", "document-top", "batch"])
def test_no_line_gets_too_long_to_read_in_a_wide_window(visit: Visit, desk: str, view: str) -> None:
    reader = open_view(visit, desk, view)
    show_in(reader.page, theme="light", size=WIDEST)

    longest = reader.page.evaluate(
        """() => Math.max(...[...document.querySelectorAll("main :is(p, li, blockquote, td)")]
            .filter(each => each.checkVisibility() && each.textContent.length > 120)
            .map(each => {
                const text = document.createRange();
                text.selectNodeContents(each);
                return text.getBoundingClientRect().width / parseFloat(getComputedStyle(each).fontSize);
            }))"""
    )

    assert 20 < longest < 45  # em; about two letters each


@pytest.mark.parametrize("path", ["/", "/batch", "/admin"])
def test_a_first_view_transfers_less_than_100_kilobytes(visit: Visit, desk: str, path: str) -> None:
    reader = visit(base_url=desk)
    reader.page.goto(path, wait_until="networkidle")

    transferred = reader.page.evaluate(
        """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
           .reduce((sum, each) => sum + each.transferSize, 0)"""
    )

    assert 5_000 < transferred < 100_000


@pytest.mark.parametrize("view", ["batch", "admin-changed"])
def test_all_that_can_be_used_is_reached_by_tab_and_seen_to_be(visit: Visit, desk: str, view: str) -> None:
    reader = open_view(visit, desk, view)
    usable = reader.page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
            .filter(each => each.checkVisibility() && !each.disabled && each.tabIndex >= 0).length"""
    )
    reader.page.locator(".skip").focus()

    reached = 1
    for _ in range(usable + 10):
        reader.page.keyboard.press("Tab")
        at = reader.page.evaluate(
            """() => {
                const at = document.activeElement;
                const ringed = [at, at.parentElement].some(each => getComputedStyle(each).outlineStyle !== "none");
                return { left: at === document.body, ringed, scrolls: at.matches(".scroll") };
            }"""
        )
        if at["left"]:
            break
        assert at["ringed"]
        reached += not at["scrolls"]

    assert reached == usable


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_whoever_asked_for_less_motion(visit: Visit, desk: str, motion: str) -> None:
    reader = visit(base_url=desk, reduced_motion=motion)
    VIEWS["waiting"](reader.page)
    waiting = reader.page.evaluate("document.getAnimations().length")
    answer_the_waiting()
    reader.page.unroute_all()
    VIEWS["references"](reader.page)
    lit = reader.page.evaluate("document.getAnimations().length")

    assert (waiting > 0, lit > 0) == ((False, False) if motion == "reduce" else (True, True))


def test_words_of_another_direction_run_their_own_way_and_turn_nothing_else_round(
    visit: Visit, desk: str
) -> None:
    hebrew, turned = "התכווצות שרירים בלילה", "\u202egnp.exe of a title"
    reader = visit(base_url=desk)

    def change(route: Route) -> None:
        response = route.fetch()
        reply = response.json()
        reply["passages"][0]["text"], reply["passages"][0]["highlights"] = hebrew, []
        reply["passages"][1]["document"]["title"] = turned
        route.fulfill(json=reply)

    reader.page.route("**/v1/ask", change)
    reader.page.goto("/?q=Why")

    expect(reader.page.locator(".passage-text").first).to_have_css("direction", "rtl")
    expect(reader.page.locator(".passage-text").nth(1)).to_have_css("direction", "ltr")
    expect(reader.page.locator(".passage h3 [dir=auto]").nth(1)).to_have_css("unicode-bidi", "isolate")
    expect(reader.page.get_by_text(turned)).to_have_count(1)
