"""Fixtures of the real parts, and what happens where a part is missing (docs/testing.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import pytest

from tests.fake_clock import FakeClock
from tests.parts.asterisk import Asterisk
from tests.parts.availability import PARTS, REQUIRE, missing, need, required
from tests.parts.postgres import Postgres
from tests.parts.sip import Phones
from tests.parts.zoneminder import ZoneMinder

pytest_plugins = ["pytester"]
# Here, for tests of other parts use the control room as well, and may come first.
pytest.register_assert_rewrite(
    "tests.engine.control_room", "tests.engine.invariants", "tests.engine.database"
)

StartAsterisk = Callable[..., Asterisk]
"""Starts an Asterisk with the options of `tests.parts.asterisk.Asterisk`; the test's end closes it."""


def pytest_configure() -> None:
    """Refuse a misspelt SOSBRIDGE_REQUIRE: it would require nothing, in silence."""
    families = {part.family for part in PARTS.values()}
    if unknown := sorted(required() - families):
        raise pytest.UsageError(f"{REQUIRE}: nobody knows {unknown[0]}; known: {', '.join(sorted(families))}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a part that nobody knows: a misspelt name must not run, or skip, anything."""
    for item in items:
        for marker in item.iter_markers("real"):
            if unknown := [part for part in marker.args if part not in PARTS]:
                raise pytest.UsageError(f"{item.nodeid}: real({unknown[0]!r}) is none of {', '.join(PARTS)}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("real"):
        for part in marker.args:
            need(part)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let what a test printed or logged cross to the process that prints it: pytest-xdist takes only text
    that is UTF-8, and here lone surrogates are logged on purpose."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the parts that tests were skipped for, and how to get them."""
    skipped = Counter(
        reason.removeprefix("Skipped: ").partition(" is missing:")[0]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and " is missing:" in (reason := report.longrepr[2])
    )
    if not skipped:
        return
    terminalreporter.section("skipped for missing parts")
    for part, tests in skipped.items():
        terminalreporter.write_line(f"{part}: {tests} tests; {missing(part)}")


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until `await clock.advance(seconds)`."""
    return FakeClock()


@pytest.fixture
def asterisk22() -> Iterator[StartAsterisk]:
    """Start a real Asterisk 22: `pbx = asterisk22(files={...}, endpoints=[...])`."""
    yield from _asterisk_starter("22")


@pytest.fixture
def asterisk16() -> Iterator[StartAsterisk]:
    """Start a real Asterisk 16."""
    yield from _asterisk_starter("16")


@pytest.fixture(params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def asterisk(request: pytest.FixtureRequest) -> Iterator[StartAsterisk]:
    """Start a real Asterisk; the test runs once with each version."""
    yield from _asterisk_starter(request.param)


def _asterisk_starter(version: str) -> Iterator[StartAsterisk]:
    need("asterisk" if version == "22" else "asterisk-16")
    with ExitStack() as running:
        yield lambda **options: running.enter_context(Asterisk(version, **options))


@pytest.fixture
def phones() -> Iterator[Phones]:
    """SIP phones, ended with the test. One that keeps a Baresip is marked `real("baresip")`."""
    need("sipp")
    with Phones() as started:
        yield started


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole session. A test makes its own database with `create_database`."""
    need("postgres")
    with Postgres(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def zoneminder() -> Iterator[ZoneMinder]:
    """One ZoneMinder with two cameras for the whole session. A test that stops a part starts it again."""
    need("zoneminder")
    with ZoneMinder() as vms:
        yield vms
