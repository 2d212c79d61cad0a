"""Logs into memory, read back. Used by the tests of this folder."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.supervision.logs import Logs, configure
from tests.fake_clock import FakeClock

BERLIN = ZoneInfo("Europe/Berlin")


class Written:
    """What was logged since the start. `lines` of text, or `objects` of JSON."""

    def __init__(self, clock: FakeClock, **options: Any) -> None:
        self.clock = clock
        self._stream = options.pop("stream", None) or io.StringIO()
        self.logs: Logs = configure(clock, stream=self._stream, **options)

    @property
    def text(self) -> str:
        written: str = self._stream.getvalue()
        return written

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.split("\n") if line]


LogTo = Callable[..., Written]


@pytest.fixture
def log_to(clock: FakeClock) -> Iterator[LogTo]:
    """`log_to(style="json", level="debug")` configures the logs; the test's end gives them back."""
    opened: list[Written] = []

    def start(**options: Any) -> Written:
        options.setdefault("zone", BERLIN)
        opened.append(Written(clock, **options))
        return opened[-1]

    yield start
    for written in opened:
        written.logs.close()
