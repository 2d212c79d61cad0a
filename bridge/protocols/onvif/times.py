"""Times and durations as XML Schema writes them (part 2, 3.2.6 and 3.2.7). Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def write_time(at: float) -> str:
    """Return UTC epoch seconds as `2026-01-01T00:00:00Z`: some cameras refuse `+00:00` and fractions."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
