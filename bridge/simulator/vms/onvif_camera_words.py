"""The XML that the fake camera of `onvif_camera.py` answers with, written by hand from the WSDL files.

With prefixes of its own, so that nobody gets used to the usual ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from bridge.simulator.vms.onvif_camera_plant import FakePreset, Place

SPACES: Final = {
    "device": "http://www.onvif.org/ver10/device/wsdl",
    "media": "http://www.onvif.org/ver10/media/wsdl",
    "ptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "events": "http://www.onvif.org/ver10/events/wsdl",
}
"""The fake's services and their namespaces."""
_SCHEMA: Final = 'xmlns:sch="http://www.onvif.org/ver10/schema"'
_DECLARED: Final = (
    'xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"'
    ' xmlns:n="http://docs.oasis-open.org/wsn/b-2" xmlns:err="http://www.onvif.org/ver10/error"'
    f' xmlns:tns1="http://www.onvif.org/ver10/topics" {_SCHEMA}'
)


def envelope(body: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<env:Envelope {_DECLARED}>'
        f"<env:Header/><env:Body>{body}</env:Body></env:Envelope>\n"
    ).encode()


def fault(code: str, subcodes: Iterable[str], reason: str) -> bytes:
    """subcodes: qualified names, outer first."""
    inner = ""
    for subcode in reversed(tuple(subcodes)):
        inner = f"<env:Subcode><env:Value>{subcode}</env:Value>{inner}</env:Subcode>"
    return envelope(
        f"<env:Fault><env:Code><env:Value>env:{code}</env:Value>{inner}</env:Code>"
        f'<env:Reason><env:Text xml:lang="en">{reason}</env:Text></env:Reason></env:Fault>'
    )


def said(space: str, name: str, inner: str = "") -> bytes:
    """Return the answer `name`Response. space: its namespace, empty for none."""
    return (
        envelope(f'<r:{name}Response xmlns:r="{space}">{inner}</r:{name}Response>')
        if space
        else envelope(f"<{name}Response>{re.sub(r'(</?)r:', lambda match: match[1], inner)}</{name}Response>")
    )


def written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    date = (
        f"<sch:Year>{moment.year}</sch:Year><sch:Month>{moment.month}</sch:Month>"
        f"<sch:Day>{moment.day}</sch:Day>"
    )
    time = (
        f"<sch:Hour>{moment.hour}</sch:Hour><sch:Minute>{moment.minute}</sch:Minute>"
        f"<sch:Second>{moment.second}</sch:Second>"
    )
    return (
        "<r:SystemDateAndTime><sch:DateTimeType>NTP</sch:DateTimeType>"
        "<sch:DaylightSavings>false</sch:DaylightSavings><sch:TimeZone><sch:TZ>UTC0</sch:TZ></sch:TimeZone>"
        f"<sch:UTCDateTime><sch:Time>{time}</sch:Time><sch:Date>{date}</sch:Date></sch:UTCDateTime>"
        "</r:SystemDateAndTime>"
    )


def services(addresses: Mapping[str, str]) -> str:
    return "".join(
        f"<r:Service><r:Namespace>{SPACES[name]}</r:Namespace><r:XAddr>{url}</r:XAddr>"
        "<r:Version><sch:Major>2</sch:Major><sch:Minor>60</sch:Minor></r:Version></r:Service>"
        for name, url in addresses.items()
    )


def capabilities(addresses: Mapping[str, str]) -> str:
    names = {"device": "Device", "events": "Events", "media": "Media", "ptz": "PTZ"}
    rows = (f"<sch:{names[n]}><sch:XAddr>{url}</sch:XAddr></sch:{names[n]}>" for n, url in addresses.items())
    return f"<r:Capabilities>{''.join(rows)}</r:Capabilities>"


PROFILES: Final = (
    '<r:Profiles fixed="true" token="overview"><sch:Name>Overview</sch:Name></r:Profiles>'
    '<r:Profiles fixed="true" token="main"><sch:Name>Main stream</sch:Name>'
    '<sch:PTZConfiguration token="ptz0"><sch:Name>PTZ</sch:Name></sch:PTZConfiguration></r:Profiles>'
)


def snapshot_uri(url: str) -> str:
    return (
        f"<r:MediaUri><sch:Uri>{url}</sch:Uri><sch:InvalidAfterConnect>false</sch:InvalidAfterConnect>"
        "<sch:InvalidAfterReboot>true</sch:InvalidAfterReboot><sch:Timeout>PT0S</sch:Timeout></r:MediaUri>"
    )


def presets(known: Mapping[str, FakePreset], *, positions: bool) -> str:
    return "".join(
        f'<r:Preset token="{token}"><sch:Name>{preset.name}</sch:Name>'
        + (f"<sch:PTZPosition>{_place(preset.place)}</sch:PTZPosition>" if positions else "")
        + "</r:Preset>"
        for token, preset in known.items()
    )


def status(place: Place, *, moving: bool | None, at: float) -> str:
    word = "MOVING" if moving else "IDLE"
    states = f"<sch:PanTilt>{word}</sch:PanTilt><sch:Zoom>{word}</sch:Zoom>"
    return (
        f"<r:PTZStatus><sch:Position>{_place(place)}</sch:Position>"
        + ("" if moving is None else f"<sch:MoveStatus>{states}</sch:MoveStatus>")
        + f"<sch:UtcTime>{written(at)}</sch:UtcTime></r:PTZStatus>"
    )


def _place(place: Place) -> str:
    pan, tilt, zoom = place
    return f'<sch:PanTilt x="{pan:.4f}" y="{tilt:.4f}"/><sch:Zoom x="{zoom:.4f}"/>'


def relays(tokens: Iterable[str], pulses: frozenset[str]) -> str:
    return "".join(
        f'<r:RelayOutputs token="{token}"><sch:Properties>'
        f"<sch:Mode>{'Monostable' if token in pulses else 'Bistable'}</sch:Mode>"
        "<sch:DelayTime>PT1S</sch:DelayTime><sch:IdleState>open</sch:IdleState>"
        "</sch:Properties></r:RelayOutputs>"
        for token in tokens
    )


def subscription(address: str, parameter: str, times: str) -> str:
    """parameter: the number to be echoed, or empty."""
    held = (
        f'<a:ReferenceParameters><v:Subscription xmlns:v="http://camera.example/v">{parameter}</v:Subscription>'
        "</a:ReferenceParameters>"
        if parameter
        else ""
    )
    return f"<r:SubscriptionReference><a:Address>{address}</a:Address>{held}</r:SubscriptionReference>{times}"


def times(now: float, end: float, prefix: str) -> str:
    return (
        f"<{prefix}:CurrentTime>{written(now)}</{prefix}:CurrentTime>"
        f"<{prefix}:TerminationTime>{written(end)}</{prefix}:TerminationTime>"
    )


def input_message(token: str, *, active: bool, operation: str, at: float) -> str:
    return (
        '<n:NotificationMessage><n:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
        "tns1:Device/Trigger/tns1:DigitalInput</n:Topic><n:Message>"
        f'<sch:Message UtcTime="{written(at)}" PropertyOperation="{operation}">'
        f'<sch:Source><sch:SimpleItem Name="InputToken" Value="{token}"/></sch:Source>'
        f'<sch:Data><sch:SimpleItem Name="LogicalState" Value="{"true" if active else "false"}"/></sch:Data>'
        "</sch:Message></n:Message></n:NotificationMessage>"
    )
