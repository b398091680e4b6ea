"""The files of the pages: how they are sent, what they may do, and that all their words are in one file."""

import gzip
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.pages import Site, load_site, read_suggestions

STATIC = Path(__file__).parents[2] / "service" / "static"
PAGES = ("/", "/admin", "/batch")
NAMES = ("ask", "admin", "batch")


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_but_its_own_files(client: TestClient, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", response.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_names_is_there_and_kept_for_ever(client: TestClient, path: str) -> None:
    named = re.findall(r'(?:src|href)="(static/[^"]+)"', client.get(path).text)

    assert named
    for address in named:
        response = client.get(f"/{address}")
        assert response.status_code == 200, address
        assert "immutable" in response.headers["cache-control"]


def test_every_module_that_a_module_imports_is_there(site: Site) -> None:
    scripts = {name: file.body.decode() for name, file in site.files.items() if name.endswith(".js")}
    imported = {name: re.findall(r'from "\./([^"]+)"', text) for name, text in scripts.items()}

    assert imported["ask.js"]
    assert {each for names in imported.values() for each in names} <= set(scripts)


@pytest.mark.parametrize(("path", "name"), [*zip(PAGES, NAMES, strict=True)])
def test_a_page_names_itself_and_every_module_that_it_will_load(
    client: TestClient, site: Site, path: str, name: str
) -> None:
    page = client.get(path).text
    loaded, waiting = {f"{name}.js"}, [f"{name}.js"]
    while waiting:
        source = site.files[waiting.pop()].body.decode()
        new = set(re.findall(r'from "\./([^"]+)"', source)) - loaded
        loaded |= new
        waiting.extend(new)

    assert {
        each.rpartition("/")[2] for each in re.findall(r'(?:src|modulepreload" href)="([^"]+)"', page)
    } == loaded
    assert re.findall(r'href="([^"]+)"[^>]*aria-current="page"', page) == [
        f".{path}" if path == "/" else path[1:]
    ]
    assert "{{" not in page


def test_a_file_that_did_not_change_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/")

    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.content == b""


def test_a_file_is_the_same_packed_and_plain(client: TestClient) -> None:
    plain = client.get("/widget.js", headers={"Accept-Encoding": "identity"})
    packed = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content


def test_an_address_of_an_older_release_is_not_kept(client: TestClient) -> None:
    response = client.get("/static/0123456789ab/dom.js")

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "strings.json",
        "..%2fpages.py",
        "%2e%2e/pages.py",
        "ask.html",
        "frame.html",
        "../../pyproject.toml",
    ],
)
def test_nothing_else_can_be_had_as_a_file(client: TestClient, name: str) -> None:
    assert client.get(f"/static/0/{name}").status_code == 404


def test_the_widget_is_small_and_may_be_loaded_by_any_page(client: TestClient, site: Site) -> None:
    response = client.get("/widget.js")

    assert len(gzip.compress(response.content)) <= 30 * 1024
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "{{" not in response.text
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|document\.write", response.text
    )


def test_no_script_turns_text_into_markup(site: Site) -> None:
    for name, file in site.files.items():
        if name.endswith(".js"):
            markup = (
                r"innerHTML|outerHTML|insertAdjacentHTML|parseFromString|createContextualFragment|\beval\("
            )
            assert not re.search(markup, file.body.decode()), name


def _leaves(value: Any, name: str = "") -> Iterator[str]:
    """Yield the dotted name of every string; the forms of a plural are one."""
    if isinstance(value, dict) and set(value) != {"one", "other"}:
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}" if name else key)
    else:
        yield name


def test_every_string_that_is_asked_for_is_there_and_none_is_left_over() -> None:
    strings = json.loads((STATIC / "strings.json").read_text("utf-8"))
    sources = "\n".join(
        each.read_text("utf-8")
        for each in STATIC.iterdir()
        if each.suffix in (".js", ".html") and each.name != "widget.js"
    )
    named = set(re.findall(r'"((?:\w+\.)+\w+)"', sources)) | set(re.findall(r"\{\{([\w.]+)\}\}", sources))
    named |= {f"{page}.{name}" for page in NAMES for name in re.findall(r"\{\{page\.(\w+)\}\}", sources)}
    # Some names are made from a value: `fidelity.${kind}_note`.
    made = [
        f"{before}*{after}" for before, after in re.findall(r"`((?:\w+\.)+\w*)\$\{[^`}]+\}(\w*)`", sources)
    ]
    there = {name for name in _leaves(strings) if not name.startswith("widget.")}

    missing = {name for name in re.findall(r'\bt\(\s*"([\w.]+)"', sources) if name not in there}
    left_over = {name for name in there - named if not any(fnmatch(name, each) for each in made)}
    left_over -= set(re.findall(r"\{\{(\w+)\}\}", sources))

    assert missing == set()
    assert left_over == set()


def test_every_string_of_the_widget_is_used_by_it() -> None:
    strings = json.loads((STATIC / "strings.json").read_text("utf-8"))["widget"]
    source = (STATIC / "widget.js").read_text("utf-8")

    assert {name for name in strings if not re.search(rf"\bWORDS\.{name}\b", source)} == set()
    assert set(re.findall(r"\bWORDS\.(\w+)", source)) <= set(strings)


def test_questions_to_begin_with_are_the_lines_of_a_file_of_the_corpus(tmp_path: Path) -> None:
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "suggested.txt").write_text("Why?\n\n  How long?  \n", encoding="utf-8")

    assert read_suggestions(tmp_path) == ["Why?", "How long?"]
    assert read_suggestions(tmp_path / "elsewhere") == []


def test_the_default_corpus_has_questions_to_begin_with() -> None:
    assert len(read_suggestions(STATIC.parents[1] / "corpus")) >= 4


def _said_in_html(source: str) -> list[str]:
    """Return every word between tags, or in an attribute that is read out, that is not put in from the strings."""
    attributes = re.findall(r'\b(?:placeholder|aria-label|title|alt)="([^"]*)"', source)
    words = [re.sub(r"\{\{[\w.]+\}\}", "", each) for each in (re.sub(r"<[^>]*>", " ", source), *attributes)]
    return re.findall(r"[^\W\d_]+", " ".join(words))


def _said_in_script(source: str, classes: set[str]) -> list[str]:
    """Return every string of two words or more that is no list of classes and no error for who writes scripts."""
    source = re.sub(r"/\*.*?\*/|(?<=\s)//[^\n]*", "", source, flags=re.S)
    source = re.sub(
        r"const STYLE = `.*?`;|new Error\([^)]*\)|\"use strict\"|rel: \"[^\"]*\"", "", source, flags=re.S
    )
    literals = re.findall(r'"([^"\n]*)"', source) + [
        re.sub(r"\$\{[^}]*\}", "", each) for each in re.findall(r"`([^`]*)`", source)
    ]
    prose = [each for each in literals if re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", each)]
    return [each for each in prose if not set(each.split()) <= classes]


def test_no_page_and_no_script_holds_words_that_strings_json_should() -> None:
    classes = set(re.findall(r"\.([a-z][\w-]*)", (STATIC / "style.css").read_text("utf-8")))
    html = {each.name: _said_in_html(each.read_text("utf-8")) for each in STATIC.glob("*.html")}
    scripts = {each.name: _said_in_script(each.read_text("utf-8"), classes) for each in STATIC.glob("*.js")}

    assert {name: said for name, said in html.items() if said} == {}
    assert {name: said for name, said in scripts.items() if said} == {}


def test_words_in_a_page_or_a_script_would_be_found() -> None:
    assert _said_in_html('<p>Hello {{ask.label}}</p><a title="Go on">') == ["Hello", "Go", "on"]
    assert _said_in_script('el("p", { class: "a b" }, "Two words", `${n} found here`)', {"a", "b"}) == [
        "Two words",
        " found here",
    ]
