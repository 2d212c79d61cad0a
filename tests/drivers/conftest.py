"""Every contract test runs once for each case of cases.py."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.drivers.case import HURRY, SECRET, SECRET_NAME, Case, HastyClock, Maker
from tests.drivers.cases import CASES
from tests.drivers.cases_milestone import WINDOWS_USERS


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_NAME, SECRET)
    monkeypatch.setenv("NTLM_USER_FILE", str(WINDOWS_USERS))  # where the fakes' side of NTLM looks


@pytest.fixture
def hasty() -> HastyClock:
    return HastyClock()


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def make(request: pytest.FixtureRequest) -> Maker:
    """Make the case itself, for tests that need it with other settings."""
    maker: Maker = request.param
    return maker


@pytest.fixture
async def case(make: Maker, hasty: HastyClock) -> AsyncIterator[Case]:
    """A driver at its fake. Whatever a test does, no request may arrive that the case does not allow."""
    async for made in _guarded(await make(hasty)):
        yield made


@pytest.fixture
async def hurried(make: Maker, hasty: HastyClock) -> AsyncIterator[Case]:
    """The same, for tests that wait for an answer that never comes."""
    async for made in _guarded(await make(hasty, **HURRY)):
        yield made


async def _guarded(made: Case) -> AsyncIterator[Case]:
    yield made
    await made.driver.close()
    await made.fake.stop()
    assert made.unexpected() == set()
