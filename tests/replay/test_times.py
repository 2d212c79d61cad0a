"""Times as logs write them."""

from __future__ import annotations

import pytest

from bridge.replay import Times

AMSTERDAM = "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1795378081.392196", 1795378081.392196),
        ("2026-07-01 12:00:00", 1782900000.0),
        ("2026-01-01 12:00:00.250", 1767265200.25),
        ("2026-07-01T12:00:00+00:00", 1782907200.0),
    ],
)
def test_times(text: str, at: float) -> None:
    assert Times(AMSTERDAM).of(text.encode()) == pytest.approx(at)


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-5", "0", "1e300", "2026-13-01 00:00:00"])
def test_what_is_no_time(text: str) -> None:
    times = Times(AMSTERDAM)
    with pytest.raises(ValueError, match="no time"):
        times.of(text.encode())


def test_the_hour_that_comes_twice_is_told_by_the_uniqueid() -> None:
    times = Times(AMSTERDAM)
    first, second = 1792888200.0, 1792891800.0
    text = b"2026-10-25 02:30:00"
    assert times.of(text) == first
    assert times.of(text, second + 3) == second
    assert times.of(text, first + 3) == first
    assert times.ambiguous == 1, "said once a minute of the log"


def test_a_log_in_utc_is_told_by_the_uniqueid() -> None:
    times = Times(AMSTERDAM)
    assert times.of(b"2026-07-01 12:00:00", 1782907201.0) == 1782907200.0
    assert times.in_utc == 1


def test_what_the_uniqueid_has_told_is_not_said() -> None:
    times = Times(AMSTERDAM)
    assert times.of(b"2026-10-25 02:30:00", 1792891800.0) == 1792891800.0
    assert times.ambiguous == 0


def test_of_a_long_call_nothing_happens_before_it_began() -> None:
    times = Times(AMSTERDAM)
    assert times.of(b"2026-10-25 02:10:00", 1792888200.0) == 1792890600.0, "of the second hour"
    assert times.of(b"2026-07-01 12:00:00", 1782907200.0 - 2000) == 1782907200.0, "in UTC"


def test_a_long_call_of_a_log_in_utc_west_of_it() -> None:
    times = Times("America/New_York")
    assert times.of(b"2026-07-01 12:00:00", 1782907200.0) == 1782907200.0
    assert times.of(b"2026-07-01 12:40:00", 1782907200.0) == 1782907200.0 + 2400
