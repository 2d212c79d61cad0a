"""Routes structlog and `logging` (uvicorn, panoramisk, SQLAlchemy, Alembic) into one `Sink`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from datetime import tzinfo
from functools import partial
from typing import Final, Literal, TextIO

import structlog

from bridge.model import Clock
from bridge.supervision.logs.lines import as_json, as_text
from bridge.supervision.logs.safety import LogScrubber
from bridge.supervision.logs.sink import Sink

Style = Literal["auto", "text", "json"]

OURS: Final = "bridge"
LIBRARIES: Final[Mapping[str, int]] = {
    # Below these they print what they send and receive: an AMI login with its secret, bound SQL values.
    "panoramisk": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "urllib3": logging.WARNING,
    "asyncio": logging.WARNING,
    # At info they announce themselves.
    "uvicorn": logging.WARNING,
    "alembic": logging.INFO,
}
"""The least severe line of each that is ever written, whatever our own level is."""


class Logs:
    """The configured logs. `close` writes what waits and gives `logging` and structlog back as they were."""

    def __init__(self, sink: Sink, scrubber: LogScrubber, levels: Mapping[str | None, int]) -> None:
        self._sink = sink
        self._levels = levels
        self.scrubber = scrubber
        """`scrubber.conceal(secret)` removes a secret from every later line, wherever it stands."""

    def close(self) -> None:
        logging.getLogger().removeHandler(self._sink)
        self._sink.close()
        logging.captureWarnings(False)
        structlog.reset_defaults()
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)


def configure(
    clock: Clock,
    *,
    level: str = "info",
    style: Style = "auto",
    zone: tzinfo | None = None,
    stream: TextIO | None = None,
    scrubber: LogScrubber | None = None,
) -> Logs:
    """Write log lines to `stream` (stderr) from now on; close the `Logs` of an earlier call first.

    level: `debug`, `info`, `warning` or `error`; libraries stay at their own level if that is higher.
    style: `auto` is text on a terminal and JSON elsewhere.
    zone: of the times in text lines; None for that of this machine. JSON is in UTC.
    scrubber: give that of the earlier `Logs` to keep the secrets it knows.
    """
    stream = sys.stderr if stream is None else stream
    scrubber = scrubber or LogScrubber()
    terminal = _is_terminal(stream)
    text = style == "text" or (style == "auto" and terminal)
    shape = partial(as_text, zone=zone, colours=terminal and _wants_colours()) if text else as_json
    sink = Sink(stream, clock, shape, scrubber, priorities=_is_journal(stream))
    levels = _set_levels(logging.getLevelNamesMapping()[level.upper()])
    logging.getLogger().addHandler(sink)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Loggers made before this call, at import, must follow it, and a later call too.
        cache_logger_on_first_use=False,
    )
    return Logs(sink, scrubber, levels)


def _set_levels(level: int) -> dict[str | None, int]:
    """Set the levels; return those that were."""
    wanted: dict[str | None, int] = {None: max(level, logging.INFO), OURS: level}
    wanted |= {name: max(level, floor) for name, floor in LIBRARIES.items()}
    before = {name: logging.getLogger(name).level for name in wanted}
    for name, value in wanted.items():
        logging.getLogger(name).setLevel(value)
    return before


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _wants_colours() -> bool:
    """See https://no-color.org."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("", "dumb")


def _is_journal(stream: TextIO) -> bool:
    """Whether journald reads the stream: systemd.exec(5), JOURNAL_STREAM=device:inode."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"
