"""Date (RFC 3261 section 20.17), always in GMT. Called by `message`; telephones set their clocks by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import shorten

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE: Final = re.compile(
    rf"[ \t]*+(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT[ \t]*+"
)


@dataclass(frozen=True, slots=True)
class SipDate:
    """UTC epoch seconds, whole."""

    at: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError, also on a zone that is not GMT (RFC 4475 section 3.1.2.12)."""
        match = _DATE.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no Date: {shorten(text)}")
        day, month, *numbers = match.groups()
        year, hour, minute, second = map(int, numbers)
        try:
            moment = datetime(year, _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise ProtocolError(f"no Date: {shorten(text)}") from None
        return cls(int(moment.timestamp()))

    def __str__(self) -> str:
        try:
            moment = datetime.fromtimestamp(self.at, UTC)
        except (ValueError, OverflowError, OSError):
            raise ProtocolError(f"no Date: {self.at} s") from None
        # strftime would speak the language of the machine.
        day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
        return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT"
