"""What the processes of one service share while it runs: a folder with their counts and readers' allowances.

To be imported before anything that counts: prometheus_client decides when it is imported where numbers are kept.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: prometheus_client's own variable.
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Have this process and those that it starts count together until the end of the block; yield the folder."""
    with tempfile.TemporaryDirectory(prefix="citewell-") as folder:
        os.environ[_VARIABLE] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ[_VARIABLE]


def environment_alone() -> Mapping[str, str]:
    """Return the environment for a process that belongs to the service and counts nothing."""
    return {name: value for name, value in os.environ.items() if name != _VARIABLE}
