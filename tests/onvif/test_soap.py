"""Envelopes and faults, however a camera writes them; and that nothing else gets through."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.onvif import device, events, media, ptz
from bridge.protocols.onvif.soap import MAX_DEPTH, Fault, name_of, read_envelope, text_at, write_envelope
from tests.onvif.answers import answer

SOAP = "http://www.w3.org/2003/05/soap-envelope"
OLD = "http://schemas.xmlsoap.org/soap/envelope/"


@pytest.mark.parametrize(
    "text",
    [
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><p:Answer xmlns:p="urn:x"><p:A>1</p:A></p:Answer></s:Body>'
        "</s:Envelope>",
        f'<soap-env:Envelope xmlns:soap-env="{SOAP}"><soap-env:Header><x/></soap-env:Header>'
        "<soap-env:Body>\n <Answer><A> 1 </A></Answer></soap-env:Body></soap-env:Envelope>",
        f'\ufeff<Envelope xmlns="{SOAP}"><Body><Answer xmlns=""><A>1</A></Answer></Body></Envelope>',
        f'<Envelope xmlns="{OLD}"><Body><Answer><A>1</A><A>2</A></Answer></Body></Envelope>',
    ],
)
def test_any_prefix(text: str) -> None:
    content = read_envelope(text.encode())
    assert not isinstance(content, Fault)
    assert (name_of(content), text_at(content, "A")) == ("Answer", "1")


def fault(code: str, subcode: str = "", reason: str = "") -> bytes:
    return (
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body><e:Fault><e:Code><e:Value>{code}</e:Value>{subcode}</e:Code>'
        f'<e:Reason><e:Text xml:lang="en">{reason}</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>'
    ).encode()


NO_TOKEN = (
    "<e:Subcode><e:Value>ter:InvalidArgVal</e:Value>"
    "<e:Subcode><e:Value>ter:NoToken</e:Value></e:Subcode></e:Subcode>"
)


@pytest.mark.parametrize(
    ("data", "said", "unauthorized", "passing"),
    [
        (fault("e:Sender", NO_TOKEN, "no preset"), "Sender/InvalidArgVal/NoToken: no preset", False, False),
        (
            fault("e:Sender", "<e:Subcode><e:Value>ter:NotAuthorized</e:Value></e:Subcode>"),
            "Sender/NotAuthorized: no reason given",
            True,
            False,
        ),
        (
            fault("e:Sender", "<e:Subcode><e:Value>wsse:FailedAuthentication</e:Value></e:Subcode>"),
            "Sender/FailedAuthentication: no reason given",
            True,
            False,
        ),
        (fault("e:Sender", "", "Sender not Authorized"), "Sender: Sender not Authorized", True, False),
        (fault("e:Receiver", "", "busy"), "Receiver: busy", False, True),
        (
            fault("e:Receiver", "<e:Subcode><e:Value>ter:ActionNotSupported</e:Value></e:Subcode>", "no"),
            "Receiver/ActionNotSupported: no",
            False,
            False,
        ),
        (
            f'<e:Envelope xmlns:e="{OLD}"><e:Body><e:Fault><faultcode>e:Server</faultcode>'
            "<faultstring>old</faultstring></e:Fault></e:Body></e:Envelope>".encode(),
            "Server: old",
            False,
            True,
        ),
        (fault("e:Sender").replace(b"e:Code>", b"e:Nothing>"), ": no reason given", False, False),
    ],
)
def test_faults(data: bytes, said: str, unauthorized: bool, passing: bool) -> None:
    found = read_envelope(data)
    assert isinstance(found, Fault)
    assert (str(found), found.unauthorized, found.passing) == (said, unauthorized, passing)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
DEEP = "<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not XML"),
        (b"{}", "not XML"),
        (write_envelope("<a>1</a>")[:-9], "not all of it"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (BOMB.encode(), "not XML"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "not XML"),
        (b'<?xml version="1.0" encoding="klingon"?><x/>', "not XML"),
        (write_envelope(DEEP), "too deeply"),
        (write_envelope("<a>" + " " * 1_100_000 + "</a>"), "larger than"),
        (b"<x/>", "no SOAP"),
        (write_envelope(""), "no SOAP"),
        (f'<s:Envelope xmlns:s="{SOAP}"/>'.encode(), "no SOAP"),
    ],
)
def test_what_is_no_answer(data: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        read_envelope(data)


READERS: list[Callable[[Any], object]] = [
    device.read_time_of,
    device.read_services,
    device.read_capabilities,
    device.read_relays,
    media.read_profiles,
    media.read_snapshot_uri,
    ptz.read_presets,
    ptz.read_status,
    events.read_subscription,
    events.read_renewal,
    events.read_messages,
]
KNOWN = """
SystemDateAndTime UTCDateTime Date Year Time Service Namespace XAddr Capabilities Media PTZ Profiles
PTZConfiguration MediaUri Uri Preset Name PTZPosition PanTilt Zoom PTZStatus Position MoveStatus RelayOutputs
Properties Mode SubscriptionReference Address ReferenceParameters CurrentTime TerminationTime
NotificationMessage Topic Message Source Data SimpleItem Fault Code Value
"""
NAMES = st.sampled_from(KNOWN.split())
TEXTS = st.sampled_from(
    [
        "",
        "1",
        "-7",
        "1e999",
        "NaN",
        "MOVING",
        "http://x/y",
        "http://[",
        "2026-01-01T00:00:00Z",
        "9" * 40,
        "tns1:a/b",
    ]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["token", "x", "y", "UtcTime", "Name", "Value"]), TEXTS, max_size=3
)


def _element(name: str, attributes: dict[str, str], text: str, inside: list[str]) -> str:
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{written}>{text}{''.join(inside)}</{name}>"


TREES = st.recursive(
    st.builds(_element, NAMES, ATTRIBUTES, TEXTS, st.just([])),
    lambda inner: st.builds(_element, NAMES, ATTRIBUTES, TEXTS, st.lists(inner, max_size=4)),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, max_size=4))
def test_readers_raise_nothing_else(trees: list[str]) -> None:
    for read in READERS:
        with suppress(ProtocolError):
            read(answer("".join(trees)))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_damaged_answers_raise_nothing_else(noise: bytes, at: int) -> None:
    whole = fault("e:Sender", NO_TOKEN, "x")
    with suppress(ProtocolError):
        read_envelope(whole[:at] + noise + whole[at:])
