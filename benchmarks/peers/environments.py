"""A virtual environment for each library: made once, kept, and measured."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.peers.contenders import TORCH, Contender

#: Brought along by every environment, whatever is installed into it.
_OF_EVERY_ENVIRONMENT = frozenset({"pip", "setuptools", "wheel"})
_INSTALL_LIMIT_S = 3_600.0


class PeerError(Exception):
    """A library could not be installed, started or asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What one had to install."""

    size_mb: float
    n_packages: int
    versions: tuple[str, ...]  # `name version` of what was asked for by name


def python_of(contender: Contender, folder: Path) -> Path:
    """Return the interpreter of a contender's environment."""
    return folder / contender.environment / "bin" / "python"


def install(contender: Contender, folder: Path) -> None:
    """Make a contender's environment below a folder, unless it is there and complete.

    The newest release of each library that goes with that torch is taken, as anyone who installs it today would.

    Raises:
        PeerError: If it cannot be made.
    """
    made = folder / contender.environment
    complete, wanted = (
        made / ".installed",
        "\n".join([TORCH, *contender.requirements, *contender.constraints]),
    )
    if complete.is_file():
        if complete.read_text(encoding="utf-8") == wanted:
            return
        shutil.rmtree(made)
    folder.mkdir(parents=True, exist_ok=True)
    constraints = folder / f"{contender.environment}.constraints.txt"
    constraints.write_text("\n".join(contender.constraints), encoding="utf-8")
    python = str(python_of(contender, folder))
    install_it = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _call([sys.executable, "-m", "venv", str(made)])
    # First and alone: what asks for torch by any other name would bring gigabytes of graphics libraries with it.
    _call([*install_it, TORCH])
    _call([*install_it, "--constraint", str(constraints), *contender.requirements])
    complete.write_text(wanted, encoding="utf-8")


def describe(contender: Contender, folder: Path) -> Environment:
    """Measure a contender's environment."""
    made = folder / contender.environment
    [packages] = made.glob("lib/python*/site-packages")
    versions = {each.name.lower(): each.version for each in distributions(path=[str(packages)])}
    # A requirement starts with a name; what follows it limits the version.
    named = [re.split(r"[^\w.-]", requirement)[0] for requirement in (TORCH, *contender.requirements)]
    return Environment(
        size_mb=size_mb(made),
        n_packages=len(versions.keys() - _OF_EVERY_ENVIRONMENT),
        versions=tuple(f"{name} {versions[name.lower()]}" for name in named if name.lower() in versions),
    )


def size_mb(folder: Path) -> float:
    """Return how much the files below a folder hold, in millions of bytes."""
    return (
        sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
        / 1e6
    )


def last_words(text: str) -> str:
    """Return the last line of what a program said, or of the errors that it named so."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it said nothing"])[-1]


def _call(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # our own command
            command, env=os.environ, capture_output=True, text=True, check=False, timeout=_INSTALL_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"not installed: {error}") from error
    if done.returncode:
        raise PeerError(f"not installed: {last_words(done.stderr)}")
