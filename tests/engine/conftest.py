"""The control room, left without anything unexpected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.control_room import ControlRoom


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """A plant at rest."""
    with ControlRoom() as opened:
        yield opened
