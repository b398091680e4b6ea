"""The web pages and the widget: plain files, held in memory, each with its tag and its policy.

Nothing is built: what stands in `static/` is what is sent, but for words in double braces. `{{static}}` becomes the
folder's address, which names a hash of its contents so that browsers may keep it for ever, and every other one the
words of `static/strings.json` under that name. `strings.js` is those words as a module.

A page is `frame.html`, what all pages share, around its own `ask.html`, `batch.html` or `admin.html`. In the frame
`{{page}}` is that name, `{{page.title}}` the words of that page, `{{current.ask}}` what marks the page that is open,
and `{{preloads}}` every module that the page's script imports, so that browsers ask for all of them at once.
"""

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response

_PAGES = {"/": "ask", "/admin": "admin", "/batch": "batch"}
_FRAME = "frame.html"
_WIDGET = "widget.js"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: No inline script or style, nothing from elsewhere, and no text ever parsed as markup by a script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_WIDGET_CACHE = "public, max-age=600"
_MAX_SUGGESTIONS = 8


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent."""

    body: bytes
    gzipped: bytes
    media_type: str
    tag: str  # weak: the same for both encodings


@dataclass(frozen=True, slots=True)
class Site:
    """Every file of the pages by name, and the hash that their addresses carry."""

    hash: str
    files: Mapping[str, StaticFile]


def load_site() -> Site:
    """Read the files of the installed package and put the words in."""
    folder = files("service") / "static"
    sources = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    strings: dict[str, Any] = json.loads(sources.pop("strings.json"))
    sources["strings.js"] = f"export const STRINGS = {json.dumps(strings)};\n".encode()
    digest = sha256()
    for name in sorted(sources):
        digest.update(sha256(name.encode()).digest() + sha256(sources[name]).digest())
    address = digest.hexdigest()[:12]
    sources[_WIDGET] = sources[_WIDGET].replace(b'"{{widget}}"', json.dumps(strings["widget"]).encode())
    frame = sources.pop(_FRAME).decode()
    for page in _PAGES.values():
        inner = sources.pop(f"{page}.html").decode()
        sources[f"{page}.html"] = _page(page, frame.replace("{{main}}", inner), sources, strings, address)
    return Site(
        hash=address,
        files={
            name: _static_file(name, body)
            for name, body in sources.items()
            if Path(name).suffix in _MEDIA_TYPES
        },
    )


def _static_file(name: str, body: bytes) -> StaticFile:
    return StaticFile(
        body=body,
        gzipped=gzip.compress(body, 9, mtime=0),
        media_type=_MEDIA_TYPES[Path(name).suffix],
        tag=f'W/"{sha256(body).hexdigest()[:16]}"',
    )


def _page(
    page: str, markup: str, sources: Mapping[str, bytes], strings: Mapping[str, Any], address: str
) -> bytes:
    """Return a page with everything in double braces put in."""
    folder = f"static/{address}"
    modules = sorted(_imported(f"{page}.js", sources))
    made = {
        "static": folder,
        "page": page,
        "preloads": "\n".join(f'<link rel="modulepreload" href="{folder}/{each}">' for each in modules),
        **{f"current.{each}": 'aria-current="page"' if each == page else "" for each in _PAGES.values()},
    }
    words = {**strings, "page": strings[page]}

    def put_in(found: re.Match[str]) -> str:
        name = found[1]
        return made[name] if name in made else escape(_string(words, name))

    return re.sub(r"\{\{([\w.]+)\}\}", put_in, markup).encode()


def _imported(module: str, sources: Mapping[str, bytes]) -> set[str]:
    """Return every module that a module imports, and those that these import."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        new = (
            set(re.findall(r'^import .* from "\./([\w-]+\.js)";', sources[waiting.pop()].decode(), re.M))
            - found
        )
        found |= new
        waiting.extend(new)
    return found


def _string(strings: Mapping[str, Any], name: str) -> str:
    """Return the words under a dotted name; a missing one is a KeyError, which a test meets first."""
    value: Any = strings
    for part in name.split("."):
        value = value[part]
    return str(value)


def install_pages(app: FastAPI, corpus_dir: Path) -> None:
    """Add the pages, the widget and their files to an application."""
    site = load_site()
    router = APIRouter(include_in_schema=False)
    for path, name in _PAGES.items():
        _add_file(router, path, site.files[f"{name}.html"], _page_headers())
    # The widget is for pages of other origins: it holds nothing that they may not read.
    shared = {"Cache-Control": _WIDGET_CACHE, "Cross-Origin-Resource-Policy": "cross-origin"}
    _add_file(router, f"/{_WIDGET}", site.files[_WIDGET], shared)

    async def part(request: Request, address: str, name: str) -> Response:
        if name not in site.files or name.endswith(".html"):
            raise HTTPException(404)
        cache = _FOR_EVER if address == site.hash else _ASK_AGAIN
        return _respond(request, site.files[name], {"Cache-Control": cache})

    router.add_api_route("/static/{address}/{name}", part, methods=["GET", "HEAD"])

    # Not async: reading a file would hold up the event loop.
    def suggestions() -> dict[str, list[str]]:
        return {"questions": read_suggestions(corpus_dir)}

    router.add_api_route("/suggestions.json", suggestions, methods=["GET"])
    app.include_router(router)


def _page_headers() -> dict[str, str]:
    return {
        "Cache-Control": _ASK_AGAIN,
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",  # an address may hold a question
        "X-Content-Type-Options": "nosniff",
    }


def _add_file(router: APIRouter, path: str, file: StaticFile, headers: Mapping[str, str]) -> None:
    async def send(request: Request) -> Response:
        return _respond(request, file, headers)

    router.add_api_route(path, send, methods=["GET", "HEAD"])


def _respond(request: Request, file: StaticFile, headers: Mapping[str, str]) -> Response:
    headers = {**headers, "ETag": file.tag, "Vary": "Accept-Encoding"}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            file.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type
        )
    return Response(file.body, headers=headers, media_type=file.media_type)


def read_suggestions(corpus_dir: Path) -> list[str]:
    """Return the questions to begin with, one a line in `questions/suggested.txt`; none where there is no such file."""
    try:
        lines = (corpus_dir / "questions" / "suggested.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [line.strip() for line in lines if line.strip()][:_MAX_SUGGESTIONS]
