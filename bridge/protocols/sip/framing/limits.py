"""How much of a message we read. Called by `framing`; the endpoint may choose others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All in bytes but `fields`. What is beyond them is refused, and answered where it can be."""

    head: int = 32_768
    """Start line and header fields together."""
    body: int = 65_536
    field: int = 8_192
    """One header field, unfolded. Signed identities are the longest in use, about 2,000."""
    fields: int = 256
    """Lines of header fields."""


DEFAULT = Limits()
