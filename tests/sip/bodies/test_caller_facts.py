"""What an INVITE says about its caller, as attributes of an event."""

from __future__ import annotations

from bridge.protocols.sip.bodies import caller_facts
from tests.sip.bodies.test_pidf import DOCUMENT
from tests.sip.message.test_message import invite

MIXED = ("Content-Type", "multipart/mixed;boundary=b")


def body(document: str) -> bytes:
    sdp = b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
    position = b"--b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <post03>\r\n\r\n"
    return sdp + position + document.encode() + b"\r\n--b--\r\n"


def test_nothing_said() -> None:
    assert caller_facts(invite()) == {}


def test_words_and_links() -> None:
    facts = caller_facts(
        invite(
            ("Subject", " man\tdown\x07 "),
            ("Priority", "emergency"),
            ("User-Agent", "Phone/1.0"),
            ("Organization", "Plant"),
            ("Call-Info", "<http://a/b>;purpose=icon, <http://c/d>"),
            ("Geolocation", "<cid:post03>, <https://lis.example.com/9103>"),
        )
    )
    assert facts == {
        "subject": "man down",
        "priority": "emergency",
        "user_agent": "Phone/1.0",
        "organization": "Plant",
        "call_info": "http://a/b http://c/d",
        "geolocation": "https://lis.example.com/9103",
    }


def test_a_position_in_the_body() -> None:
    facts = caller_facts(invite(("Geolocation", "<cid:post03>"), MIXED, body=body(DOCUMENT)))

    assert facts["position"] == "60.1699 24.9384"
    assert facts["civic_room"] == "Säiliö & pumppu"
    assert "geolocation" not in facts


def test_what_cannot_be_read_is_left_out() -> None:
    broken = invite(
        ("Subject", "help"), ("Call-Info", "nonsense"), ("Geolocation", "<"), MIXED, body=body("<a")
    )
    assert caller_facts(broken) == {"subject": "help"}

    assert caller_facts(invite(("Subject", "help"), MIXED, body=b"no parts")) == {"subject": "help"}


def test_a_position_cannot_pose_as_a_header() -> None:
    document = DOCUMENT.replace("ca:A3", "ca:subject")
    facts = caller_facts(invite(("Subject", "help"), MIXED, body=body(document)))
    assert (facts["subject"], facts["civic_subject"]) == ("help", "Porvoo")
