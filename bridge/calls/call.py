"""One living call as the tracker knows it, and the events it can be made to say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.model import Call, Event, Kind

RECOVERED: Final[Mapping[str, str]] = MappingProxyType({"recovered": "yes"})
"""What an event says besides that was missed when it happened."""
_NOBODY: Final = frozenset(
    {"", "<unknown>", "anonymous", "asterisk", "private", "restricted", "unavailable", "unknown"}
)
"""What PBXs write for a caller ID that is withheld or missing."""


def shown(text: str) -> str:
    """A caller's number or name, '' where it is withheld."""
    return "" if text.strip().lower() in _NOBODY else text


@dataclass(slots=True, eq=False)
class LiveCall:
    """What was seen of the call so far. `direction`: `out`, the phone called; `in`, the phone was called."""

    key: str
    direction: str
    endpoint: str
    caller: str
    dialled: str
    name: str = ""
    answered: bool = False
    connected: bool = False
    refused: bool = False
    """The PBX signalled busy or congestion to the phone; the hangup that follows is the answer to that."""
    rang: bool = False
    busy: bool = False
    ended_by: str = ""
    """Who asked last for the end, so far."""

    @property
    def own_side(self) -> str:
        return "caller" if self.direction == "out" else "called"

    @property
    def other_side(self) -> str:
        return "called" if self.direction == "out" else "caller"

    @property
    def ender(self) -> str:
        """Who ended it. A device that is called and is busy did, even if the PBX was faster to hang up."""
        said_no = self.busy and self.direction == "in" and not self.answered
        return self.ended_by or ("called" if said_no else "pbx")

    @property
    def outcome(self) -> str:
        """In one word, how far it came."""
        if self.connected:
            return "connected"
        if self.answered:
            return "answered"
        if self.ended_by == "caller":
            return "cancelled"
        if self.busy:
            return "busy"
        return "no_answer" if self.rang or self.direction == "in" else "failed"

    def event(self, kind: Kind, source: str, via: str, at: float, attributes: Mapping[str, str]) -> Event:
        """Every event of a call carries the same endpoint, caller and dialled number: its identity."""
        said = {"direction": self.direction, "name": self.name, **attributes}
        return Event(
            kind=kind,
            source=source,
            key=self.key,
            occurred_at=at,
            endpoint=self.endpoint,
            caller=self.caller,
            dialled=self.dialled,
            via=via,
            attributes={name: value for name, value in said.items() if value},
        )


def remembered(call: Call) -> LiveCall:
    """Return the call as an earlier run left it in the store."""
    return LiveCall(
        call.key,
        call.direction,
        call.endpoint,
        call.caller,
        call.dialled,
        answered=call.answered_at is not None,
        connected=call.connected_at is not None,
    )
