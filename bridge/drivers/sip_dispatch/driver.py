"""Asks the bridge's own exchange to ring dispatch, and says what the exchange says.

The exchange remembers each delivery over a restart and does none twice, so a doubtful one is simply asked for
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from bridge.b2bua.effects import Outcome, Report
from bridge.b2bua.inputs import Notify, Recall, Taken
from bridge.drivers.sip_dispatch.request import command_of
from bridge.drivers.sip_dispatch.settings import Config
from bridge.errors import Permanent, Unreachable
from bridge.model import (
    Capability,
    Clock,
    Delivery,
    DeliveryState,
    Finding,
    Operation,
    Receipt,
    Targets,
    TriggerStatus,
)

WORDS: Final = MappingProxyType(
    {
        Outcome.RINGS: "the exchange rings dispatch",
        Outcome.TOLD: "the exchange knows that somebody has it",
        Outcome.KNOWN: "nothing had to be done",
    }
)


class Exchange(Protocol):
    """The running exchange: `triggers.sip.Trigger` is one."""

    @property
    def status(self) -> TriggerStatus: ...

    async def command(self, what: Notify | Recall | Taken) -> Report:
        """Do what a delivery asks for, once. Raises Unreachable while it does not run, Retryable."""


class Driver:
    """The dispatch groups of one exchange. See `bridge.model.Driver`.

    exchange: the live one; None where `sosbridge check` makes the driver without a bridge.
    """

    capabilities: Mapping[Operation, Capability] = MappingProxyType(
        {
            operation: Capability.REPEATABLE if operation is Operation.NOTIFY else Capability.IMPOSSIBLE
            for operation in Operation
        }
    )

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        targets: Targets,
        clock: Clock,
        exchange: Exchange | None = None,
    ) -> None:
        del config  # the app finds the exchange by its `pbx`
        del targets  # of cameras and consoles; dispatch has none
        del clock  # the exchange has its own times
        self.name = name
        self._exchange = exchange

    async def perform(self, delivery: Delivery) -> Receipt:
        """Let the exchange do it. VERIFIED is what it knows of itself.

        That it begins to ring is ACCEPTED only: nobody's telephone may be there.
        """
        if delivery.operation is not Operation.NOTIFY:
            raise Permanent(f"{self.name}: dispatch cannot {delivery.operation}")
        if self._exchange is None:
            raise Unreachable(f"{self.name}: there is no exchange of type `sip` to ring dispatch")
        report = await self._exchange.command(command_of(delivery))
        if report.outcome is Outcome.IMPOSSIBLE:
            raise Permanent(f"{self.name}: {report.text}")
        proof = f"{WORDS[report.outcome]}: {report.text}"
        rings = report.outcome is Outcome.RINGS
        outcome = DeliveryState.ACCEPTED if rings else DeliveryState.VERIFIED
        return Receipt(outcome=outcome, proof=proof, reference=delivery.id)

    async def check(self) -> list[Finding]:
        """Say whether the exchange runs."""
        if self._exchange is None:
            return [Finding(level="ok", subject=self.name, text="rung by the exchange of the running bridge")]
        status = self._exchange.status
        if status.up:
            return [Finding(level="ok", subject=self.name, text="the exchange runs")]
        return [Finding(level="error", subject=self.name, text=f"the exchange is down: {status.text}")]

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """A call is not held."""
        del operation, target  # nothing else is done here
        return None

    async def close(self) -> None:
        """Nothing is ours to close: calls and exchange go on."""
