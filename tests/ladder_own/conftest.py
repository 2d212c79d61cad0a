"""A plant with an exchange of its own, and its people, for each test of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from bridge.simulator.plant import SECRETS
from tests.app.conftest import database, starts
from tests.app.plant import RunningPlant
from tests.app.warm import WarmStarts
from tests.ladder_own.people import People
from tests.ladder_own.scene import OwnScene
from tests.ladder_own.trunk_scene import TrunkScene

__all__ = ["database", "starts"]

SetTrunk = Callable[..., AbstractContextManager[TrunkScene]]


@pytest.fixture
def own(tmp_path: Path, starts: WarmStarts, database: Path) -> Iterator[OwnScene]:
    """A site whose bridge is not started yet."""
    with RunningPlant() as plant, OwnScene(tmp_path, plant, starts, database) as made:
        yield made


@pytest.fixture
def people(own: OwnScene) -> Iterator[People]:
    with People(own.sip_port) as manned:
        yield manned


@pytest.fixture
def set_trunk(
    tmp_path: Path,
    starts: WarmStarts,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SetTrunk:
    """Make a plant whose PBX may be lost, for as long as a `with` lasts."""
    for variable, secret in SECRETS.items():
        monkeypatch.setenv(variable, secret)  # the dialplan pack is rendered in this process

    @contextmanager
    def make(**options: str) -> Iterator[TrunkScene]:
        with RunningPlant() as plant, TrunkScene(tmp_path, plant, starts, database, **options) as made:
            yield made

    return make
