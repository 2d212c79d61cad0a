"""One TCP connection to a module or PLC that speaks Modbus/TCP: a question goes out, an answer or an error.

Called by the `modbus` driver. pymodbus does the wire; this file decides what each of its two kinds of failure
means: a refusal comes back as a response, silence and lost connections are raised. One request is on its way
at a time, because many modules allow few connections and no second question.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU

from bridge.errors import DeliveryError, Retryable, Uncertain, Unreachable
from bridge.model import Clock
from bridge.protocols.modbus_words import Request, refusal_of

# What it logs, this file raises; its lines would tell everything twice.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

ENDED: Final = "the connection ended before the answer came"

_Ask = Callable[[AsyncModbusTcpClient], Coroutine[None, None, ModbusPDU]]


@dataclass(slots=True)
class _Connection:
    """A connected client; `lost` is set when the other side ends it."""

    client: AsyncModbusTcpClient
    lost: asyncio.Event
    used: bool = False
    """Whether something was answered on it before."""


class _Gone(Exception):
    """The connection ended before the answer came."""


class ModbusLink:
    """The way to one module.

    timeout: seconds to connect, and seconds to wait for each answer. name: begins every error text.
    """

    def __init__(self, host: str, port: int, *, timeout: float, name: str, clock: Clock) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout
        self._name = name
        self._clock = clock
        self._turn = asyncio.Lock()
        self._connection: _Connection | None = None
        self._closed = False

    async def read(self, code: int, address: int, *, unit: int, deadline: float | None = None) -> bool:
        """Return one coil (function code 1) or discrete input (2). Modbus application protocol 6.1, 6.2.

        address: as it goes over the wire, from 0. deadline: UTC epoch seconds.
        Raises Unreachable, Retryable or Permanent.
        """
        request = Request(code, address, unit)

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            if code == 1:
                return await client.read_coils(address, count=1, device_id=unit)
            return await client.read_discrete_inputs(address, count=1, device_id=unit)

        answer = await self._ask(request, ask, deadline)
        if not answer.bits:
            raise self._unusable(request, "the answer holds no bit")
        return bool(answer.bits[0])

    async def write(
        self, code: int, address: int, *, on: bool, unit: int, deadline: float | None = None
    ) -> None:
        """Set one coil, by function code 5 (one coil) or 15 (several). Same source, 6.5 and 6.11.

        Raises Unreachable or Retryable (nothing was switched), Permanent, or Uncertain (it may be).
        """

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            if code == 5:
                return await client.write_coil(address, on, device_id=unit)
            return await client.write_coils(address, [on], device_id=unit)

        await self._ask(Request(code, address, unit), ask, deadline)

    async def close(self) -> None:
        """End the connection, and with it whatever still waits for an answer. Nothing is sent any more."""
        self._closed = True
        self._drop()

    async def _ask(self, request: Request, ask: _Ask, deadline: float | None) -> ModbusPDU:
        """Send a request when it is its turn, and return its answer."""
        async with self._turn:
            try:
                return await self._answer(request, ask, deadline)
            finally:
                if self._closed:  # it may have been while this was connecting
                    self._drop()

    async def _answer(self, request: Request, ask: _Ask, deadline: float | None) -> ModbusPDU:
        """Ask over the connection there is, else over a new one.

        One that was quiet may have ended without a word, as when the module was restarted. All that is asked
        here can be asked twice: then it is, once.
        """
        connection = self._living() or await self._connect(request, deadline)
        try:
            return await self._exchange(connection, request, ask, deadline)
        except _Gone as gone:
            if not connection.used or self._closed:
                raise self._no_answer(request, str(gone)) from None
        try:
            return await self._exchange(await self._connect(request, deadline), request, ask, deadline)
        except _Gone as gone:
            raise self._no_answer(request, str(gone)) from None
        except Retryable as error:
            if not request.writes:
                raise
            raise self._no_answer(request, f"{ENDED}; again: {error}") from error

    def _living(self) -> _Connection | None:
        connection = self._connection
        return connection if connection is not None and connection.client.connected else None

    async def _connect(self, request: Request, deadline: float | None) -> _Connection:
        self._drop()
        budget = self._budget(request, deadline)
        lost = asyncio.Event()
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            timeout=2 * self._timeout,  # ours comes first: it knows the deadline
            retries=0,
            reconnect_delay=0,
            trace_connect=lambda connected: None if connected else lost.set(),
        )
        try:
            async with asyncio.timeout(budget):
                connected = await client.connect()
        except TimeoutError:
            connected = False
        if not connected:
            raise Unreachable(f"{self._where}: no connection (refused, or not there within {budget:.2g} s)")
        self._connection = connection = _Connection(client, lost)
        return connection

    async def _exchange(
        self, connection: _Connection, request: Request, ask: _Ask, deadline: float | None
    ) -> ModbusPDU:
        """Ask, and return the answer, which is no refusal. Raises _Gone, and what `_answer` raises."""
        try:
            budget = self._budget(request, deadline)
            answer = await self._waited(connection, ask, budget)
        except ConnectionException:
            raise _Gone(ENDED) from None
        except ModbusException as error:
            raise self._no_answer(request, error.string) from error
        if answer is None:
            raise self._no_answer(request, f"no answer within {budget:.2g} s")
        connection.used = True
        return self._checked(request, answer)

    async def _waited(self, connection: _Connection, ask: _Ask, budget: float) -> ModbusPDU | None:
        """The answer, as soon as it is there, or None if there is none in time. Raises _Gone.

        pymodbus goes on waiting when the connection ends, so that is watched here.
        """
        answering = asyncio.ensure_future(ask(connection.client))
        ending = asyncio.ensure_future(connection.lost.wait())
        try:
            await asyncio.wait({answering, ending}, timeout=budget, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            if ending.done():
                raise _Gone(ENDED)
            return None
        finally:
            ending.cancel()
            if not answering.done():
                # What still came could be taken for the answer to something else.
                answering.cancel()
                self._drop()

    def _checked(self, request: Request, answer: ModbusPDU) -> ModbusPDU:
        if answer.isError():
            raise refusal_of(answer.exception_code, self._what(request))
        if answer.function_code != request.code:
            raise self._unusable(request, f"it answered something else (function {answer.function_code})")
        return answer

    def _budget(self, request: Request, deadline: float | None) -> float:
        """Seconds for the next step on the wire."""
        left = self._timeout if deadline is None else min(self._timeout, deadline - self._clock.now())
        if self._closed or left <= 0:
            why = "the link is closed" if self._closed else "no time left"
            raise Retryable(f"{self._what(request)}: not sent: {why}")
        return left

    def _no_answer(self, request: Request, why: str) -> DeliveryError:
        kind = Uncertain if request.writes else Unreachable
        return kind(f"{self._what(request)}: {why}")

    def _unusable(self, request: Request, why: str) -> DeliveryError:
        kind = Uncertain if request.writes else Retryable
        return kind(f"{self._what(request)}: {why}")

    def _what(self, request: Request) -> str:
        return f"{self._where}: {request}"

    @property
    def _where(self) -> str:
        return f"{self._name}: {self._host}:{self._port}"

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.client.close()
            self._connection.lost.set()
            self._connection = None
