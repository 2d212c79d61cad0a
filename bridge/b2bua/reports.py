"""What is reported of an alarm, in the words of the dialplan pack (asterisk/*.conf.j2, `calls.reports`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.b2bua.legs import Legs
from bridge.b2bua.state import Alarm, Leg, Turn

_NOT_IN_FILE: Final = re.compile(r"[^0-9A-Za-z._-]")
_LONGEST_FILE: Final = 120
_REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "no answer of any kind",
        480: "not there",
        486: "busy",
        503: "not available",
        600: "busy",
        603: "declined",
    }
)


def recording_of(uid: str) -> str:
    """Name the recording of a call. A Call-ID may hold anything; nothing of it leads out of the folder."""
    return _NOT_IN_FILE.sub("_", uid)[:_LONGEST_FILE].lstrip(".") + ".wav"


class Reports:
    def __init__(self, legs: Legs) -> None:
        self._legs = legs

    def of_alarm(self, name: str, alarm: Alarm, leg: Leg | None = None, **more: str) -> None:
        """About the alarm itself; on the phone's leg, while there is one."""
        self._legs.said(
            name,
            leg,
            alarm.uid,
            alarm.number,
            sosuid=alarm.uid,
            sosincident=alarm.incident,
            phone=alarm.endpoint,
            location=alarm.location or "unknown",
            **more,
        )

    def of_turn(self, name: str, alarm: Alarm, turn: Turn, leg: Leg | None, **more: str) -> None:
        """About somebody who is rung; on that leg."""
        self.of_alarm(
            name,
            alarm,
            leg,
            tier=str(turn.tier),
            dispatcher=turn.endpoint,
            kind=turn.why.value,
            delivery=turn.delivery,
            **more,
        )

    def not_reached(self, alarm: Alarm, turn: Turn, leg: Leg | None, status: int) -> None:
        """Somebody's telephone did not ring. status: the final response, 0 for none."""
        why = _REFUSALS.get(status, "refused") + (f" (SIP {status})" if status else "")
        self.of_turn("SOSNotReached", alarm, turn, leg, why=why)
