"""A TCP connection that can be cut, or go silent without a word, between the bridge and a PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self


class Cable:
    """Forwards 127.0.0.1:`port` to `target`.

    `silent`: all bytes are swallowed, and no connection ends. `mute`: only those that the PBX sends.
    `look`: is shown what the bridge sends, before that goes on to the PBX.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.silent = False
        self.mute = False
        self.plugged = True
        self.look: Callable[[bytes], None] = lambda _data: None
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """End every connection; new ones end at once until `plugged` is true again."""
        self.plugged = False
        for writer in self._writers:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.plugged:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # nobody is there
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink, answers=source is far_reader))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        try:
            while data := await source.read(65536):
                if not answers:
                    self.look(data)
                if not self.silent and not (self.mute and answers):
                    sink.write(data)
                    await sink.drain()
        except OSError:
            pass  # cut
        finally:
            self._writers.discard(sink)
            sink.close()
