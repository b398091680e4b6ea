"""The Containerfile, as far as it can be held to its promises without a container engine."""

import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.cli import app
from service.settings import Settings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in capitals and the rest of it."""

    name: str
    rest: str


def instructions() -> list[Instruction]:
    """Read the Containerfile, comments left out and continued lines joined."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


ALL = instructions()
LAST_STAGE = ALL[max(at for at, each in enumerate(ALL) if each.name == "FROM") :]


def of(name: str, among: list[Instruction] = LAST_STAGE) -> list[str]:
    return [each.rest for each in among if each.name == name]


def copied_from_here() -> list[str]:
    """Return every source that is copied from the repository."""
    found = []
    for rest in of("COPY", ALL):
        words = shlex.split(rest)
        if not any(word.startswith("--from=") for word in words):
            found += [word for word in words[:-1] if not word.startswith("--")]
    return found


def test_whatever_is_copied_is_there_and_is_not_ignored() -> None:
    ignore = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()

    assert len(copied_from_here()) > 5
    for source in copied_from_here():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignore


def test_every_package_that_is_installed_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    packages = {each.rstrip("*") for each in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= set(copied_from_here())


def test_the_last_stage_runs_as_nobody_in_particular() -> None:
    users = of("USER")

    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[0])
    at = [each.name for each in LAST_STAGE]
    assert not {"RUN", "COPY", "ADD"} & set(at[at.index("USER") :])
    assert f"--uid {users[0].split(':')[0]}" in " ".join(of("RUN"))


def test_only_the_two_folders_that_change_are_written_to() -> None:
    assert json.loads(of("VOLUME")[0]) == ["/srv/citewell/var", "/srv/citewell/corpus"]
    assert of("WORKDIR") == ["/srv/citewell"]
    written = [name for name in Settings.model_fields if name.endswith(("_dir", "_file"))]
    assert len(written) >= 4
    for name in written:
        assert Settings.model_fields[name].default.parts[0] in ("var", "corpus")
    assert "PYTHONDONTWRITEBYTECODE=1" in of("ENV")[0]
    assert "HOME=/tmp" in of("ENV")[0]


def test_every_command_and_every_setting_that_is_named_exists() -> None:
    text = " ".join(each.rest for each in LAST_STAGE)
    commands = {each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands}

    named = re.findall(r"\bcitewell (build|serve|\w+) ?(?=-|&|\"|$)", of("CMD")[0])
    assert set(named) == {"build", "serve"}
    assert set(named) <= commands
    settings = {f"CITEWELL_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"CITEWELL_\w+(?==)", text)) <= settings


def test_health_is_asked_for_where_the_service_listens() -> None:
    (check,) = of("HEALTHCHECK")
    port = re.search(r"CITEWELL_PORT=(\d+)", " ".join(of("ENV")))

    assert port is not None
    assert f"127.0.0.1:{port[1]}/health/live" in check
    assert of("EXPOSE") == [port[1]]


def test_the_process_gets_the_signal_that_ends_it() -> None:
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert "exec citewell serve" in of("CMD")[0]


def test_torch_is_the_one_we_pin_and_no_build_for_cuda_goes_unnoticed() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    torch = next(line for line in constraints if line.startswith("torch=="))

    install = next(each for each in of("RUN", ALL) if "torch==" in each)
    assert f" {torch} " in install
    assert "torch.version.cuda is None" in install
    assert all("--constraint constraints.txt" in each for each in of("RUN", ALL) if "pip install" in each)


@pytest.mark.parametrize("secret", ["KEY", "TOKEN", "PASSWORD", "SECRET"])
def test_no_secret_is_part_of_the_image(secret: str) -> None:
    assert not [each for each in ALL if each.name in ("ENV", "ARG") and secret in each.rest.upper()]
