"""Session-Expires (RFC 4028 section 4): how long a session lives without a refresh. Called by `message`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import LARGEST, clamped, in_range, shorten
from bridge.protocols.sip.params import Parameters

_REFRESHERS: Final = ("", "uac", "uas")


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """Seconds, and who refreshes: `uac`, `uas` or '' (left to the other side)."""

    seconds: int
    refresher: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        seconds, semicolon, params = text.partition(";")
        refresher = Parameters.parse(semicolon + params).get("refresher").lower()
        return cls(clamped(seconds.strip(" \t"), "Session-Expires"), _checked(refresher))

    def __str__(self) -> str:
        seconds = in_range(self.seconds, "Session-Expires", largest=LARGEST)
        return f"{seconds};refresher={_checked(self.refresher)}" if self.refresher else str(seconds)


def _checked(refresher: str) -> str:
    if refresher not in _REFRESHERS:
        raise ProtocolError(f"the refresher must be uac or uas, not {shorten(refresher)}")
    return refresher
