"""How log lines look: one line of JSON per event, on stderr."""

import logging
import os
import sys
from contextlib import suppress

import structlog


def configure_logs(*, name_process: bool = False) -> None:
    """Send our own log lines and the server's to stderr as JSON, with the process id if several write there."""
    shared: list[structlog.typing.Processor] = [
        *([_name_process] if name_process else []),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    as_json = structlog.processors.JSONRenderer(ensure_ascii=False)
    # Our own lines go straight to stderr: by way of logging's records each would cost four times as much.
    structlog.configure(
        processors=[*shared, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("sentence_transformers", "httpx", "bm25s"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Stderr:
    """Writes lines to stderr; one that cannot be written is lost, and not the request that it tells of."""

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a full disk; a stream that is closed
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    log = debug = info = warning = warn = error = err = critical = fatal = exception = msg


def _name_process(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {**event, "pid": os.getpid()}
