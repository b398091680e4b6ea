"""What an operator may change: every variable, its bounds, and what an impossible value is told."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest.errors import CitewellError
from service.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
VARIABLES = [f"CITEWELL_{name.upper()}" for name in Settings.model_fields]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def test_without_any_variable_the_defaults_hold() -> None:
    settings = read_settings()

    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.corpus_dir == Path("corpus")
    assert settings.index_dir == Path("var/index")
    assert settings.reranker_model is None
    assert settings.reading_model is None


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("CITEWELL_CORPUS_DIR", "/srv/texts", "corpus_dir", Path("/srv/texts")),
        ("CITEWELL_INDEX_DIR", "idx", "index_dir", Path("idx")),
        ("CITEWELL_CACHE_DIR", "cache", "cache_dir", Path("cache")),
        ("CITEWELL_HOST", "::1", "host", "::1"),
        ("CITEWELL_PORT", "0", "port", 0),
        ("CITEWELL_PORT", "65535", "port", 65535),
        ("CITEWELL_EMBEDDING_MODEL", "models/mine", "embedding_model", "models/mine"),
        ("CITEWELL_RERANKER_MODEL", "models/cross", "reranker_model", "models/cross"),
        ("CITEWELL_READING_MODEL", "models/reader", "reading_model", "models/reader"),
        ("CITEWELL_QUERY_THREADS", "1", "query_threads", 1),
        ("CITEWELL_QUERY_THREADS", "64", "query_threads", 64),
        ("CITEWELL_SWAP_CHECK_S", "0.25", "swap_check_s", 0.25),
        ("CITEWELL_SWAP_CHECK_S", "3600", "swap_check_s", 3600),
        ("CITEWELL_MAX_BODY_BYTES", "1024", "max_body_bytes", 1024),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(variable, value)

    assert getattr(read_settings(), field) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CITEWELL_PORT", "-1"),
        ("CITEWELL_PORT", "65536"),
        ("CITEWELL_PORT", "http"),
        ("CITEWELL_PORT", ""),
        ("CITEWELL_QUERY_THREADS", "0"),
        ("CITEWELL_QUERY_THREADS", "65"),
        ("CITEWELL_QUERY_THREADS", "1.5"),
        ("CITEWELL_SWAP_CHECK_S", "0"),
        ("CITEWELL_SWAP_CHECK_S", "3601"),
        ("CITEWELL_SWAP_CHECK_S", "nan"),
        ("CITEWELL_SWAP_CHECK_S", "soon"),
        ("CITEWELL_MAX_BODY_BYTES", "1023"),
        ("CITEWELL_MAX_BODY_BYTES", "64k"),
    ],
)
def test_an_impossible_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(CitewellError, match=rf"{variable}: .*Correct it"):
        read_settings()


def test_every_impossible_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_PORT", "http")
    monkeypatch.setenv("CITEWELL_QUERY_THREADS", "none")

    with pytest.raises(CitewellError, match=r"CITEWELL_PORT: .*CITEWELL_QUERY_THREADS: "):
        read_settings()


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().port = 1


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_described(name: str) -> None:
    assert (Settings.model_fields[name].description or "").endswith(".")


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_is_in_the_readme_with_its_default(variable: str) -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    row = next((line for line in lines if line.startswith(f"| `{variable}` |")), "")

    default = Settings.model_fields[variable.removeprefix("CITEWELL_").lower()].default
    assert row, f"README.md has no row for {variable}"
    assert ("none" if default is None else f"`{default}`") in row
