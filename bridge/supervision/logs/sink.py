"""Where every log line of the process ends: made safe, limited, shaped and written. Called by `logging`.

Lines come from structlog (`record.msg` is a dict, see `setup`) and from libraries (`record.msg` is a
format). Logging never raises into the code that logs, and never waits for the reader.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, TextIO

from bridge.model import Clock, Tier
from bridge.supervision.logs.lines import Line
from bridge.supervision.logs.noise import NoiseLimit
from bridge.supervision.logs.safety import LogScrubber
from bridge.supervision.logs.writer import LineWriter

Shape = Callable[[Line], str]

_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""syslog(3) levels, as journald reads them in front of a line (sd-daemon(3))."""
_NO_FACTS: Final = frozenset({"event", "exc_info", "stack_info", "positional_args"})
_MOST_TRACE: Final = 200
"""Lines of one traceback; of a longer one the last are written."""


class Sink(logging.Handler):
    """shape: `lines.as_json` or `lines.as_text`. priorities: put journald's level in front of each line."""

    def __init__(
        self, stream: TextIO, clock: Clock, shape: Shape, scrubber: LogScrubber, *, priorities: bool
    ) -> None:
        super().__init__()
        self._writer = LineWriter(stream, clock)
        self._clock = clock
        self._shape = shape
        self._scrubber = scrubber
        self._priorities = priorities
        self._noise = NoiseLimit()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, unless it is one too many of its kind. A line of an incident always is."""
        try:
            self._report_missing(self._clock.monotonic())
            precious = _is_precious(record)
            if precious or self._noise.admit(_kind(record)):
                self._write(self._line(record), precious=precious)
        except Exception as error:  # a value whose repr fails must not fail the SOS that logs it
            self._write(self._complaint(record, error), precious=True)

    def close(self) -> None:
        self._report_missing(float("inf"))
        self._writer.close()
        super().close()

    # --- record -> line -----------------------------------------------------------------------------

    def _line(self, record: logging.LogRecord) -> Line:
        said: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {"event": record.getMessage()}
        scrubber = self._scrubber
        return Line(
            at=self._clock.now(),
            level=record.levelname.lower(),
            logger=record.name,
            event=scrubber.text(str(said.get("event", ""))),
            facts={
                scrubber.text(key): scrubber.fact(key, value)
                for key, value in said.items()
                if key not in _NO_FACTS
            },
            trace=self._trace(said.get("exc_info") or record.exc_info),
        )

    def _trace(self, given: object) -> list[str]:
        """Return the traceback's lines, indentation kept, each without secrets. No local variables."""
        error = _exception(given)
        if error is None:
            return []
        text = "".join(traceback.format_exception(error))
        lines = text.rstrip("\n").split("\n")[-_MOST_TRACE:]
        return [" " * (len(line) - len(line.lstrip())) + self._scrubber.text(line.lstrip()) for line in lines]

    def _complaint(self, record: logging.LogRecord, error: Exception) -> Line:
        facts = {"said_by": record.name, "error": type(error).__name__}
        return self._own("error", "a log line could not be written", facts)

    def _own(self, level: str, event: str, facts: dict[str, Any]) -> Line:
        return Line(at=self._clock.now(), level=level, logger=__name__, event=event, facts=facts)

    # --- out ----------------------------------------------------------------------------------------

    def _report_missing(self, now: float) -> None:
        """Say how many lines nobody will see: too many of a kind, or not read in time."""
        if lost := self._writer.take_lost():
            self._write(self._own("warning", "lines lost", {"unread": lost}), precious=True)
        for kind, count in self._noise.turn(now):
            facts = {"kind": self._scrubber.text(kind), "suppressed": count}
            self._write(self._own("warning", "lines suppressed", facts), precious=True)

    def _write(self, line: Line, *, precious: bool) -> None:
        text = self._shape(line)
        if self._priorities:
            mark = f"<{_PRIORITIES.get(line.level, 6)}>"
            text = "\n".join(mark + part for part in text.split("\n"))
        self._writer.write(text, precious=precious)


def _is_precious(record: logging.LogRecord) -> bool:
    """Whether the line belongs to an incident or an SOS: those are never suppressed."""
    facts = record.msg
    return isinstance(facts, dict) and (bool(facts.get("incident")) or facts.get("tier") == Tier.EMERGENCY)


def _kind(record: logging.LogRecord) -> str:
    """What makes lines alike: who says it, the constant words, and about what."""
    said = record.msg
    if isinstance(said, dict):
        about = said.get("subject") or said.get("link") or said.get("driver") or said.get("part") or ""
        return f"{record.name}: {said.get('event')} {about}".rstrip()
    return f"{record.name}: {said}"


def _exception(given: object) -> BaseException | None:
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, TracebackType() | None):
            return error
        case True:
            return sys.exc_info()[1]
    return None
