"""The tests' own server: when it stops, nothing of it is left, whatever was just arriving."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from contextlib import ExitStack, suppress

import pytest

from tests.http.conftest import Echo
from tests.waiting import PATIENCE


@pytest.mark.parametrize("turns", range(6))
async def test_connections_that_arrive_as_it_stops_are_ended(turns: int) -> None:
    """turns: of the event loop between their arrival and the stop: accepted, attached, served or none yet."""
    server = Echo()
    await server.start()
    with ExitStack() as clients:
        arrived = [
            clients.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(3)
        ]
        for _ in range(turns):
            await asyncio.sleep(0)
        with warnings.catch_warnings(record=True) as left_open:
            warnings.simplefilter("always", ResourceWarning)
            await server.stop()
            for _ in range(3):
                await asyncio.sleep(0)
            gc.collect()
        assert [str(warning.message) for warning in left_open] == []
        for client in arrived:
            client.settimeout(PATIENCE)
            with suppress(ConnectionResetError):  # which is an end, too
                assert client.recv(1) == b""
