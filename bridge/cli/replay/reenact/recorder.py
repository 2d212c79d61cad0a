"""What stands in for a system that nobody simulates: it says what would have been sent, and sends nothing.

Like a module of `bridge.drivers` it has `Config`, `Driver` and what the configuration asks of them; `site`
puts it in the place of the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from bridge.errors import Permanent
from bridge.model import Capability, Clock, Delivery, DeliveryState, Finding, Operation, Receipt, Targets


class Config(BaseModel):
    """What the real driver can do and reads back, so that the bridge plans the same."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    capabilities: Mapping[Operation, Capability]
    proofs: Mapping[Operation, str] = {}
    beacons: tuple[str, ...] = ()
    words: Callable[[Delivery], str]
    """What would have been sent, for a person."""


class Driver:
    """See `bridge.model.Driver`. What is recorded counts as its system would answer at best."""

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        del targets, clock  # nothing is there, and nothing takes time
        self.name = name
        self.capabilities = config.capabilities
        self._config = config

    async def perform(self, delivery: Delivery) -> Receipt:
        """Say what would have been sent; verified is what the real driver reads back."""
        if self.capabilities.get(delivery.operation, Capability.IMPOSSIBLE) is Capability.IMPOSSIBLE:
            raise Permanent(f"{self.name} cannot {delivery.operation}")
        known = delivery.operation in self._config.proofs
        return Receipt(
            outcome=DeliveryState.VERIFIED if known else DeliveryState.ACCEPTED,
            proof=f"not sent: {self._config.words(delivery)}",
        )

    async def check(self) -> list[Finding]:
        return [Finding(level="ok", subject=self.name, text="recorded only: an exercise")]

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Nothing is on that could be asked."""
        del operation, target
        return None

    async def close(self) -> None:
        """There is nothing to close."""


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    return config.capabilities


def proofs_of(config: Config) -> Mapping[Operation, str]:
    return config.proofs


def beacons_of(config: Config) -> Iterable[str]:
    return config.beacons
