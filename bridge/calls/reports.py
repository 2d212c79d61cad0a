"""What the dialplan pack reports by UserEvent -> events. Pure; SOSCall is the tracker's own.

Every report names its call by `SosUid` (the Uniqueid of the phone's channel) and, where the bridge started
it, the incident by `SosIncident` and the delivery by `Delivery`. Fields: asterisk/*.conf.j2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bridge.calls.call import RECOVERED, shown
from bridge.calls.devices import Devices
from bridge.calls.facts import LiveChannel, Said
from bridge.model import NOTHING, Event, Kind

UNHEARD: Final = "unheard"
"""The fault of a phone from which no sound came while somebody had its call."""
SILENT: Final = "rtp_silence"
"""The fault of a phone from which no sound comes during its call: no hangup (VAD, a dropped handset)."""
UNANSWERED: Final = "unanswered"
"""The fault of an SOS for which the dialplan gave up ringing; about `unanswered_subject`."""
PROMPT: Final = "prompt"
"""The fault of an announcement whose file is missing; about `prompt_subject`."""
IN_VAIN: Final = MappingProxyType(
    {
        "SOSNotTaken": "dispatch was told, and nobody pressed 1",
        "SOSNotHeard": "nobody of dispatch picked up to hear of it",
    }
)
"""Reports of a notification that rang in vain, in words."""
MOST_PRESSED: Final = 1000
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def unanswered_subject(call: str) -> str:
    """What the fault is about. call: Uniqueid of the phone's call, or the incident's id where it had none."""
    return f"call/{call}"


def prompt_subject(file: str) -> str:
    """What the fault is about. file: below the folder of all announcements, without `.wav`: `en/press-1`."""
    return f"prompt/{file}"


class Reports:
    """Turns reports into events; remembers only whose ringing ended in vain, and which phones were heard.

    devices: what other links to the same PBX have told of them.
    """

    def __init__(self, source: str, via: str, devices: Devices) -> None:
        self._source = source
        self._via = via
        self._devices = devices
        self._in_vain: set[str] = set()
        self._heard: set[str] = set()
        """Phones that were last heard."""
        self._pressed: dict[str, None] = {}
        """Channels on which 1 was pressed, the latest: other reports repeat it."""

    def feed(self, said: Said) -> list[Event]:  # noqa: PLR0911  one line a kind of report
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
            case "SOSDone" | "SOSTold":
                return [*self._had_by_dispatcher(said), *self._of_sound(said)]
            case "SOSNotTaken" | "SOSNotHeard":
                return [self._told(said, IN_VAIN[said.name])]
            case "SOSSilent":
                since = said.fields.get("since") or "some time"
                return self._of_silence(said, Kind.FAULT, f"no sound comes from the phone, since {since}")
            case "SOSHeard":
                return self._of_silence(said, Kind.FAULT_CLEARED, "")
            case "SOSNoAck":
                who = said.fields.get("dispatcher") or "somebody"
                return [self._told(said, f"{who} picked up and did not press 1: not informed")]
            case "SOSPromptMissing" | "SOSPromptFound":
                return self._of_prompt(said)
            case "SOSNotReached":
                return [self._not_reached(said)]
            case _:
                return []

    def acknowledged_on(self, row: LiveChannel, now: float) -> list[Event]:
        """Return what a living channel tells of a 1 that was pressed on it, if one was.

        The same events as SOSAck, which came when nobody listened, or is known already. now: UTC.
        """
        call, _, who = row.variables.get("SOS_ACK", "").partition("/")
        if not who or row.uniqueid in self._pressed:
            return []
        told = {
            "sosuid": call,
            "dispatcher": who,
            "sosincident": row.variables.get("SOS_INCIDENT", ""),
        }
        said = Said(
            at=now,
            name="SOSAck",
            uniqueid=row.uniqueid,
            linkedid=row.linkedid,
            channel=row.channel,
            fields=told,
        )
        return self._acknowledged(said, RECOVERED)

    def _had_by_dispatcher(self, said: Said) -> list[Event]:
        """A later report names who pressed 1, and on which channel: as SOSAck, where that was not heard."""
        leg, who = said.fields.get("leg", ""), said.fields.get("dispatcher", "")
        if said.fields.get("has") != "dispatcher" or not (leg and who):
            return []
        if leg in self._pressed:
            return []
        # The delivery that this report answers is not the one that rang them.
        told = {name: text for name, text in said.fields.items() if name != "delivery"}
        return self._acknowledged(replace(said, uniqueid=leg, fields=told), RECOVERED)

    def _acknowledged(self, said: Said, extra: Mapping[str, str] = NOTHING) -> list[Event]:
        """A dispatcher heard the announcement and pressed 1, on the channel of `uniqueid`."""
        who, call = said.fields.get("dispatcher", ""), _call(said)
        key = f"{call}/ack/{who}/{said.uniqueid}"
        self._pressed[said.uniqueid] = None
        if len(self._pressed) > MOST_PRESSED:
            del self._pressed[next(iter(self._pressed))]
        how = {"by": who, "how": "dtmf", "call_key": call, **extra}
        events = [self._event(said, Kind.ACKNOWLEDGED, key, **how)]
        if call in self._in_vain:
            self._in_vain.discard(call)
            fault = {"subject": unanswered_subject(call), "what": UNANSWERED}
            events.append(self._event(said, Kind.FAULT_CLEARED, key, **fault))
        return events

    def _tier_rings(self, said: Said) -> Event:
        """A dispatcher's phone begins to ring. Those of the others in the tier are the same fact."""
        tier, loop = said.fields.get("tier", ""), said.fields.get("loop", "")
        # The hunt after a hangup, and the bridge's own notifications, count their loops anew.
        kind = said.fields.get("kind", "")
        key = "/".join(filter(None, (_call(said), "tier", tier, loop, kind)))
        told = {"call_key": _call(said), "tier": tier, "loop": loop, **({"ringing": kind} if kind else {})}
        return self._event(said, Kind.DISPATCH_STARTED, key, **told)

    def _unanswered(self, said: Said) -> Event:
        call = _call(said)
        self._in_vain.add(call)
        phone = said.fields.get("phone") or "a phone"
        return self._event(
            said,
            Kind.FAULT,
            f"{call}/unanswered/{said.uniqueid}",
            subject=unanswered_subject(call),
            what=UNANSWERED,
            text=f"the PBX gave up ringing dispatch for {phone}: nobody took it",
        )

    def _of_sound(self, said: Said) -> list[Event]:
        """The phone's call is over. Who picked it up heard nobody if not one packet of sound came."""
        heard, phone = said.fields.get("heard", ""), said.fields.get("phone", "")
        if heard == "0":
            self._heard.discard(phone)
            who = said.fields.get("by") or said.fields.get("has") or "somebody"
            text = f"{who} had the call and heard nothing: no sound came from {phone or 'the phone'}"
            return [self._told(said, text), self._of_hearing(said, Kind.FAULT, text)]
        if heard.isdecimal() and phone not in self._heard:  # the fault may be of an earlier run
            self._heard.add(phone)
            return [self._of_hearing(said, Kind.FAULT_CLEARED, "")]
        return []

    def _of_silence(self, said: Said, kind: Kind, text: str) -> list[Event]:
        """It may come and go several times in a call."""
        if not self._devices.sounded(_call(said), kind is Kind.FAULT_CLEARED):
            return []
        event = self._event(said, kind, f"{_call(said)}/silent/{said.at!r}", what=SILENT, text=text)
        return [self._of_phone(said, event)]

    def _of_hearing(self, said: Said, kind: Kind, text: str) -> Event:
        event = self._event(said, kind, f"{_call(said)}/heard/{said.uniqueid}", what=UNHEARD, text=text)
        return self._of_phone(said, event)

    def _of_phone(self, said: Said, event: Event) -> Event:
        """About the phone itself: it has to be looked at, whatever became of the incident."""
        return replace(event, endpoint=said.fields.get("phone", ""), caller=shown(said.caller))

    def _of_prompt(self, said: Said) -> list[Event]:
        """What was to be said on this channel has no file, or has one now."""
        if not (file := said.fields.get("file", "")):
            return []
        subject = prompt_subject(file)
        key = f"{_call(said)}/{subject}/{said.uniqueid}"
        if said.name == "SOSPromptFound":
            return [self._event(said, Kind.FAULT_CLEARED, key, subject=subject, what=PROMPT)]
        text = f"{file}.wav is not on the PBX: sosbridge prompts build, copy, moh reload"
        return [self._event(said, Kind.FAULT, key, subject=subject, what=PROMPT, text=text)]

    def _told(self, said: Said, text: str) -> Event:
        """What changes nothing, and belongs into the incident's story."""
        key = f"{_call(said)}/{said.name}/{said.uniqueid}"
        return self._event(said, Kind.REPORTED, key, call_key=_call(said), text=text)

    def _not_reached(self, said: Said) -> Event:
        """Somebody could not be rung. The same for the same reason, however often it is tried."""
        who, why = said.fields.get("dispatcher") or "somebody", said.fields.get("why") or "unknown why"
        key, text = f"{_call(said)}/{said.name}/{who}/{why}", f"{who} was not reached: {why}"
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
