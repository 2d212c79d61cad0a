"""What may be inferred of an SOS that is not written well (RFC 4475 sections 3.1.2.6 and 3.1.2.15)."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.message import Headers, Request
from bridge.protocols.sip.message.mending import mended
from bridge.protocols.sip.uri import SipUri

FIELDS = {
    "Via": "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
    "From": "<sip:a@b>;tag=1",
    "To": "<sip:9110@b>",
    "Call-ID": "x",
    "CSeq": "1 INVITE",
    "Contact": "<sip:a@192.0.2.1>",
}


def invite(**changed: str) -> Request:
    fields = FIELDS | {name.replace("_", "-"): value for name, value in changed.items()}
    return Request("INVITE", SipUri("b", "9110"), Headers.of(*fields.items()))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"Mr. J. User <sip:a@b>;tag=1', "Mr. J. User"),
        ('Mr. J. User" <sip:a@b>;tag=1', "Mr. J. User"),
        ('Mr. "J." User <sip:a@b>;tag=1', "Mr. J. User"),
        ('"<sip:a@b>;tag=1', ""),
        ("A\\ <sip:a@b>;tag=1", "A\\"),
    ],
)
def test_the_address_in_brackets_counts(text: str, name: str) -> None:
    whole = mended(invite(From=text))

    assert whole is not None
    assert whole.from_.uri == SipUri("b", "a")
    assert (whole.from_.display_name, whole.from_.tag) == (name, "1")


@pytest.mark.parametrize("name", ["Accept", "Record_Route"])
def test_what_a_call_can_do_without(name: str) -> None:
    whole = mended(invite(**{name: "<;;"}))

    assert whole is not None
    assert name.replace("_", "-") not in whole.headers


def test_what_is_well_is_left_alone() -> None:
    request = invite(Accept="application/sdp", Record_Route="<sip:192.0.2.9;lr>")

    assert mended(request) is request


@pytest.mark.parametrize(
    "changed",
    [
        {"To": '"Mr J. User <sip:a@b> <sip:c@d>'},
        {"To": '"Mr J. User'},
        {"From": '"A <sip:>'},
        {"CSeq": "one INVITE"},
        {"Contact": '"A <sip:a@b>, "B <sip:c@d>'},
        {"From": '"' * 5000 + "<" * 5000},
    ],
)
def test_what_nobody_can_tell(changed: dict[str, str]) -> None:
    assert mended(invite(**changed)) is None
