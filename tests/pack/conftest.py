"""The lab as a fixture: `lab` (Asterisk 22) and `lab_both` are shared, `start_lab` makes one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.pack.lab import PackLab
from tests.parts.availability import need
from tests.parts.sip import Phones

StartLab = Callable[..., PackLab]


@pytest.fixture(scope="session")
def labs() -> Iterator[Callable[[str], PackLab]]:
    """The shared PackLab of a version, started when it is first wanted."""
    started: dict[str, PackLab] = {}
    with ExitStack() as running:

        def of(version: str) -> PackLab:
            need("asterisk" if version == "22" else "asterisk-16")
            if version not in started:
                started[version] = running.enter_context(PackLab(version))
            return started[version]

        yield of


# Both want `phones` so that the calls are ended before the phones are: a phone that is gone answers no
# CANCEL, and would get the INVITEs of this test in the next.


@pytest.fixture
def lab(labs: Callable[[str], PackLab], phones: Phones) -> Iterator[PackLab]:
    """Asterisk 22 with the pack; no call, no report and no heartbeat of an earlier test."""
    yield labs("22")
    labs("22").start_over()


@pytest.fixture(params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def lab_both(
    request: pytest.FixtureRequest, labs: Callable[[str], PackLab], phones: Phones
) -> Iterator[PackLab]:
    """The same, once with each version."""
    yield labs(request.param)
    labs(request.param).start_over()


@pytest.fixture
def start_lab() -> Iterator[StartLab]:
    """Start a PackLab of its own: `start_lab(facts=...)`."""
    need("asterisk")
    with ExitStack() as running:
        yield lambda **options: running.enter_context(PackLab(**options))
