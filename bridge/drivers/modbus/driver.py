"""Switches beacons and horns on and off, and reads back whether they are.

Writing a coil twice is the same as once: what is in doubt is simply written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.drivers.modbus.checks import findings
from bridge.drivers.modbus.settings import Config, OutputSettings, state_of
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain, Unreachable
from bridge.model import (
    Capability,
    Clock,
    Delivery,
    DeliveryState,
    Finding,
    Operation,
    Receipt,
    Targets,
)
from bridge.protocols.modbus import ModbusLink

ASK_EVERY: Final = 0.05
"""Seconds between two questions whether an output has followed."""
_LIT: Final = MappingProxyType({Operation.BEACON_ON: True, Operation.BEACON_OFF: False})

CAPABILITIES: Final[Mapping[Operation, Capability]] = MappingProxyType(
    {
        operation: Capability.REPEATABLE if operation in _LIT else Capability.IMPOSSIBLE
        for operation in Operation
    }
)


class Driver:
    """One module. See `bridge.model.Driver`; targets are the names of its outputs."""

    capabilities = CAPABILITIES

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        del targets  # of cameras and consoles; a module has outputs
        self.name = name
        self._outputs = config.outputs
        self._settle = config.settle
        self._clock = clock
        self._refused: set[str] = set()
        """Outputs whose last write was refused for good."""
        self._link = ModbusLink(config.host, config.port, timeout=config.timeout, name=name, clock=clock)

    async def perform(self, delivery: Delivery) -> Receipt:
        """Write the coil, and read it back."""
        lit = _LIT.get(delivery.operation)
        if lit is None:
            raise Permanent(f"{self.name}: a Modbus module has nothing for {delivery.operation}")
        output = self._outputs.get(delivery.target)
        if output is None:
            there = ", ".join(self._outputs)
            raise Permanent(f"{self.name} has no output {delivery.target!r}; there is {there}")
        try:
            await self._write(delivery, output, lit=lit)
        except Permanent:
            self._refused.add(delivery.target)
            raise
        self._refused.discard(delivery.target)
        return await self._read_back(delivery, output, lit=lit)

    async def check(self) -> list[Finding]:
        """Read every output. Nothing is switched."""
        return await findings(self._link, self.name, self._outputs)

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Whether the lamp is still lit: a restart of the module, or its watchdog, drops every output.

        One that could not be lit at all is not told as off: every few seconds it would be tried in vain.
        """
        output = self._outputs.get(target)
        if operation is not Operation.BEACON_ON or output is None or target in self._refused:
            return None
        if not output.read_code:
            return None
        try:
            return await self._is_lit(output)
        except DeliveryError:
            return None

    async def close(self) -> None:
        await self._link.close()

    async def _write(self, delivery: Delivery, output: OutputSettings, *, lit: bool) -> None:
        await self._link.write(
            output.write_code,
            output.coil,
            on=output.coil_for(lit=lit),
            unit=output.unit,
            deadline=delivery.deadline,
        )

    async def _read_back(self, delivery: Delivery, output: OutputSettings, *, lit: bool) -> Receipt:
        """Ask until the output shows what was written. An output that cannot be asked is ACCEPTED."""
        taken = f"coil {output.coil} of unit {output.unit} was written"
        if not output.read_code:
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=f"{taken}; it cannot be read back")
        until = self._clock.monotonic() + self._settle
        try:
            while await self._is_lit(output, delivery.deadline) is not lit:
                if self._clock.monotonic() >= until:
                    raise Retryable(
                        f"{self.name}: {taken}, but {delivery.target} is still {state_of(lit=not lit)}"
                    )
                await self._clock.sleep(ASK_EVERY)
        except Permanent as error:
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=f"{taken}; it cannot be read back: {error}")
        except Unreachable as error:
            raise Uncertain(f"{self.name}: {taken}, and then: {error}") from error
        return Receipt(
            outcome=DeliveryState.VERIFIED, proof=f"{delivery.target} was read back as {state_of(lit=lit)}"
        )

    async def _is_lit(self, output: OutputSettings, deadline: float | None = None) -> bool:
        bit = await self._link.read(
            output.read_code, output.read_address, unit=output.unit, deadline=deadline
        )
        return output.is_lit(bit)
