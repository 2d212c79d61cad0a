"""The control room, left without anything unexpected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite(
    "tests.engine.control_room", "tests.engine.invariants", "tests.engine.database"
)

from tests.engine.control_room import ControlRoom  # noqa: E402  # after the line above


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """A plant at rest."""
    with ControlRoom() as opened:
        yield opened
