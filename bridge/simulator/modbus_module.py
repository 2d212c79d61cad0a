"""A relay module that exists only here: coils behind Modbus/TCP, and what such modules do wrong.

pymodbus's server plays the protocol, this file the module; drills and tests use it. Addresses are from 0.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

READS: Final = frozenset({1, 2})
WRITES: Final = frozenset({5, 15})
COILS: Final = 1024
"""In each unit; an address beyond them is refused with exception 2."""
_LIKE: Final = {1: 2, 2: 1, 5: 15, 15: 5}
"""Function code -> another one whose answers look alike."""


class Fault(enum.Enum):
    """One way to go wrong. From `FROZEN` on nothing is done; the others come after it was."""

    SILENT = "never answer"
    RESET = "end the connection instead of answering"
    TRUNCATED = "end the connection within the answer"
    NONSENSE = "answer with a function that Modbus does not have"
    OTHER = "answer with another function"
    EMPTY = "answer without what was asked for"
    STALE = "answer as if to another request"
    FROZEN = "take the request and never answer"
    LIE = "say yes to a write"
    REFUSE = "answer with an exception"


_UNDONE: Final = frozenset({Fault.FROZEN, Fault.LIE, Fault.REFUSE})


@dataclass(frozen=True, slots=True)
class Access:
    """A request that arrived. values: of a write."""

    code: int
    address: int
    values: tuple[bool, ...] = ()
    unit: int = 1


class FakeModule:
    """Units with coils, each of which a discrete input shows too, on a free port of 127.0.0.1.

    A unit that is not there stays silent. Change what is public at any time.
    """

    def __init__(self, *, units: Iterable[int] = (1,), mirror: int = 0, lag: int = 0) -> None:
        self.units = frozenset(units)
        self.mirror = mirror
        """How far above its address a coil is read: 0x0200 at a WAGO 750 coupler."""
        self.lag = lag
        """Reads until a written coil shows."""
        self.fault: Fault | None = None
        self.only: frozenset[int] = READS | WRITES
        """Function codes that the fault is about."""
        self.exception: int = ExcCodes.DEVICE_BUSY
        """What `Fault.REFUSE` answers with."""
        self.lit: set[tuple[int, int]] = set()
        """(unit, coil) of every coil that is 1."""
        self.seen: list[Access] = []
        """Every request, refused ones too."""
        self.connections = 0
        """How many there were."""
        self.port = 0
        self._server: ModbusTcpServer | None = None
        self._late: dict[tuple[int, int], tuple[bool, int]] = {}
        """(unit, coil) -> what it will show, after how many reads."""

    @property
    def writes(self) -> list[Access]:
        return [access for access in self.seen if access.code in WRITES]

    async def start(self) -> None:
        """Be there; after the first time on the same port."""
        self._server = server = ModbusTcpServer(
            [self._device(unit) for unit in sorted(self.units)],
            address=("127.0.0.1", self.port),
            trace_packet=self._packet,
            trace_pdu=self._noted,
            trace_connect=self._connected,
        )
        await server.serve_forever(background=True)
        listener: Any = server.transport
        self.port = listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse every connection from now on, and end those there are."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus left it untyped
            self._server = None

    async def reboot(self) -> None:
        """Lose power and come back: every output is off."""
        await self.stop()
        self.lit.clear()
        await self.start()

    def hang_up(self) -> None:
        """End every connection, as modules do with idle ones."""
        if self._server is not None:
            for connection in self._server.active_connections.values():
                connection.transport.close()

    def _device(self, unit: int) -> SimDevice:
        bits = [SimData(0, values=[False] * COILS, datatype=DataType.BITS)]
        registers = [SimData(0, datatype=DataType.REGISTERS)]
        return SimDevice(
            unit, simdata=(bits, list(bits), registers, list(registers)), action=partial(self._access, unit)
        )

    async def _access(  # noqa: PLR0917  # as pymodbus calls it
        self,
        unit: int,
        code: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> None:
        """Called before pymodbus answers, from its `registers`; the truth is in `lit`."""
        undone = self.fault in _UNDONE and code in self.only
        if code in WRITES and values is not None and not undone:
            for coil, value in enumerate(values, address):
                self._set(unit, coil, value=bool(value))
        if code in READS:
            first = address // 16
            for register in range(first, first + count):
                bits = (self._shows(unit, 16 * register + bit) for bit in range(16))
                registers[register - start] = sum(shown << bit for bit, shown in enumerate(bits))

    def _set(self, unit: int, coil: int, *, value: bool) -> None:
        if self.lag:
            self._late[unit, coil] = (value, self.lag)
        elif value:
            self.lit.add((unit, coil))
        else:
            self.lit.discard((unit, coil))

    def _shows(self, unit: int, address: int) -> bool:
        """What is read at an address."""
        coil = (unit, address - self.mirror)
        shown = coil in self.lit
        if coil in self._late:
            value, reads = self._late.pop(coil)
            if reads > 1:
                self._late[coil] = (value, reads - 1)
            elif value:
                self.lit.add(coil)
            else:
                self.lit.discard(coil)
        return shown

    # --- the wire -----------------------------------------------------------------------------------

    def _connected(self, connected: bool) -> None:
        self.connections += connected

    def _noted(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            values = tuple(map(bool, pdu.bits)) if pdu.function_code in WRITES else ()
            self.seen.append(Access(pdu.function_code, pdu.address, values, pdu.dev_id))
        return pdu

    def _packet(self, sending: bool, data: bytes) -> bytes:
        """Turn an answer into what the fault makes of it. Header: 7 bytes, the last of them the unit's id."""
        if not sending:
            return data
        unit, code = data[6], data[7] & 0x7F
        if unit not in self.units:
            return b""
        if self.fault is None or code not in self.only:
            return data
        return self._spoilt(self.fault, data, code)

    def _spoilt(self, fault: Fault, data: bytes, code: int) -> bytes:
        spoilt = data
        match fault:
            case Fault.SILENT | Fault.FROZEN:
                spoilt = b""
            case Fault.RESET | Fault.TRUNCATED:
                asyncio.get_running_loop().call_soon(self.hang_up)
                spoilt = data[:9] if fault is Fault.TRUNCATED else b""
            case Fault.NONSENSE:
                spoilt = _frame(data, 0x63, 0)
            case Fault.OTHER:
                spoilt = _frame(data, _LIKE[code], *data[8:])
            case Fault.EMPTY:
                spoilt = _frame(data, code, 0)
            case Fault.STALE:
                other = (int.from_bytes(data[:2], "big") + 1000) % 0x10000
                spoilt = other.to_bytes(2, "big") + data[2:]
            case Fault.REFUSE:
                spoilt = _frame(data, code | 0x80, self.exception)
            case Fault.LIE:
                pass
        return spoilt


def _frame(like: bytes, *pdu: int) -> bytes:
    """The same transaction and unit with another content."""
    return like[:4] + (1 + len(pdu)).to_bytes(2, "big") + like[6:7] + bytes(pdu)
