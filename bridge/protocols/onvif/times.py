"""Times and durations as XML Schema writes them (part 2, 3.2.6 and 3.2.7). Pure."""

from __future__ import annotations

from datetime import UTC, datetime

FIRST, LAST = -62_135_596_800.0, 253_402_300_799.0
"""The years 1 to 9999, as UTC epoch seconds: a camera's clock may stand at either end."""


def write_time(at: float) -> str:
    """Return UTC epoch seconds as `2026-01-01T00:00:00Z`: some cameras refuse `+00:00` and fractions.

    What lies outside of the years 1 to 9999 becomes the nearest moment that can be written.
    """
    moment = datetime.fromtimestamp(min(max(at, FIRST), LAST), UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def read_time(text: str) -> float | None:
    """Return UTC epoch seconds; None where it is no time. One without a zone is taken for UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def write_duration(seconds: float) -> str:
    """Return whole seconds as `PT600S`: some cameras misread minutes."""
    return f"PT{int(seconds)}S"
