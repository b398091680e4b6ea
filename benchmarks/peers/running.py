"""One script in one process: what it was given, and what it measured."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.contenders import Contender
from benchmarks.peers.environments import PeerError, install, last_words, python_of, size_mb

_ROOT = Path(__file__).parents[2]
_LIMIT_S = 3 * 3_600.0
#: One thread each, no look outside, no notices to anyone.
_ALIKE = {
    **dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "NUMEXPR_NUM_THREADS",
            "NUMBA_NUM_THREADS",
            "RAYON_NUM_THREADS",
        ),
        "1",
    ),
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "CUDA_VISIBLE_DEVICES": "",
}


@dataclass(frozen=True, slots=True)
class Built:
    """What one build took."""

    passages_per_s: float
    index_mb: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What one process, started anew, needed to its first answer and for the questions after it."""

    first_answer_s: float
    question_ms: tuple[float, ...]
    resident_mib: float  # after the last question
    found: tuple[tuple[int, ...], ...]  # places of passages, best first, for each question


class ProcessRunner:
    """Runs the scripts, each in its own environment, on the same passages and questions."""

    def __init__(self, folder: Path, *, passages: Sequence[str], questions: Sequence[str], k: int) -> None:
        self._folder = folder
        self._n_passages = len(passages)
        folder.mkdir(parents=True, exist_ok=True)
        self._data = folder / "data.json"
        self._data.write_text(
            json.dumps({"passages": passages, "questions": questions, "k": k}), encoding="utf-8"
        )

    def install(self, contender: Contender) -> None:
        """Make the environment, unless it is there.

        Raises:
            PeerError: If it cannot be made.
        """
        install(contender, self._folder)

    def build(self, contender: Contender) -> Built:
        """Build a contender's index anew.

        Raises:
            PeerError: If the script fails.
        """
        index = self._index(contender)
        shutil.rmtree(index, ignore_errors=True)
        index.mkdir(parents=True)
        found, _ = self._run(contender, "build")
        return Built(self._n_passages / found["seconds"], size_mb(index))

    def ask(self, contender: Contender) -> Asked:
        """Open the index that was built last in a new process, and ask it.

        Raises:
            PeerError: If the script fails.
        """
        found, began = self._run(contender, "ask")
        return Asked(
            first_answer_s=found["first_answer_at"] - began,
            question_ms=tuple(found["question_ms"]),
            resident_mib=found["resident_mib"],
            found=tuple(tuple(places) for places in found["found"]),
        )

    def _index(self, contender: Contender) -> Path:
        return self._folder / "indexes" / contender.script

    def _run(self, contender: Contender, command: str) -> tuple[Mapping[str, Any], float]:
        """Return what a script found, and when it was started."""
        result = self._index(contender).with_suffix(".result.json")
        result.unlink(missing_ok=True)
        began = time.monotonic()
        run_module(
            python_of(contender, self._folder),
            f"benchmarks.peers.scripts.{contender.script}",
            [command, str(self._data), str(self._index(contender)), str(result)],
        )
        return json.loads(result.read_text(encoding="utf-8")), began


def run_module(python: Path, module: str, arguments: Sequence[str]) -> None:
    """Run a module to its end with the interpreter of some environment, on one thread and offline.

    Raises:
        PeerError: If it cannot be started, fails, or takes hours.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CITEWELL_", "PYTHON"))}
    try:
        done = subprocess.run(  # noqa: S603  # our own command
            [str(python), "-m", module, *arguments],
            cwd=_ROOT,
            env={**kept, **_ALIKE},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"not run: {error}") from error
    if done.returncode:
        raise PeerError(f"`{module.rpartition('.')[2]} {arguments[0]}` failed: {last_words(done.stderr)}")
