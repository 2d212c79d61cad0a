"""Starts the dialplan pack's calls, by AMI or ARI, and believes only what the dialplan reports back.

The dialplan owns the calls: killing the bridge right after one was asked for changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bridge.drivers.dispatch.line import Line, proof_of
from bridge.drivers.dispatch.request import Call, call_of
from bridge.drivers.dispatch.settings import Config
from bridge.drivers.dispatch.way import AlreadyThere
from bridge.drivers.dispatch.ways import TRIAL, TRIED_WITHIN, way_of_beats, way_of_calls
from bridge.errors import ConfigError, DeliveryError, Permanent, ProtocolError, Retryable
from bridge.model import (
    Capability,
    Clock,
    Delivery,
    DeliveryState,
    Finding,
    Operation,
    Receipt,
    Say,
    Targets,
)


class Driver:
    """The dispatch groups of one PBX. See `bridge.model.Driver`."""

    capabilities: Mapping[Operation, Capability] = MappingProxyType(
        {
            operation: Capability.ASK_FIRST if operation is Operation.NOTIFY else Capability.IMPOSSIBLE
            for operation in Operation
        }
    )

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        del targets  # of cameras and consoles; dispatch has none
        self.name = name
        self._config = config
        self._clock = clock
        self._line = self._new_line(f"dispatch/{name}")

    async def perform(self, delivery: Delivery) -> Receipt:
        """Start the call, or, after a doubtful attempt, find out first whether it was started.

        VERIFIED when the dialplan itself reports this delivery, ACCEPTED when the PBX only queued it.
        """
        if delivery.operation is not Operation.NOTIFY:
            raise Permanent(f"{self.name}: dispatch cannot {delivery.operation}")
        call = call_of(delivery, self._config)
        await self._line.open()
        if delivery.doubtful and await self._line.is_known(delivery.id):
            return _verified("an earlier attempt had started it")
        return await self._start(call)

    async def check(self) -> list[Finding]:
        """Make the dialplan take a trial beat, which notes nothing, and a question, which rings nobody."""
        heartbeat = await self._try_beat()
        if self._line.used or not self._line.way.exclusive:
            return [heartbeat, await self._ask(self._line)]
        # This may not be the process that performs, and must not end the connection of the one that does.
        line = self._new_line(f"dispatch/{self.name}/check")
        try:
            return [heartbeat, await self._ask(line)]
        finally:
            await line.close()

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """A call is not held."""
        del operation, target  # nothing else is done here
        return None

    async def close(self) -> None:
        """End the connection. Calls go on."""
        await self._line.close()

    def _new_line(self, name: str) -> Line:
        config, clock = self._config, self._clock
        return Line(self.name, lambda heard: way_of_calls(config, name=name, clock=clock, heard=heard), clock)

    async def _start(self, call: Call) -> Receipt:
        try:
            report = await self._line.report_of(call, call.id)
        except AlreadyThere as error:
            if await self._line.is_known(call.id):
                return _verified("an earlier attempt had started it")
            raise Retryable(f"{self.name}: {error}") from error
        if report is None:
            proof = "the PBX queued the call; its dialplan has not reported"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=call.id)
        return _verified(proof_of(report))

    async def _ask(self, line: Line) -> Finding:
        say = Say(f"{self.name}/{line.way.setting}")
        try:
            await line.open()
            await line.is_known("check")
        except (DeliveryError, ProtocolError) as error:
            return say.error(str(error))
        return say.ok(f"{line.way.username} may start calls, and the dialplan pack answers")

    async def _try_beat(self) -> Finding:
        say, name = Say(f"{self.name}/heartbeat"), f"heartbeat/{self.name}/check"
        try:
            way = way_of_beats(self._config, name=name, clock=self._clock)
        except ConfigError as error:
            return say.error(str(error))
        line = Line(self.name, lambda _heard: way, self._clock)
        try:
            await line.open()
            await (await way.start(TRIAL)).outcome(timeout=TRIED_WITHIN)
        except Permanent as error:
            return say.error(f"{error}; is the dialplan pack loaded?")
        except (DeliveryError, ProtocolError) as error:
            return say.error(str(error))
        finally:
            await line.close()
        return say.ok(f"{way.username} may prove the bridge alive, and the dialplan pack takes it")


def _verified(proof: str) -> Receipt:
    return Receipt(outcome=DeliveryState.VERIFIED, proof=proof)
