"""Starts the dialplan pack's calls by AMI Originate, and believes only what the dialplan reports back.

The dialplan owns the calls: killing the bridge right after the Originate was queued changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.drivers.dispatch.request import Pairs, originate_headers, question_headers
from bridge.drivers.dispatch.settings import Config
from bridge.errors import DeliveryError, Permanent, ProtocolError, Retryable, Unreachable
from bridge.model import Capability, Clock, Delivery, DeliveryState, Finding, Operation, Receipt, Targets
from bridge.protocols.ami import Message
from bridge.protocols.ami_link import Link, Originated, Refused, Session, connect

CONNECT_WITHIN: Final = 5.0
"""Seconds the first call may wait for the login."""
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


class Driver:
    """The dispatch groups of one PBX. See `bridge.model.Driver`."""

    capabilities: Mapping[Operation, Capability] = MappingProxyType(
        {
            operation: Capability.ASK_FIRST if operation is Operation.NOTIFY else Capability.IMPOSSIBLE
            for operation in Operation
        }
    )

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        targets: Targets,  # noqa: ARG002  # of cameras; dispatch has none
        clock: Clock,
    ) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self._config = config
        self._clock = clock
        self._account = config.account(config.originate)
        self._link = Link(self._account, clock=clock, name=f"dispatch/{name}")
        self._reports: dict[str, asyncio.Future[Message]] = {}
        self._running: asyncio.Task[None] | None = None

    async def perform(self, delivery: Delivery) -> Receipt:
        """Start the call, or, after a doubtful attempt, find out first whether it was started.

        VERIFIED when the dialplan itself reports this delivery, ACCEPTED when the PBX only queued it.
        """
        if delivery.operation is not Operation.NOTIFY:
            raise Permanent(f"{self.name}: dispatch cannot {delivery.operation}")
        headers = originate_headers(delivery, self._config)
        await self._logged_in()
        if delivery.doubtful and await self._is_known(delivery.id):
            return _verified("an earlier attempt had started it")
        return await self._start(headers, delivery.id)

    async def check(self) -> list[Finding]:
        """Log in with both accounts and make the dialplan answer a question, which rings nobody."""
        findings = [await self._try_login("heartbeat", self._config.account(self._config.heartbeat))]
        try:
            await self._logged_in()
            await self._is_known("check")
        except (DeliveryError, ProtocolError) as error:
            return [*findings, Finding(level="error", subject=f"{self.name}/originate", text=str(error))]
        text = f"{self._account.username} may start calls, and the dialplan pack answers"
        return [*findings, Finding(level="ok", subject=f"{self.name}/originate", text=text)]

    async def still_held(self, operation: Operation, target: str) -> bool | None:  # noqa: ARG002
        """A call is not held."""
        return None

    async def close(self) -> None:
        """End the connection. Calls go on."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    # --- the connection -----------------------------------------------------------------------------

    async def _logged_in(self) -> None:
        """Bring the link up if it was never used. Raises Unreachable."""
        if self._running is None:
            self._running = asyncio.create_task(self._link.run(self._read), name=self._link.name)
        end = self._clock.monotonic() + CONNECT_WITHIN
        while not self._link.state.up:
            if self._link.state.refused or self._clock.monotonic() >= end:
                raise Unreachable(f"{self._link.name}: {self._link.state.why}")
            await self._clock.sleep(0.02)

    async def _read(self, session: Session) -> None:
        async for message in session.events():
            if message.get("UserEvent") in REPORTS:
                waiting = self._reports.get(message.get("Delivery"))
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)

    async def _try_login(self, what: str, account: object) -> Finding:
        subject = f"{self.name}/{what}"
        try:
            session = await connect(account, clock=self._clock)  # type: ignore[arg-type]
        except DeliveryError as error:
            return Finding(level="error", subject=subject, text=str(error))
        await session.close()
        return Finding(level="ok", subject=subject, text="logs in")

    # --- one call -----------------------------------------------------------------------------------

    async def _is_known(self, delivery_id: str) -> bool:
        """Ask the dialplan whether it has started this delivery. Raises Retryable when it does not say."""
        report = await self._originate(question_headers(delivery_id), delivery_id, f"{delivery_id}-asked")
        if report is None:
            raise Retryable(f"{self.name}: the PBX does not say whether it rang: nothing was repeated")
        return report.get("Known") == "yes"

    async def _start(self, headers: Pairs, delivery_id: str) -> Receipt:
        report = await self._originate(headers, delivery_id, delivery_id)
        if report is None:
            proof = "the PBX queued the call; its dialplan has not reported"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=delivery_id)
        tier = report.get("Tier")
        return _verified(REPORTS[report.get("UserEvent")] + (f", tier {tier}" if tier else ""))

    async def _originate(self, headers: Pairs, delivery_id: str, action_id: str) -> Message | None:
        """Place a call and return what the dialplan reports about it; None if it says nothing in time."""
        report = self._reports[delivery_id] = asyncio.get_running_loop().create_future()
        try:
            call = await self._link.originate(headers, action_id=action_id)
            return await self._first_word(report, call)
        except ProtocolError as error:
            raise Permanent(f"{self.name}: the call cannot be asked for: {error}") from error
        finally:
            del self._reports[delivery_id]

    async def _first_word(self, report: asyncio.Future[Message], call: Originated) -> Message | None:
        outcome = asyncio.create_task(call.outcome(timeout=2 * REPORT_WITHIN))
        try:
            await asyncio.wait({report, outcome}, timeout=REPORT_WITHIN, return_when="FIRST_COMPLETED")
            if not report.done() and outcome.done():
                await asyncio.wait({report}, timeout=AFTER_FAILURE)
            if report.done():
                return report.result()
            _raise_what_became_of(outcome, self.name)
            return None
        finally:
            outcome.cancel()
            await asyncio.gather(outcome, return_exceptions=True)


def _raise_what_became_of(outcome: asyncio.Task[Message], name: str) -> None:
    """Raise why the dialplan never mentioned a call; return when that is not known either."""
    error = outcome.exception() if outcome.done() else None
    if isinstance(error, Refused):
        raise Retryable(f"{name}: {error}; is the dialplan pack loaded?") from error
    if error is not None:  # the connection is gone: it may be ringing
        raise error


def _verified(proof: str) -> Receipt:
    return Receipt(outcome=DeliveryState.VERIFIED, proof=proof)
