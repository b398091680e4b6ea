"""What all commands share: where they print, what they show of their progress, and how an error ends them."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import typer

from ingest.errors import CitewellError
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

P = ParamSpec("P")
R = TypeVar("R")


@cache
def stdout() -> "Console":
    """Return where results are shown to a person."""
    from rich.console import Console  # noqa: PLC0415  # what a program asks for is printed without

    return Console()


@cache
def stderr() -> "Console":
    """Return where progress and errors are shown."""
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True)


def fixable(command: Callable[P, R]) -> Callable[P, R]:
    """Turn an error that a user can put right into one message and exit code 1."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever reads our output has gone; typer ends quietly
        except (CitewellError, OSError) as error:
            stderr().print(f"citewell: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1) from error

    return wrapped


def settings_with(*, corpus: Path | None = None, index: Path | None = None, **changes: Any) -> Settings:
    """Return the settings of the environment, with what a command's options say instead where they say it."""
    given = {"corpus_dir": corpus, "index_dir": index, **changes}
    return read_settings().model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show stages on stderr as they are reported: the stage's name, how much is done, how much there is."""
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description:<20}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=stderr(), transient=True
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


def say(text: str, facts: dict[str, Any], *, as_json: bool) -> None:
    """Print a result: its sentence for a person, its facts for a program."""
    if as_json:
        print_json(facts)
    else:
        stdout().print(text, markup=False, highlight=False, soft_wrap=True)


def warn(warnings: Iterable[str]) -> None:
    """Print what an editor should look at."""
    for warning in warnings:
        stderr().print(f"look at: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one JSON value on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
