"""What `sosbridge check` finds at a module. Called by the driver; switches nothing."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.drivers.modbus.settings import OutputSettings, state_of
from bridge.errors import DeliveryError, Unreachable
from bridge.model import Finding
from bridge.protocols.modbus import ModbusLink


async def findings(link: ModbusLink, name: str, outputs: Mapping[str, OutputSettings]) -> list[Finding]:
    """Read each output; of a unit that does not answer only once."""
    found: list[Finding] = []
    silent: set[int] = set()
    for output_name, output in outputs.items():
        if output.unit in silent:
            continue
        try:
            level, text = await _look_at(link, output)
        except Unreachable as error:
            silent.add(output.unit)
            found.append(Finding(level="error", subject=name, text=str(error)))
        except DeliveryError as error:
            text = f"output {output_name} cannot be read back: {error}"
            found.append(Finding(level="error", subject=name, text=text))
        else:
            found.append(Finding(level=level, subject=name, text=f"output {output_name} {text}"))
    return found


async def _look_at(link: ModbusLink, output: OutputSettings) -> tuple[str, str]:
    """Return the level and text of what is found. Raises DeliveryError."""
    if output.read_code:
        bit = await link.read(output.read_code, output.read_address, unit=output.unit)
        return "ok", f"is {state_of(lit=output.is_lit(bit))}"
    try:
        await link.read(1, output.coil, unit=output.unit)
    except Unreachable:
        raise
    except DeliveryError:
        pass  # a refusal is an answer too, and that is all that is asked for here
    return "warning", "is not read back (read_code: 0): that it switches is never verified"
