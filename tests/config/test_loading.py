"""Files that cannot even be read, and the objects that settings are turned into."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import load, load_text
from bridge.config.build import build_driver, build_trigger
from bridge.config.loading import MAX_BYTES, secrets_in
from bridge.errors import ConfigError
from bridge.protocols.secret import Secret
from tests.fake_clock import FakeClock

GOOD = Path(__file__).parent / "good.yaml"

pytestmark = pytest.mark.usefixtures("plugins")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        ("folder", "cannot be read: Is a directory"),
        (b"site: {name: \xff}\n", r":1:14: is not UTF-8"),
        (b"a: b\n" * (MAX_BYTES // 5 + 1), "larger than 8 MiB"),
    ],
    ids=["missing", "folder", "not UTF-8", "huge"],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | str | None, words: str) -> None:
    path = tmp_path / "site.yaml"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


def test_a_driver_is_made_with_its_targets_and_links(clock: FakeClock) -> None:
    settings = load_text(GOOD.read_text(), secrets=False).drivers[0]
    driver = build_driver(settings, clock)
    assert vars(driver) == {
        "name": "zm",
        "config": settings.config,
        "targets": settings.targets,
        "clock": clock,
        "closed": False,
    }
    with pytest.raises(TypeError, match="originate"):
        build_driver(settings, clock, originate=print)


def test_a_trigger_is_made(clock: FakeClock) -> None:
    settings = load_text(GOOD.read_text(), secrets=False).triggers[0]
    trigger = build_trigger(settings, clock)
    assert vars(trigger) == {"name": "pbx1", "config": settings.config, "clock": clock}


def test_secrets_are_found_wherever_a_driver_keeps_them() -> None:
    site = load_text(GOOD.read_text(), secrets=False)
    secret = Secret("env", "SOSBRIDGE_TEST_SECRET")
    assert list(secrets_in(site.drivers[0].config, ("vms", 0))) == [(("vms", 0, "login", "password"), secret)]
    assert list(secrets_in({"a": [1, (secret,)]})) == [(("a", 1, 0), secret)]
