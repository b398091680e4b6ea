"""The wheel holds everything that the packages read at run time, the pages' files above all."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest", "index", "answer", "evaluation", "service")

pytestmark = pytest.mark.slow


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    there = {
        each.relative_to(tmp_path).as_posix()
        for name in PACKAGES
        for each in (tmp_path / name).rglob("*")
        if each.is_file()
    }

    subprocess.run(
        [sys.executable, "-c", "from setuptools.build_meta import build_wheel; build_wheel('.')"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert "service/static/strings.json" in there
    assert there - held == set()
