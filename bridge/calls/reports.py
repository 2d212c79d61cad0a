"""What the dialplan pack reports by UserEvent -> events. Pure; SOSCall is the tracker's own.

Every report names its call by `SosUid` (the Uniqueid of the phone's channel) and, where the bridge started
it, the incident by `SosIncident` and the delivery by `Delivery`. Fields: asterisk/*.conf.j2.
"""

from __future__ import annotations

import re
from typing import Final

from bridge.calls.facts import Said
from bridge.model import Event, Kind

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Reports:
    """Turns reports into events; remembers only whose ringing ended in vain."""

    def __init__(self, source: str, via: str) -> None:
        self._source = source
        self._via = via
        self._in_vain: set[str] = set()

    def feed(self, said: Said) -> list[Event]:
        """Return what the report means; nothing for those that only help to read a log."""
        match said.name:
            case "SOSAck":
                return self._acknowledged(said)
            case "SOSTier":
                return [self._tier_rings(said)]
            case "SOSUnanswered":
                return [self._unanswered(said)]
            case "SOSRecording":
                return [
                    self._told(said, f"the PBX records the call: {said.fields.get('file', 'file unknown')}")
                ]
            case "SOSNoAck":
                who = said.fields.get("dispatcher") or "somebody"
                return [self._told(said, f"{who} picked up and did not press 1: not informed")]
            case _:
                return []

    def _acknowledged(self, said: Said) -> list[Event]:
        """A dispatcher heard the announcement and pressed 1."""
        who, call = said.fields.get("dispatcher", ""), _call(said)
        key = f"{call}/ack/{who}/{said.uniqueid}"
        events = [self._event(said, Kind.ACKNOWLEDGED, key, by=who, how="dtmf", call_key=call)]
        if call in self._in_vain:
            self._in_vain.discard(call)
            fault = {"subject": f"call/{call}", "what": "unanswered"}
            events.append(self._event(said, Kind.FAULT_CLEARED, key, **fault))
        return events

    def _tier_rings(self, said: Said) -> Event:
        """A dispatcher's phone begins to ring. Those of the others in the tier are the same fact."""
        tier, loop = said.fields.get("tier", ""), said.fields.get("loop", "")
        # The hunt after a hangup, and the bridge's own notifications, count their loops anew.
        kind = said.fields.get("kind", "")
        key = "/".join(filter(None, (_call(said), "tier", tier, loop, kind)))
        return self._event(said, Kind.DISPATCH_STARTED, key, call_key=_call(said), tier=tier, loop=loop)

    def _unanswered(self, said: Said) -> Event:
        call = _call(said)
        self._in_vain.add(call)
        phone = said.fields.get("phone") or "a phone"
        return self._event(
            said,
            Kind.FAULT,
            f"{call}/unanswered/{said.uniqueid}",
            subject=f"call/{call}",
            what="unanswered",
            text=f"the PBX gave up ringing dispatch for {phone}: nobody took it",
        )

    def _told(self, said: Said, text: str) -> Event:
        """What changes nothing, and belongs into the incident's story."""
        key = f"{_call(said)}/{said.name}/{said.uniqueid}"
        return self._event(said, Kind.REPORTED, key, call_key=_call(said), text=text)

    def _event(self, said: Said, kind: Kind, key: str, **attributes: str) -> Event:
        delivery = said.fields.get("delivery", "")
        return Event(
            kind=kind,
            source=self._source,
            key=key,
            occurred_at=said.at,
            incident=_incident(said),
            via=self._via,
            attributes={**attributes, "delivery": delivery} if delivery else attributes,
        )


def _call(said: Said) -> str:
    return said.fields.get("sosuid", "")


def _incident(said: Said) -> str:
    """The incident's id, if it is one: the field comes through the dialplan."""
    named = said.fields.get("sosincident", "").lower()
    return named if _UUID.fullmatch(named) else ""
