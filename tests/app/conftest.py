"""A plant, a site and a real `sosbridge run` for each test of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.app.plant import RunningPlant
from tests.app.scene import Scene, empty_database
from tests.app.warm import WarmStarts

SetScene = Callable[[], AbstractContextManager[Scene]]
"""Makes one more scene, with a plant of its own, for as long as the `with` lasts."""


@pytest.fixture(scope="session")
def starts() -> Iterator[WarmStarts]:
    with WarmStarts() as running:
        yield running


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database to copy."""
    return empty_database(tmp_path_factory.mktemp("database"))


@pytest.fixture
def set_scene(tmp_path_factory: pytest.TempPathFactory, starts: WarmStarts, database: Path) -> SetScene:
    @contextmanager
    def make() -> Iterator[Scene]:
        folder = tmp_path_factory.mktemp("scene")
        with RunningPlant() as plant, Scene(folder, plant, starts, database) as made:
            yield made

    return make


@pytest.fixture
def scene(set_scene: SetScene) -> Iterator[Scene]:
    """A site whose bridge is not started yet."""
    with set_scene() as made:
        yield made
