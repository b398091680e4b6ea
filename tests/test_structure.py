"""The shape of the code: which package may import which, and where the outside world begins."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest", "index", "answer", "evaluation", "service")
#: package -> the packages that it may import, besides itself.
MAY_IMPORT = {
    "ingest": set[str](),
    "index": {"ingest"},
    "answer": {"ingest", "index"},
    "evaluation": {"ingest", "index", "answer"},
    "service": {"ingest", "index", "answer", "evaluation"},
}
REAL_PARTS = {
    "SentenceTransformerEmbedder",
    "OnnxEmbedder",
    "CrossEncoderReranker",
    "TransformersReadingModel",
}
NETWORK = ("socket", "httpx", "httpcore", "urllib.request", "requests", "http.client", "aiohttp", "urllib3")
#: The modules of the service that listen, or that ask whether a listening service is well.
LISTENING = {"service.app", "service.cli", "service.server", "service.listening"}
FETCHING = {"ingest.fetching"}
#: `citewell evaluate --url` asks a service that the evaluator names.
ASKING = {"service.remote_service"}


def modules() -> dict[str, Path]:
    """Return every module of the packages by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(source: str, name: str, *, is_package: bool = False) -> Iterator[tuple[str, str | None]]:
    """Yield (module, name imported from it or None) for every import statement, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = name.split(".") if is_package else name.split(".")[:-1]
            above = base[: len(base) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def imported_modules(name: str, path: Path) -> set[str]:
    """Return dotted names of all that a module imports, `from a import b` as both `a` and `a.b`."""
    found: set[str] = set()
    for module, member in imports_of(path.read_text("utf-8"), name, is_package=path.stem == "__init__"):
        found |= {module} if member is None else {module, f"{module}.{member}"}
    return found


def is_network(imported: str) -> bool:
    return any(imported == module or imported.startswith(f"{module}.") for module in NETWORK)


MODULES = modules()
IMPORTS = {name: imported_modules(name, path) for name, path in MODULES.items()}


def test_every_package_of_the_design_that_is_there_is_looked_at() -> None:
    for package in ("ingest", "index", "answer", "service"):
        assert any(name.split(".")[0] == package for name in MODULES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_packages_to_its_left(package: str) -> None:
    allowed = {package, *MAY_IMPORT[package]}
    wrong = {
        f"{name} imports {imported}"
        for name, imports in IMPORTS.items()
        if name.split(".")[0] == package
        for imported in imports
        if imported.split(".")[0] in set(PACKAGES) - allowed
    }

    assert not wrong


def test_nothing_that_is_served_imports_tests_or_benchmarks() -> None:
    wrong = {
        f"{name} imports {imported}"
        for name, imports in IMPORTS.items()
        for imported in imports
        if imported.split(".")[0] in ("tests", "benchmarks")
    }

    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: {each for each in IMPORTS[name] if each in MODULES and each != name} for name in MODULES}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' -> '.join(error.args[1])}")


def test_only_wiring_makes_real_models() -> None:
    makers = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", ""))
        in REAL_PARTS
    }

    assert makers == {"service.wiring"}


def test_only_fetching_and_the_listening_service_touch_the_network() -> None:
    touching = {name for name, imports in IMPORTS.items() if any(map(is_network, imports))}

    assert touching <= FETCHING | LISTENING | ASKING


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("import urllib.request as u", {"urllib.request"}),
        ("from urllib import request", {"urllib", "urllib.request"}),
        ("def f():\n    import socket", {"socket"}),
        ("from .b import c", {"pkg.b", "pkg.b.c"}),
        ("from . import b", {"pkg", "pkg.b"}),
    ],
)
def test_an_import_is_found_in_every_form(tmp_path: Path, statement: str, found: set[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text(statement)

    assert imported_modules("pkg.a", path) == found
