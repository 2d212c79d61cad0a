"""A missing part skips its tests and says how to get it; a required one fails them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.real("asterisk-16")
def test_by_marker():
    pass

def test_by_fixture(asterisk16):
    pass

@pytest.mark.real("asterisk-16", "root")
def test_that_needs_more():
    pass

def test_without_parts():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with our fixtures, on a machine that has nothing."""
    monkeypatch.setenv("SOSBRIDGE_CACHE", str(pytester.path / "empty"))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.delenv("SOSBRIDGE_REQUIRE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(TESTS)
    pytester.makeconftest("from tests.conftest import *")
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers\nasyncio_default_fixture_loop_scope = function\n"
        "markers =\n    real(part): as ours\n"
    )
    return pytester


def test_missing_parts_skip_and_the_summary_says_how_to_get_them(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=1, skipped=3)
    result.stdout.fnmatch_lines(["*skipped for missing parts*", "asterisk-16: 3 tests; make asterisk-tree"])


def test_required_parts_fail_instead(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOSBRIDGE_REQUIRE", "zoneminder,asterisk")
    result = project.runpytest_subprocess()
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 1
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) == 3
    result.stdout.fnmatch_lines(["*asterisk-16 is missing: make asterisk-tree (SOSBRIDGE_REQUIRE says*"])


def test_a_misspelt_requirement_is_refused(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOSBRIDGE_REQUIRE", "asterix")
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*SOSBRIDGE_REQUIRE: nobody knows asterix; known: *asterisk*"])


def test_a_misspelt_marker_is_refused(project: pytest.Pytester) -> None:
    project.makepyfile('import pytest\n\n@pytest.mark.real("asterix")\ndef test_it():\n    pass\n')
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*real('asterix') is none of asterisk,*"])
