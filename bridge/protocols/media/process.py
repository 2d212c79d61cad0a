"""The media child as its parent sees it: started, asked, watched, ended. One `Process` is one life of it.

Called by `builtin`, which starts the next one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from typing import Any, Final, Self

from bridge.errors import ProtocolError, Retryable, Uncertain
from bridge.protocols.media import wire
from bridge.protocols.media.facade import MediaRefused
from bridge.protocols.media.settings import ChildSettings

START_TIMEOUT: Final = 5.0
ANSWER_TIMEOUT: Final = 2.0
"""Seconds. An answer takes about a millisecond; a prompt that must be read from disk a few more."""
PING_EVERY: Final = 2.0
QUIT_TIMEOUT: Final = 5.0
"""Seconds to say goodbye on every leg and to bring recordings to the disk."""

Message = dict[str, Any]


_LEFT_BEHIND: Final[list[asyncio.subprocess.Process]] = []
"""Those that are meant to outlive us: Python would warn of them as forgotten."""


class Process:
    """One running child. Made by `start`; `ended()` returns when it is gone, `stop` ends it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_event: Callable[[Message], None],
    ) -> None:
        self._process, self._reader, self._writer, self._on_event = process, reader, writer, on_event
        self._numbers = count(1)
        self._unsaid = bytearray()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._gone = False
        self.why = ""
        """Why it ended, once it has."""

    @classmethod
    async def start(cls, settings: ChildSettings, on_event: Callable[[Message], None]) -> Self:
        """Start one and wait until it says hello. Raises Retryable when it does not."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "bridge.protocols.media.child"),
                *(str(theirs.fileno()), json.dumps(asdict(settings))),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise Retryable(f"the media process does not start: {error}") from error
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=wire.MAX_LINE)
        started = cls(process, reader, writer, on_event)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                started._check_hello(await started._next())
        except (TimeoutError, ProtocolError, EOFError, OSError) as error:
            await started.kill()
            raise Retryable(f"the media process does not start: {error or 'no word from it'}") from error
        except BaseException:
            await started.kill()
            raise
        return started

    @property
    def pid(self) -> int:
        return self._process.pid

    async def serve(self) -> None:
        """Read what it says and watch that it answers, until it is gone; then `why` says why."""
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                self._take(await self._next())
        except (EOFError, OSError):
            self.why = self.why or "it ended"
        except ProtocolError as error:
            self.why = str(error)
        finally:
            watching.cancel()
            self._fail_waiting()

    async def ask(self, command: str, *, timeout: float = ANSWER_TIMEOUT, **fields: Any) -> Any:
        """Perform a command and return its result.

        Raises MediaRefused with the child's words, Retryable when it is gone, Uncertain without an answer.
        """
        if self._gone:
            raise Retryable("the media process is not running")
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._say({"id": number, "do": command, **fields})
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise Uncertain(f"the media process did not answer {command!r} within {timeout:g} s") from None
        finally:
            self._waiting.pop(number, None)

    async def stop(self) -> None:
        """Let it say goodbye on every leg and end; kill it if that takes too long."""
        with suppress(Retryable, Uncertain):
            self._say({"id": 0, "do": "quit"})
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIT_TIMEOUT):
                    await self._process.wait()
        await self.kill()

    async def abandon(self) -> None:
        """Hang up: it goes on relaying for as long as RTP flows."""
        _LEFT_BEHIND.append(self._process)
        await self._close_line()

    async def kill(self) -> None:
        """End it at once."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await self._close_line()

    def _say(self, message: Message) -> None:
        """Write a line, together with all others of this turn of the loop: each write wakes the child."""
        if not self._unsaid:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsaid += wire.encode(message)

    def _flush(self) -> None:
        if self._unsaid and not self._writer.is_closing():
            self._writer.write(bytes(self._unsaid))
        self._unsaid.clear()

    async def _close_line(self) -> None:
        self._flush()
        self._gone = True
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _watch(self) -> None:
        """Kill it when it does not answer: a process that hangs carries no voice either."""
        while True:
            await asyncio.sleep(PING_EVERY)
            try:
                await self.ask("ping")
            except Retryable:
                return
            except Uncertain:
                self.why = "it hung"
                self._process.kill()
                return

    async def _next(self) -> Message:
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            raise ProtocolError(f"media: a line of more than {wire.MAX_LINE} bytes") from error
        return wire.decode(line)

    @staticmethod
    def _check_hello(message: Message) -> None:
        if message.get("event") != "hello" or message.get("version") != wire.VERSION:
            raise ProtocolError(f"it speaks version {message.get('version')}, not {wire.VERSION}")

    def _take(self, message: Message) -> None:
        if "event" in message:
            self._on_event(message)
            return
        answer = self._waiting.get(message.get("id", 0))
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(MediaRefused(str(message["error"])))
        else:
            answer.set_result(message.get("result"))

    def _fail_waiting(self) -> None:
        self._gone = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Retryable("the media process ended"))
