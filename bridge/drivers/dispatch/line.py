"""Places a call and waits for the dialplan's first word on it. One `Line` is one connection to the PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from bridge.drivers.dispatch.request import Call, question_of
from bridge.drivers.dispatch.way import Heard, Report, Started, Way
from bridge.errors import Permanent, ProtocolError, Retryable, Unreachable
from bridge.model import Clock

CONNECT_WITHIN: Final = 5.0
"""Seconds that calls may wait for the first attempt to log in."""
REPORT_WITHIN: Final = 3.0
"""Seconds until the dialplan must have reported what it does with a call; it takes some 20 ms."""
AFTER_FAILURE: Final = 0.3
"""Seconds by which the report may come behind the outcome: the PBX sends them on different ways."""

REPORTS: Final = MappingProxyType(
    {
        "SOSTier": "the PBX rings dispatch",
        "SOSTold": "the PBX knows that somebody has it",
        "SOSRepeated": "the PBX had started it already",
        "SOSAsked": "the PBX was asked",
    }
)
"""UserEvents that answer a delivery, and what each proves."""
_NOTHING_DONE: Final = MappingProxyType(
    {
        "taken": "nobody is rung: {who} has it",
        "over": "nobody is rung: the call is over",
        "redialled": "nothing was changed: the phone has called again since",
    }
)
"""`Why` of SOSTold."""


def proof_of(report: Report) -> str:
    """Return what this answer to a delivery proves."""
    if nothing := _NOTHING_DONE.get(report.fields.get("why", "")):
        return nothing.format(who=report.fields.get("by") or "somebody")
    tier = report.fields.get("tier")
    return REPORTS[report.name] + (f", tier {tier}" if tier else "")


class Line:
    """open_way: makes the connection, which hands every report to what it is given. It connects on first use.

    name: the driver's; it begins error texts.
    """

    def __init__(self, name: str, open_way: Callable[[Heard], Way], clock: Clock) -> None:
        self.way = open_way(self._heard)
        self._name = name
        self._clock = clock
        self._reports: dict[str, asyncio.Future[Report]] = {}
        self._running: asyncio.Task[None] | None = None

    @property
    def used(self) -> bool:
        """Whether it keeps its connection up already."""
        return self._running is not None

    async def open(self) -> None:
        """Bring the connection up if it was never used. Raises Unreachable.

        Only the first attempt is waited for. Who would wait for a link that is lost could ring when it is
        back, although somebody has the SOS by then.
        """
        if self._running is None:
            self._running = asyncio.create_task(self.way.run(), name=self.way.name)
        end = self._clock.monotonic() + CONNECT_WITHIN
        while not self.way.state.up:
            if not self.way.state.untried or self._clock.monotonic() >= end:
                raise Unreachable(f"{self.way.name}: {self.way.state.why}")
            await self._clock.sleep(0.02)

    async def close(self) -> None:
        """End the connection. Calls go on."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def is_known(self, delivery_id: str) -> bool:
        """Ask the dialplan whether it has started this delivery. Raises Retryable when it does not say."""
        report = await self.report_of(question_of(delivery_id), delivery_id)
        if report is None:
            raise Retryable(f"{self._name}: the PBX does not say whether it rang: nothing was repeated")
        return report.fields.get("known") == "yes"

    async def report_of(self, call: Call, delivery_id: str) -> Report | None:
        """Place a call and return what the dialplan reports about it; None if it says nothing in time.

        Raises as `Way.start`; Retryable when the call failed before the dialplan said anything, Uncertain
        when the connection ended.
        """
        report = self._reports[delivery_id] = asyncio.get_running_loop().create_future()
        try:
            return await self._first_word(report, await self.way.start(call))
        except ProtocolError as error:
            raise Permanent(f"{self._name}: the call cannot be asked for: {error}") from error
        finally:
            del self._reports[delivery_id]

    def _heard(self, report: Report) -> None:
        waiting = self._reports.get(report.delivery)
        if report.name in REPORTS and waiting is not None and not waiting.done():
            waiting.set_result(report)

    async def _first_word(self, report: asyncio.Future[Report], call: Started) -> Report | None:
        outcome = asyncio.create_task(_outcome_of(call))
        try:
            either: set[asyncio.Future[Any]] = {report, outcome}
            await asyncio.wait(either, timeout=REPORT_WITHIN, return_when="FIRST_COMPLETED")
            if not report.done() and outcome.done():
                await asyncio.wait({report}, timeout=AFTER_FAILURE)
            if report.done():
                return report.result()
            _raise_what_became_of(outcome, self._name)
            return None
        finally:
            outcome.cancel()
            await asyncio.gather(outcome, return_exceptions=True)


async def _outcome_of(call: Started) -> None:
    await call.outcome(timeout=2 * REPORT_WITHIN)


def _raise_what_became_of(outcome: asyncio.Task[None], name: str) -> None:
    """Raise why the dialplan never mentioned a call; return when that is not known either."""
    error = outcome.exception() if outcome.done() else None
    if isinstance(error, Permanent):
        raise Retryable(f"{name}: {error}; is the dialplan pack loaded?") from error
    if error is not None:  # the connection is gone: it may be ringing
        raise error
