"""Each file under `bad/` holds the mistake it is named after; what must be said about it lies beside it.

`warned/` holds files that load, with the warnings and hints they must give.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import SiteError, load

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
WARNED = sorted((HERE / "warned").glob("*.yaml"))
PASSWORD = "hunter2"
"""Wherever a bad file holds a password, it is this one."""
WITH_PASSWORD = [path for path in BAD if PASSWORD in path.read_text()]

pytestmark = pytest.mark.usefixtures("plugins")


def expected_lines(path: Path) -> list[str]:
    """Return the lines beside the file, as `line:column: [level: ]text`."""
    return path.with_suffix(".txt").read_text().splitlines()


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_mistake_is_named_with_its_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOSBRIDGE_TEST_NOT_SET", raising=False)
    with pytest.raises(SiteError) as caught:
        load(path)
    lines = str(caught.value).splitlines()[1:]
    assert [line.removeprefix(f"{path}:") for line in lines] == expected_lines(path)


@pytest.mark.parametrize("path", WITH_PASSWORD, ids=lambda path: path.stem)
def test_no_message_repeats_a_password(path: Path) -> None:
    with pytest.raises(SiteError) as caught:
        load(path)
    said = f"{caught.value} {caught.value!r} {caught.value.findings} {caught.value.__cause__!r}"
    assert PASSWORD not in said


@pytest.mark.parametrize("path", WARNED, ids=lambda path: path.stem)
def test_warnings_and_hints_do_not_stop_the_site(path: Path) -> None:
    findings = load(path).findings
    said = [
        f"{finding.subject}: {finding.level}: {finding.text}".removeprefix(f"{path}:") for finding in findings
    ]
    assert said == expected_lines(path)


def test_the_headline_counts_the_mistakes() -> None:
    path = HERE / "bad" / "many_at_once.yaml"
    with pytest.raises(SiteError, match=rf"\A{path}: {len(expected_lines(path))} mistakes\n"):
        load(path)
