"""Whether what a camera sent is a picture. Pure; called by the driver."""

from __future__ import annotations

from typing import Final

SMALLEST: Final = 512
"""Bytes: the tables of a JPEG alone, or the frame of a PNG and a row of pixels, take about as many."""
_BEGINNINGS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""Of JPEG (ITU-T T.81, B.1.1.3) and PNG (RFC 2083, 3.1)."""


def is_picture(body: bytes) -> bool:
    """Whether it begins as a JPEG or PNG does, and is long enough to show anything."""
    return len(body) >= SMALLEST and body.startswith(_BEGINNINGS)
