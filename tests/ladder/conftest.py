"""The whole system as a fixture: `ladder` with each Asterisk by each way; `start_ladder` with other staff.

A normal run takes Asterisk 22 by AMI and 16 by ARI. With SOSBRIDGE_LADDER_ALL=1 it takes all four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.app.plant import RunningPlant
from tests.app.scene import empty_database
from tests.app.warm import WarmStarts
from tests.ladder.scene import Ladder
from tests.ladder.site import PATIENT, SETTINGS, Setting, Staff, start_pbx
from tests.pack.lab import PackLab
from tests.parts.availability import need
from tests.parts.sip import Phones

StartLadder = Callable[[Staff], AbstractContextManager[Ladder]]
Labs = Callable[[Setting, Staff], PackLab]


@pytest.fixture(scope="session")
def bridge_starts() -> Iterator[WarmStarts]:
    with WarmStarts() as running:
        yield running


@pytest.fixture(scope="session")
def no_incidents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database to copy."""
    return empty_database(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session")
def ladder_labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    """The PBX of a setting and a staff, started when it is first wanted."""
    started: dict[tuple[Setting, str], PackLab] = {}
    with ExitStack() as running:

        def of(setting: Setting, staff: Staff) -> PackLab:
            need("asterisk" if setting.version == "22" else "asterisk-16")
            if (setting, staff.name) not in started:
                lab = start_pbx(tmp_path_factory.mktemp("site"), setting, staff)
                started[setting, staff.name] = running.enter_context(lab)
            return started[setting, staff.name]

        yield of


@pytest.fixture(params=SETTINGS, ids=str)
def setting(request: pytest.FixtureRequest) -> Setting:
    chosen: Setting = request.param
    return chosen


@pytest.fixture
def start_ladder(
    setting: Setting,
    ladder_labs: Labs,
    bridge_starts: WarmStarts,
    no_incidents: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> StartLadder:
    """Everything but the bridge, with this staff, for as long as the `with` lasts."""

    @contextmanager
    def make(staff: Staff) -> Iterator[Ladder]:
        lab = ladder_labs(setting, staff)
        folder = tmp_path_factory.mktemp("ladder")
        # The calls are ended before the telephones are: see tests/pack/conftest.py.
        with Phones() as phones, ExitStack() as stack:
            stack.callback(lab.start_over)
            plant = stack.enter_context(RunningPlant())
            yield stack.enter_context(
                Ladder(
                    folder,
                    plant,
                    bridge_starts,
                    no_incidents,
                    lab,
                    phones=phones,
                    setting=setting,
                    staff=staff,
                )
            )

    return make


@pytest.fixture
def ladder(start_ladder: StartLadder) -> Iterator[Ladder]:
    """The bridge is not started yet, and nobody is at a telephone."""
    with start_ladder(PATIENT) as made:
        yield made
