import json
import subprocess
import sys

#: Run apart: loggers keep what they were first set up with for as long as the process lives.
_PROGRAM = """
import logging, structlog, sys
from service.logs import configure_logs
configure_logs(name_process={name_process})
{lines}
"""


def logged(lines: str, *, name_process: bool = False) -> list[dict[str, object]]:
    """Return what a process writes to stderr, one object a line; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(lines=lines, name_process=name_process)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_our_own_lines_and_those_of_libraries_are_objects_of_one_form() -> None:
    ours, theirs = logged(
        "structlog.get_logger('a').info('über uns', count=2)\nlogging.getLogger('b').warning('of %s', 'theirs')",
        name_process=True,
    )

    assert {**ours, "timestamp": 0, "pid": 0} == {
        "event": "über uns",
        "count": 2,
        "level": "info",
        "timestamp": 0,
        "pid": 0,
    }
    assert (theirs["event"], theirs["level"]) == ("of theirs", "warning")
    assert ours.keys() - {"count"} == theirs.keys()


def test_what_is_only_for_debugging_is_left_out_and_a_failure_brings_its_traceback() -> None:
    [line] = logged(
        "log = structlog.get_logger('a')\nlog.debug('left out')\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    log.error('failed', exc_info=error)"
    )

    assert "ZeroDivisionError" in str(line["exception"])


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    say = "structlog.get_logger('a').info('lost')"
    # What Python itself makes of such a stream at the end is no concern of ours.
    rest = f"{say}\n{say}\nimport os\nos._exit(0)"

    assert logged(f"sys.stderr = open('/dev/full', 'w')\n{rest}") == []
    assert logged(f"sys.stderr.close()\n{rest}") == []
